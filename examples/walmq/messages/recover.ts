// Opening: what a crash left is put right on disk, and made durable, before any of it is shown.
import type { OpenFile } from 'ministore-ts/file'
import { BrokerError } from '../broker/errors.ts'
import { type Disk, readAll, withFile, writeAll } from './disk.ts'
import { decodeFrame, frameLength, mayBeFrame } from './frame.ts'
import { baseOf, type Placed, Segment, scan, segmentPath } from './segment.ts'
import type { Repair } from './types.ts'

/** The least that a disk writes at once. */
const SECTOR_BYTES = 512

export interface Recovered {
  /** By base, without gaps; at least one. */
  readonly segments: readonly Segment[]
  readonly repairs: readonly Repair[]
}

export interface Site {
  readonly disk: Disk
  readonly directory: string
  readonly seed: number
}

/**
 * Throws BrokerError `data_loss` where messages from `logStart` on are missing, and `corrupt`; what is on disk
 * is changed only where it throws neither.
 */
export async function recover(site: Site, logStart: number | undefined): Promise<Recovered> {
  const bases = await listBases(site)
  // A segment ends where the next one begins, if not before: what is below needs no look.
  const needed = bases.filter(
    (_, index) => (bases[index + 1] ?? Number.POSITIVE_INFINITY) > (logStart ?? 0),
  )
  const [first, last] = [needed[0], needed.at(-1)]
  if (first === undefined || last === undefined) return create(site, logStart ?? 0)
  if (first > (logStart ?? first)) throw missing(site, logStart ?? 0, first)
  const segments: Segment[] = []
  for (const base of needed.slice(0, -1))
    segments.push(await readClosed(site, follow(site, base, segments.at(-1))))
  const segment = follow(site, last, segments.at(-1))
  const found = await readLast(site, segment)
  if (segment.end < (logStart ?? 0)) throw missing(site, segment.end, logStart ?? 0)
  await remove(site, bases.slice(0, bases.length - needed.length))
  await repair(site, segment, found)
  const { path, bytes: offset } = segment
  const repairs = offset < found.size ? [{ path, offset, bytes: found.size - offset }] : []
  return { segments: [...segments, segment], repairs }
}

async function listBases({ disk, directory }: Site): Promise<number[]> {
  const names = await disk.list(directory)
  const bases = names.map(baseOf).filter((base) => base !== undefined)
  return bases.sort((a, b) => a - b)
}

/** Without a segment there never was a message: each trim leaves the last one. */
async function create(site: Site, logStart: number): Promise<Recovered> {
  if (logStart > 0) throw missing(site, 0, logStart)
  return { segments: [await createSegment(site, 0)], repairs: [] }
}

/** Durable when it resolves. */
export async function createSegment({ disk, directory }: Site, base: number): Promise<Segment> {
  const segment = new Segment(directory, base)
  await withFile(disk, segment.path, 'wx', (file) => file.sync())
  await disk.syncDir(directory)
  return segment
}

function follow({ directory }: Site, base: number, before: Segment | undefined): Segment {
  const segment = new Segment(directory, base)
  if (!before || before.end === base) return segment
  const { path } = segment
  const what = `begins at offset ${base}, but the segment before it ends at ${before.end}`
  throw new BrokerError('corrupt', `${path} ${what}`, { path, details: { offset: 0 } })
}

function readClosed(site: Site, segment: Segment): Promise<Segment> {
  return withFile(site.disk, segment.path, 'r', async (file) => {
    const size = await file.size()
    const { whole } = await readInto(segment, file, site, size)
    if (segment.bytes < size) throw damaged(segment.path, whole, 'though it was closed')
    return segment
  })
}

interface Last {
  readonly size: number
  /** Where the last write begins of which anything counts, in bytes. */
  readonly group: number
}

