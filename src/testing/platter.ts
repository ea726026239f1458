// What a simulated disk holds: contents and names, as they are seen and as they would survive a power cut.
import type { Random } from './random.ts'

const SECTOR_BYTES = 512

export interface Inode {
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
export interface Platter {
  /** Decides what a power cut, or a failed sync, leaves. */
  readonly random: Pick<Random, 'chance' | 'pick'>
  names: Map<string, Inode>
  durableNames: Map<string, Inode>
  moves: Move[]
  operations: number
}

export const newInode = (): Inode => ({
  visible: new Uint8Array(),
  durable: new Uint8Array(),
  dirty: new Map(),
  sizes: [],
})

export function write(inode: Inode, bytes: Uint8Array, position: number): void {
  const size = Math.max(inode.visible.length, position + bytes.length)
  const next = new Uint8Array(size)
  next.set(inode.visible)
  next.set(bytes, position)
  change(inode, next, position, position + bytes.length)
}

export function truncate(inode: Inode, size: number): void {
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

/** Whole: the part after the end is zero, as on a disk. */
function sectorBytes(bytes: Uint8Array, sector: number): Uint8Array {
  const whole = new Uint8Array(SECTOR_BYTES)
  whole.set(bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES))
  return whole
}

export function makeDurable(inode: Inode): void {
  // Not what is visible: what a failed sync has lost is visible and clean, and stays lost.
  inode.durable = assemble(inode, inode.sizes.at(-1), (contents) => contents.at(-1))
  forget(inode)
}

export function forget(inode: Inode): void {
  inode.dirty = new Map()
  inode.sizes = []
}

/** What a power cut leaves of a file. */
export function atSomeMoment(inode: Inode, random: Platter['random']): Uint8Array {
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

export function move(platter: Platter, change: Move): void {
  applyMove(platter.names, change)
  platter.moves.push(change)
}

export function applyMove(names: Map<string, Inode>, { removed, added }: Move): void {
  if (removed !== undefined) names.delete(removed)
  if (added) names.set(...added)
}

export function cutPower(platter: Platter): void {
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

/** A platter of its own with the same contents, for which `random` decides. */
export function copyPlatter(platter: Platter, random: Platter['random']): Platter {
  const copies = new Map<Inode, Inode>()
  const copy = (inode: Inode): Inode => {
    const made = copies.get(inode) ?? {
      ...inode,
      dirty: new Map([...inode.dirty].map(([sector, contents]) => [sector, [...contents]])),
      sizes: [...inode.sizes],
    }
    copies.set(inode, made)
    return made
  }
  const all = (names: Map<string, Inode>) =>
    new Map([...names].map(([path, inode]) => [path, copy(inode)]))
  const moves = platter.moves.map(
    (each): Move =>
      each.added ? { ...each, added: [each.added[0], copy(each.added[1])] } : { ...each },
  )
  const { names, durableNames, operations } = platter
  return { random, names: all(names), durableNames: all(durableNames), moves, operations }
}
