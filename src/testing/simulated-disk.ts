// A disk that can be killed, cut from power and made to fail, deterministically from a seed.
import { type FileSystem, type OpenFile, StoreError } from '../index.ts'
import { type Random, random } from './random.ts'

const SECTOR_BYTES = 512

/** What happens instead of an operation. */
export type Fault =
  /** The operation fails with this system error; a sync loses what it should have kept. */
  | { readonly errno: string }
  /** A write takes only this part of its bytes (0 to 1), and says so. */
  | { readonly short: number }
  /** The process ends before the operation: what was written stays visible, nobody synced it. */
  | 'kill'
  /** The power goes before the operation. */
  | 'power cut'

export interface SimulatedDiskOptions {
  /** Everything random about the disk follows from it. */
  readonly seed: number
  /** By the operation's number, counted from 0 over all lives of the disk. */
  readonly faults?: ReadonlyMap<number, Fault>
}

export interface SimulatedDisk extends FileSystem {
  /** How many operations there were; the next one has this number. */
  readonly operations: number
  /** Resolves when a fault ended the process: nothing on this disk ever answers it again. */
  readonly ended: Promise<'kill' | 'power cut'>
  /** Ends the process from outside, between two operations. */
  end(how: 'kill' | 'power cut'): void
  /** The disk as the next process finds it, the power being back. */
  restart(options?: { readonly faults?: ReadonlyMap<number, Fault> }): SimulatedDisk
  /** The visible bytes, for looking and for damaging; undefined where there is no such file. */
  bytes(path: string): Uint8Array | undefined
  paths(): string[]
}

interface Inode {
  visible: Uint8Array
  durable: Uint8Array
  /** What each sector held since the last sync; and which sizes the file had. */
  dirty: Map<number, Uint8Array[]>
  sizes: number[]
}
/** A directory operation that is not yet durable. */
interface Move {
  readonly directory: string
  readonly removed?: string
  readonly added?: readonly [path: string, inode: Inode]
}
/** What outlives a process. */
interface Platter {
  readonly random: Random
  names: Map<string, Inode>
  durableNames: Map<string, Inode>
  moves: Move[]
  operations: number
}

/**
 * An empty disk. A power cut lets every sector that was written since the last sync take, by itself,
 * any content it had meanwhile; the size too; and keeps or loses every directory operation since its
 * directory's last sync. A kill keeps all that was written, still unsynced. A failed sync may keep
 * some sectors and forgets the others while they stay visible, as ext4 and XFS do.
 */
export function simulatedDisk({ seed, faults }: SimulatedDiskOptions): SimulatedDisk {
  const names = new Map<string, Inode>()
  const platter = { random: random(seed), names, durableNames: new Map(), moves: [], operations: 0 }
  return mount(platter, faults)
}

function mount(platter: Platter, faults: ReadonlyMap<number, Fault> = new Map()): SimulatedDisk {
  let how: 'kill' | 'power cut' | undefined
  let tell: (how: 'kill' | 'power cut') => void = () => undefined
  const ended = new Promise<'kill' | 'power cut'>((resolve) => {
    tell = resolve
  })
  const locks = new Set<string | Inode>()

  const end = (cause: 'kill' | 'power cut') => {
    if (how) return
    how = cause
    if (cause === 'power cut') cutPower(platter)
    tell(cause)
  }

  /** Every operation passes here; behind the end of its process none is ever answered. */
  async function operate<T>(run: () => T, instead?: (fault: PartialFault) => T): Promise<T> {
    // Never at once, as on a real disk: others may come in between.
    await undefined
    const fault = how ? undefined : faults.get(platter.operations++)
    if (fault === 'kill' || fault === 'power cut') end(fault)
    if (how) return new Promise<never>(() => undefined)
    if (fault && typeof fault === 'object') {
      if (instead) return instead(fault)
      if ('errno' in fault) throw systemError(fault.errno)
    }
    return run()
  }

  const find = (path: string): Inode => {
    const inode = platter.names.get(path)
    if (inode) return inode
    throw systemError('ENOENT', path)
  }

  const disk: SimulatedDisk = {
    get operations() {
      return platter.operations
    },
    ended,
    end,
    restart({ faults } = {}) {
      end('kill')
      return mount(platter, faults)
    },
    bytes: (path) => platter.names.get(path)?.visible,
    paths: () => [...platter.names.keys()],
    open: (path, flags) =>
      operate(() => {
        const there = platter.names.get(path)
        if (flags === 'wx' && there) throw systemError('EEXIST', path)
        if (flags === 'r' || flags === 'r+') return openFile(platter, find(path), operate, locks)
        const inode = newInode()
        move(platter, { directory: dirname(path), added: [path, inode] })
        const file = openFile(platter, inode, operate, locks)
        // As on a real disk: made to be written only.
        return { ...file, read: () => operate(() => fail('EBADF', path)) }
      }),
    mkdir: () => operate(() => undefined),
    rename: (from, to) =>
      operate(() => {
        move(platter, { directory: dirname(to), removed: from, added: [to, find(from)] })
      }),
    link: (from, to) =>
      operate(() => {
        if (platter.names.has(to)) throw systemError('EEXIST', to)
        move(platter, { directory: dirname(to), added: [to, find(from)] })
      }),
    unlink: (path) =>
      operate(() => {
        find(path)
        move(platter, { directory: dirname(path), removed: path })
      }),
    syncDir: (path) =>
      operate(() => {
        for (const each of platter.moves) {
          if (each.directory === path) applyMove(platter.durableNames, each)
        }
        platter.moves = platter.moves.filter(({ directory }) => directory !== path)
      }),
    lock: (path) =>
      operate(() => {
        if (locks.has(path)) throw new StoreError('locked', `${path} is held`, { path })
        locks.add(path)
        return () => void locks.delete(path)
      }),
  }
  return disk
}

