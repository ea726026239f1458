// What can happen to a journal at rest, and what must hold when it is opened afterwards.
import type * as Api from 'ministore-ts'
import { type Random, type SimulatedDisk, simulatedDisk } from 'ministore-ts/testing'
import {
  BrokenPromise,
  isOf,
  ledgerFor,
  PATH,
  refusedBy,
  type Subject,
  type World,
} from './world.ts'

/** The code of a refusal, which is counted. */
const refusal =
  ({ tally }: World) =>
  ({ code, message }: Api.StoreError): string => {
    if (message !== undefined) tally.branches[refusedBy(message)] += 1
    return code
  }

/** What a disk or somebody can do to a journal at rest. Each gives its new bytes. */
const MISTAKES: Readonly<Record<string, (bytes: Buffer, random: Random) => Buffer>> = {
  'a sector landed on another': (bytes, random) => {
    const sectors = Math.ceil(bytes.length / SECTOR_BYTES)
    const [from, to] = [random.below(sectors), random.below(sectors)]
    const content = bytes.subarray(from * SECTOR_BYTES, (from + 1) * SECTOR_BYTES)
    return replaced(bytes, to * SECTOR_BYTES, Buffer.from(content))
  },
  'a sector was lost': (bytes, random) => {
    const sector = random.below(Math.ceil(bytes.length / SECTOR_BYTES))
    return replaced(bytes, sector * SECTOR_BYTES, Buffer.alloc(SECTOR_BYTES))
  },
  'a line was removed': (bytes, random) => {
    const [begin, end] = someLine(bytes, random)
    return Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)])
  },
  'a line was doubled': (bytes, random) => {
    const [begin, end] = someLine(bytes, random)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(begin)])
  },
  'bytes were appended': (bytes, random) =>
    Buffer.concat([bytes.subarray(0, bytes.length - random.below(2)), Buffer.from('{}')]),
  'the last newline was lost': (bytes) => bytes.subarray(0, -1),
}

const SECTOR_BYTES = 512

function replaced(bytes: Buffer, offset: number, content: Buffer): Buffer {
  const next = Buffer.from(bytes)
  content.copy(next, offset)
  return next
}

function someLine(bytes: Buffer, random: Random): [begin: number, end: number] {
  const end = bytes.indexOf('\n', random.below(bytes.length)) + 1
  return [bytes.lastIndexOf('\n', end - 2) + 1, end]
}

/** A mistake in what was acknowledged is refused, or harmless, or hides the last records; it never gives another state. */
export async function mistake(subject: Subject, disk: SimulatedDisk, world: World, random: Random) {
  const bytes = Buffer.from(disk.bytes(PATH) ?? [])
  if (bytes.length === 0 || bytes.at(-1) !== '\n'.charCodeAt(0)) return
  world.tally.mistakes += 1
  const what = random.pick(Object.keys(MISTAKES))
  const fileSystem = disk.restart()
  const file = await fileSystem.open(PATH, 'r+')
  await file.truncate(0)
  await file.write(MISTAKES[what]?.(bytes, random) ?? bytes, 0)
  const journal = subject.fileJournal(PATH, { fileSystem })
  const opened = await ledgerFor(subject).open(journal).catch(refusal(world))
  if (typeof opened === 'string') return
  world.tally.branches[opened.recovery.found?.kind ?? 'whole'] += 1
  if (isOf(opened.state, world.submitted.slice(0, opened.seq))) return
  throw new BrokenPromise(`${what}, and another state opened`)
}

/** What no crash leaves, unless the file system breaks its promise about renames: a part of a header. */
export async function tearHeader(subject: Subject, seed: number, world: World): Promise<void> {
  const whole = simulatedDisk({ seed })
  const ledger = ledgerFor(subject)
  await ledger.open(subject.fileJournal(PATH, { fileSystem: whole }))
  const header = whole.bytes(PATH) ?? new Uint8Array()
  const disk = simulatedDisk({ seed })
  const file = await disk.open(PATH, 'wx')
  await file.write(header.subarray(0, seed % header.length), 0)
  const opened = await ledger
    .open(subject.fileJournal(PATH, { fileSystem: disk.restart() }))
    .catch(refusal(world))
  if (typeof opened === 'string')
    throw new BrokenPromise(`half a header was refused with ${opened}`)
  const { created, found } = opened.recovery
  if (!created || opened.seq !== 0) throw new BrokenPromise('half a header became a journal')
  if (found) world.tally.branches[found.kind] += 1
}

/** The journal as it was before the record that the snapshot beside it ends with. */
export async function cutBack(subject: Subject, disk: SimulatedDisk, world: World): Promise<void> {
  const [journal, snapshot] = [disk.bytes(PATH), disk.bytes(`${PATH}.snapshot`)]
  if (!journal || !snapshot) return
  const header: { seq: number; base: number; record: { offset: number } } = JSON.parse(
    Buffer.from(snapshot).toString().split('\n', 1).join(),
  )
  if (header.base !== world.base || header.seq === world.base) return
  world.tally.cuts += 1
  const next = disk.restart()
  const file = await next.open(PATH, 'r+')
  await file.truncate(header.record.offset)
  await file.close()
  const opened = await ledgerFor(subject)
    .open(subject.fileJournal(PATH, { fileSystem: next }))
    .catch(refusal(world))
  if (opened === 'corrupt') return
  const what = typeof opened === 'string' ? opened : `${opened.seq} records opened`
  throw new BrokenPromise(`record ${header.seq}, which is in the snapshot, was cut off: ${what}`)
}

/**
 * One bit of what was acknowledged: the store refuses, and never comes back with less. Where a snapshot
 * covers it, the state is right all the same, and reading the records is refused.
 */
export async function flip(subject: Subject, disk: SimulatedDisk, world: World): Promise<void> {
  if (world.promised === 0) return
  const path = world.random.chance(0.2) ? `${PATH}.snapshot` : PATH
  const bytes = disk.bytes(path)
  if (!bytes) return
  world.tally.flips += 1
  // The last byte of the last whole sector is where a flipped bit can best pass for a torn write.
  const sectorEnd = Math.floor(bytes.length / 512) * 512 - 1
  const isThere = world.random.chance(0.4) && sectorEnd > 0
  const at = isThere ? sectorEnd : world.random.below(bytes.length)
  const bit = world.random.below(8)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  const journal = subject.fileJournal(PATH, { fileSystem: disk.restart() })
  const opened = await ledgerFor(subject).open(journal).catch(refusal(world))
  if (typeof opened === 'string' && path === PATH) return
  const what = `bit ${bit} of byte ${at} of ${path} was flipped`
  if (typeof opened === 'string') throw new BrokenPromise(`${what}: refused with ${opened}`)
  const isRight = isOf(opened.state, world.submitted.slice(0, opened.seq))
  if (opened.seq < world.promised || !isRight)
    throw new BrokenPromise(`${what}, and ${opened.seq} records opened`)
  const { snapshot } = opened.recovery
  if (path !== PATH && snapshot?.used === false) world.tally.branches['snapshot damaged'] += 1
  if (path !== PATH) return
  // What stands in a snapshot's place was not read; it is found when it is.
  const read = await ledgerFor(subject)
    .replay(subject.fileJournal(PATH, { fileSystem: disk.restart(), readOnly: true }))
    .catch((error: Api.StoreError) => error.code)
  if (typeof read !== 'string') throw new BrokenPromise(`${what}, and nobody noticed`)
}
