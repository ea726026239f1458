// A disk that can be killed, cut from power and made to fail, deterministically from a seed.

import { StoreError } from '../errors.ts'
import type { FileSystem, OpenFile } from '../port/file-system.ts'
import {
  applyMove,
  atSomeMoment,
  cutPower,
  forget,
  type Inode,
  makeDurable,
  move,
  newInode,
  type Platter,
  truncate,
  write,
} from './platter.ts'
import { random } from './random.ts'

/** What happens instead of an operation. */
export type Fault =
  /** The operation fails with this system error; a sync loses what it should have kept. */
  | { readonly errno: string }
  /** A write takes only this part of its bytes (0 to 1), and says so. */
  | { readonly short: number }
  /** The process ends before the operation: what was written stays visible, no one synced it. */
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
  /** The visible bytes, for looking and for damaging; undefined if there is no such file. */
  bytes(path: string): Uint8Array | undefined
  paths(): string[]
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

/** A process's view of it. */
export function mount(
  platter: Platter,
  faults: ReadonlyMap<number, Fault> = new Map(),
): SimulatedDisk {
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

  /** Every operation passes here; after the end of its process, no operation is ever answered. */
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
    resolve: (path) => operate(() => path),
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
    list: (path) =>
      operate(() => {
        const paths = [...platter.names.keys()].filter((each) => dirname(each) === path)
        return paths.map((each) => each.slice(each.lastIndexOf('/') + 1))
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
    links: () => operate(() => [...platter.names.values()].filter((each) => each === inode).length),
    copyAccess: (path) => operate(() => void (platter.names.get(path) ?? fail('ENOENT', path))),
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

const dirname = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/'

function fail(code: string, path: string): never {
  throw systemError(code, path)
}

const systemError = (code: string, path = ''): Error =>
  Object.assign(new Error(`${code}: simulated ${path}`), { code })