type PartialFault = Exclude<Fault, string>
type Operate = <T>(run: () => T, instead?: (fault: PartialFault) => T) => Promise<T>

function openFile(
  platter: Platter,
  inode: Inode,
  operate: Operate,
  locks: Set<string | Inode>,
): OpenFile {
  let isLocked = false
  const sync = () =>
    operate(
      () => makeDurable(inode),
      (fault) => {
        if ('short' in fault) return makeDurable(inode)
        inode.durable = atSomeMoment(inode, platter.random)
        forget(inode)
        throw systemError(fault.errno)
      },
    )
  const put = (bytes: Uint8Array, position: number) => {
    write(inode, bytes, position)
    return bytes.length
  }
  return {
    size: () => operate(() => inode.visible.length),
    read: (into, position) =>
      operate(() => {
        const bytes = inode.visible.subarray(position, position + into.length)
        into.set(bytes)
        return bytes.length
      }),
    write: (bytes, position) =>
      operate(
        () => put(bytes, position),
        (fault) => {
          if ('errno' in fault) throw systemError(fault.errno)
          return put(bytes.subarray(0, Math.floor(bytes.length * fault.short)), position)
        },
      ),
    truncate: (size) => operate(() => truncate(inode, size)),
    datasync: sync,
    sync,
    sizeAt: (path) =>
      operate(() => (platter.names.get(path) === inode ? inode.visible.length : undefined)),
    tryLock: () =>
      operate(() => {
        isLocked ||= !locks.has(inode)
        if (isLocked) locks.add(inode)
        return isLocked
      }),
    close: () =>
      operate(() => {
        if (isLocked) locks.delete(inode)
        isLocked = false
      }),
  }
}

const newInode = (): Inode => ({
  visible: new Uint8Array(),
  durable: new Uint8Array(),
  dirty: new Map(),
  sizes: [],
})

function write(inode: Inode, bytes: Uint8Array, position: number): void {
  const size = Math.max(inode.visible.length, position + bytes.length)
  const next = new Uint8Array(size)
  next.set(inode.visible)
  next.set(bytes, position)
  change(inode, next, position, position + bytes.length)
}

function truncate(inode: Inode, size: number): void {
  const next = new Uint8Array(size)
  next.set(inode.visible.subarray(0, size))
  change(inode, next, Math.min(size, inode.visible.length), Math.max(size, inode.visible.length))
}

/** The bytes from `from` to `to` become those of `next`, in the page cache. */
function change(inode: Inode, next: Uint8Array, from: number, to: number): void {
  inode.visible = next
  inode.sizes.push(next.length)
  for (let sector = sectorOf(from); sector * SECTOR_BYTES < to; sector++) {
    const contents = inode.dirty.get(sector) ?? []
    contents.push(sectorBytes(next, sector))
    inode.dirty.set(sector, contents)
  }
}

const sectorOf = (position: number) => Math.floor(position / SECTOR_BYTES)

/** Whole, the part behind the end being zero, as it is on a disk. */
function sectorBytes(bytes: Uint8Array, sector: number): Uint8Array {
  const whole = new Uint8Array(SECTOR_BYTES)
  whole.set(bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES))
  return whole
}

function makeDurable(inode: Inode): void {
  // Not what is visible: what a failed sync has lost is visible and clean, and stays lost.
  inode.durable = assemble(inode, inode.sizes.at(-1), (contents) => contents.at(-1))
  forget(inode)
}

function forget(inode: Inode): void {
  inode.dirty = new Map()
  inode.sizes = []
}

/** What a power cut leaves of a file. */
function atSomeMoment(inode: Inode, random: Random): Uint8Array {
  const size = random.pick([undefined, ...inode.sizes])
  return assemble(inode, size, (contents) => random.pick([undefined, ...contents]))
}

/** The durable bytes with some sectors, and perhaps the size, taken from the page cache. */
function assemble(
  inode: Inode,
  size: number = inode.durable.length,
  choose: (contents: Uint8Array[]) => Uint8Array | undefined,
): Uint8Array {
  const chosen = [...inode.dirty].map(([sector, contents]) => [sector, choose(contents)] as const)
  const last = Math.max(-1, ...inode.dirty.keys())
  const whole = new Uint8Array(Math.max(size, inode.durable.length, (last + 1) * SECTOR_BYTES))
  whole.set(inode.durable)
  for (const [sector, bytes] of chosen) if (bytes) whole.set(bytes, sector * SECTOR_BYTES)
  return whole.slice(0, size)
}

function move(platter: Platter, change: Move): void {
  applyMove(platter.names, change)
  platter.moves.push(change)
}

function applyMove(names: Map<string, Inode>, { removed, added }: Move): void {
  if (removed !== undefined) names.delete(removed)
  if (added) names.set(...added)
}

function cutPower(platter: Platter): void {
  const { random, durableNames, moves } = platter
  for (const each of moves) if (random.chance(0.5)) applyMove(durableNames, each)
  const inodes = new Set([...platter.names.values(), ...durableNames.values()])
  for (const inode of inodes) {
    inode.durable = atSomeMoment(inode, random)
    inode.visible = inode.durable
    forget(inode)
  }
  platter.names = new Map(durableNames)
  platter.moves = []
}

const dirname = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/'

function fail(code: string, path: string): never {
  throw systemError(code, path)
}

const systemError = (code: string, path = ''): Error =>
  Object.assign(new Error(`${code}: simulated ${path}`), { code })
