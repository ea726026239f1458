// Takes back what a killed process had not synced, from the undo log that lossy.c wrote.
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Random } from 'ministore-ts/testing'
import type { LossyPlace } from './library.ts'

const ENTRY_BYTES = 40
const SECTOR_BYTES = 512
const [CHANGE, SYNC_BEGINS, SYNC_ENDS, CREATE, REMOVE, RENAME, REMOVE_DIRECTORY] = [
  1, 2, 3, 4, 5, 6, 7,
]

interface Entry {
  readonly kind: number
  readonly inode: bigint
  readonly size: bigint
  readonly offset: number
  readonly bytes: Buffer
}

export interface Lost {
  /** Files of which contents were lost. */
  files: number
  /** Directory operations that were lost. */
  names: number
}

/**
 * Leaves in `files` what was synced, and empties the undo log. `choose`: of what was not synced some stays, as after
 * a power cut: of each sector the old or the new content, and in each directory the first few operations.
 */
export function takeBack({ files, undo }: LossyPlace, choose?: Random): Lost {
  const entries = readEntries(undo)
  const isDurable = durable(entries)
  const names = entries.filter((entry, index) => isName(entry) && !isDurable.has(index))
  const lostNames = choose ? lastOfEach(names, choose) : names
  for (const entry of lostNames.toReversed()) takeNameBack(entry)
  const changes = new Map<bigint, Entry[]>()
  for (const [index, entry] of entries.entries()) {
    if (entry.kind !== CHANGE || isDurable.has(index)) continue
    changes.set(entry.inode, [...(changes.get(entry.inode) ?? []), entry])
  }
  const paths = pathsByInode(files)
  let lostFiles = 0
  for (const [inode, unsynced] of changes) {
    const path = paths.get(inode)
    if (path !== undefined && takeContentBack(path, unsynced, choose)) lostFiles += 1
  }
  fs.rmSync(undo, { force: true })
  fs.rmSync(`${undo}.kept`, { recursive: true, force: true })
  return { files: lostFiles, names: lostNames.length }
}

function readEntries(undo: string): Entry[] {
  if (!fs.existsSync(undo)) return []
  const log = fs.readFileSync(undo)
  const entries: Entry[] = []
  for (let at = 0; at + ENTRY_BYTES <= log.length; ) {
    const number = (field: number) => log.readBigUInt64LE(at + field * 8)
    const end = at + ENTRY_BYTES + Number(number(4))
    // The kill came while it was written, so before the change itself.
    if (end > log.length) break
    entries.push({
      kind: Number(number(0)),
      inode: number(1),
      size: number(2),
      offset: Number(number(3)),
      bytes: log.subarray(at + ENTRY_BYTES, end),
    })
    at = end
  }
  return entries
}

/** Which entries a sync covers that began after them and ended. */
function durable(entries: readonly Entry[]): Set<number> {
  const covered = new Set<number>()
  const begun = new Map<bigint, number>()
  for (const [index, { kind, inode, size }] of entries.entries()) {
    if (kind === SYNC_BEGINS) begun.set(size, index)
    if (kind !== SYNC_ENDS) continue
    for (let before = (begun.get(size) ?? 0) - 1; before >= 0; before--)
      if (entries[before]?.inode === inode) covered.add(before)
  }
  return covered
}

const isName = ({ kind }: Entry) => [CREATE, REMOVE, RENAME, REMOVE_DIRECTORY].includes(kind)

/** A directory's operations become durable in their order: some last ones of each directory. */
function lastOfEach(names: readonly Entry[], choose: Random): Entry[] {
  const kept = new Map<bigint, number>()
  for (const { inode } of names) kept.set(inode, (kept.get(inode) ?? 0) + 1)
  for (const [inode, count] of kept) kept.set(inode, choose.below(count + 1))
  return names.filter(({ inode }) => {
    const left = kept.get(inode) ?? 0
    kept.set(inode, left - 1)
    return left <= 0
  })
}

/** Does nothing if the kill came before the operation itself. */
function takeNameBack({ kind, size, bytes }: Entry): void {
  const [one = '', two = '', three = ''] = bytes.toString().split('\n')
  const isThere = (path: string) => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined
  if (kind === CREATE) fs.rmSync(one, { recursive: true, force: true })
  if (kind === REMOVE && two !== '' && !isThere(one)) linkIfPossible(two, one)
  if (kind === REMOVE_DIRECTORY && !isThere(one)) fs.mkdirSync(one, { recursive: true })
  if (kind !== RENAME) return
  const moved = fs.lstatSync(two, { bigint: true, throwIfNoEntry: false })
  if (moved?.ino !== size) return
  fs.renameSync(two, one)
  if (three !== '' && !isThere(two)) linkIfPossible(three, two)
}

/** Its directory may be gone, if creating that was not synced either. */
function linkIfPossible(from: string, to: string): void {
  try {
    fs.linkSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function pathsByInode(directory: string): Map<bigint, string> {
  const paths = new Map<bigint, string>()
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    paths.set(fs.lstatSync(path, { bigint: true }).ino, path)
  }
  return paths
}

/** Whether that changed it. */
function takeContentBack(path: string, unsynced: readonly Entry[], choose?: Random): boolean {
  const visible = fs.readFileSync(path)
  let bytes: Buffer = visible
  for (const { size, offset, bytes: old } of unsynced.toReversed()) {
    const before = Buffer.alloc(Number(size))
    bytes.copy(before)
    old.copy(before, offset)
    bytes = before
  }
  if (choose) bytes = mixed(bytes, visible, choose)
  if (bytes.equals(visible)) return false
  fs.writeFileSync(path, bytes)
  return true
}

/** Each sector of the one or of the other, and the length of the one or of the other. */
function mixed(durable: Buffer, visible: Buffer, choose: Random): Buffer {
  const both = Buffer.alloc(Math.max(durable.length, visible.length))
  durable.copy(both)
  for (let at = 0; at < visible.length; at += SECTOR_BYTES)
    if (choose.chance(0.5)) visible.copy(both, at, at, at + SECTOR_BYTES)
  return both.subarray(0, choose.pick([durable, visible]).length)
}
