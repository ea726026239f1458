// Copies of a journal's lines, each compared with its checksum: what the disk returns wrongly must not
// become a journal.

import type { OpenFile } from '../../../port/file-system.ts'
import { writeAll } from '../disk/write.ts'
import type { FileHeader } from '../format/header.ts'
import { isSealed } from '../format/line.ts'
import { type FilePosition, type RawLine, readLines, scan } from '../format/scan.ts'

/** The journal that is copied, up to `end`. */
interface Source {
  readonly name: string
  readonly file: OpenFile
  readonly header: FileHeader
  readonly end: FilePosition
}

const NEWLINE = Buffer.from('\n')

const bytesOf = (lines: readonly RawLine[]): Buffer =>
  Buffer.concat(lines.flatMap((line) => [line.bytes, NEWLINE]))

/** Throws an Error, and StoreError `corrupt`, if the journal reads as something else than was written. */
export async function copyJournal(source: Source, into: OpenFile): Promise<void> {
  const { begin, seed } = source.header
  let done = 0
  for await (const lines of readLines(source.file, 0, begin.offset)) {
    if (!lines.every(({ bytes, isEnded }) => isEnded && isSealed(bytes, seed))) throw misread()
    const bytes = bytesOf(lines)
    await writeAll(into, bytes, done)
    done += bytes.length
  }
  if (done !== begin.offset) throw misread()
  await copyRecords(source, into, { from: begin, to: begin })
}

/**
 * Copies the records after `from` to `to`, except those up to `copied`; returns where they end. Throws
 * as `copyJournal` does.
 */
export async function copyRecords(
  { name: path, file, header, end }: Source,
  into: OpenFile,
  { from, to }: { from: FilePosition; to: FilePosition },
  copied: FilePosition = from,
): Promise<FilePosition> {
  let done = copied.offset
  for await (const lines of scan(file, { path, seed: header.seed }, copied, end.offset)) {
    const bytes = bytesOf(lines)
    await writeAll(into, bytes, to.offset + done - from.offset)
    done += bytes.length
  }
  if (done === end.offset) return end
  throw misread()
}

const misread = (): Error => new Error('the disk returned other bytes than were written')