/** The bytes after its last whole append may be cut off, or it throws BrokerError `corrupt`. */
function readLast(site: Site, segment: Segment): Promise<Last> {
  return withFile(site.disk, segment.path, 'r', async (file) => {
    const size = await file.size()
    const { group, whole } = await readInto(segment, file, site, size)
    const rest = await readAll(file, whole, size - whole)
    const later = findLater(rest, site.seed)
    if (later && !(later.areJoined && hasLostSector(rest.subarray(0, later.at), whole)))
      throw damaged(
        segment.path,
        whole,
        `with whole ones after it, from byte ${whole + later.at} on`,
      )
    return { size, group }
  })
}

/** `whole` is where the whole frames end, in bytes; the segment takes what is in whole appends. */
async function readInto(
  segment: Segment,
  file: OpenFile,
  { seed }: Site,
  size: number,
): Promise<{ group: number; whole: number }> {
  let [group, nextGroup, whole] = [0, 0, 0]
  let unfinished: Placed[] = []
  for await (const placed of scan(file, { from: 0, to: size, seed })) {
    for (const each of placed) {
      const { frame, at } = each
      if (!frame.isJoined) nextGroup = at
      whole = each.end
      unfinished.push(each)
      if (frame.goesOn) continue
      for (const { frame, at, end } of unfinished) segment.add(frame.ts, end - at)
      unfinished = []
      group = nextGroup
    }
  }
  return { group, whole }
}

/** Whole frames somewhere in bytes that do not begin with one: where, and whether all were written with what is before them. */
function findLater(
  rest: Buffer,
  seed: number,
): { readonly at: number; readonly areJoined: boolean } | undefined {
  let first: number | undefined
  for (let at = 1; at < rest.length; ) {
    const frame = mayBeFrame(rest, at) ? decodeFrame(rest, at, seed) : undefined
    first ??= frame && at
    if (first !== undefined && frame && !frame.isJoined) return { at: first, areJoined: false }
    at += frame ? (frameLength(rest, at) ?? 1) : 1
  }
  return first === undefined ? undefined : { at: first, areJoined: true }
}

/**
 * A power cut keeps any of the sectors that were not yet synced, so what was torn may have whole frames of
 * the same write after it. A lost one reads as zeros, to its end. Anything else is damage to what was
 * once safe. `at` is where the bytes begin in their file.
 */
function hasLostSector(bytes: Buffer, at: number): boolean {
  for (let begin = 0; begin < bytes.length; ) {
    const end = begin + SECTOR_BYTES - ((at + begin) % SECTOR_BYTES)
    if (end <= bytes.length && bytes.subarray(begin, end).every((byte) => byte === 0)) return true
    begin = end
  }
  return false
}

/** The oldest first. Finishes what a crash interrupted. */
async function remove({ disk, directory }: Site, bases: readonly number[]): Promise<void> {
  for (const base of bases) await disk.unlink(segmentPath(directory, base))
  if (bases.length > 0) await disk.syncDir(directory)
}

/** Its tail may never have been synced: what is no message is cut off, the rest is synced. */
function repair(site: Site, { path, bytes }: Segment, { size, group }: Last): Promise<void> {
  return withFile(site.disk, path, 'r+', async (file) => {
    if (bytes < size) await file.truncate(bytes)
    // After a failed sync the kernel may take pages for clean that never reached the disk. Where a kill
    // came before the rollback, to sync them once more would prove nothing.
    await writeAll(file, await readAll(file, group, bytes - group), group)
    await file.sync()
    await site.disk.syncDir(site.directory)
  })
}

const missing = ({ directory }: Site, from: number, to: number): BrokerError =>
  new BrokerError('data_loss', `${directory} lacks the messages from offset ${from} to ${to - 1}`, {
    path: directory,
    details: { from, to },
  })

/** `offset` in bytes. */
export function damaged(path: string, offset: number, what: string): BrokerError {
  const message = `${path} holds no message at byte ${offset}, ${what}: it was changed, or the disk lost it`
  return new BrokerError('corrupt', message, { path, details: { offset } })
}
