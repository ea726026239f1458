// The opening rule: which lines are records, and whether what follows them is a torn write or
// damage. docs/JOURNAL.md gives the rule in full; the numbers here are its numbers.
import { isUtf8 } from 'node:buffer'
import { StoreError } from '../../../errors.ts'
import type { OpenFile } from '../../../port/file-system.ts'
import type { TornTail } from '../../../port/journal.ts'
import { decodeLine, MAX_LINE_BYTES, sealedLength } from './line.ts'
import { describeMisfit } from './rewritten.ts'

// Of larger ones, the garbage collector copies too much of what is still in use.
const CHUNK_BYTES = 2 ** 18
const SECTOR_BYTES = 512
const NEWLINE = 0x0a

/** A line boundary: how far one is, in records, bytes and lines. */
export interface FilePosition {
  readonly seq: number
  readonly offset: number
  readonly line: number
}
/** One line as it lies in the file; `isEnded`: it has its newline, which is not in `bytes`. */
export interface RawLine {
  readonly bytes: Buffer
  readonly offset: number
  readonly isEnded: boolean
  /** Whether it is UTF-8. */
  readonly isText: boolean
}
export interface RecordLine extends RawLine {
  readonly seq: number
  /** From 1, which is the header. */
  readonly line: number
  readonly b: number
  /** How many bytes seq and b take, with what is around them. */
  readonly prefix: number
}
/** Where the records end, and the rest of the file if there is any. */
export interface Tail {
  readonly end: FilePosition
  readonly found: Omit<TornTail, 'savedTo'> | undefined
}

/**
 * Yields the unbroken run of records after `from`, up to byte `until`, and returns its end.
 * Throws StoreError `corrupt` if the rest can only be damage, after the records before it.
 */
export async function* scan(
  file: OpenFile,
  { path, seed }: { path: string; seed: number },
  from: FilePosition,
  until: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<RecordLine[], Tail> {
  let end = from
  let size = from.offset
  let kind: TornTail['kind'] | undefined
  const corrupt = (rule: string, offset: number) => {
    const { seq, line } = { seq: end.seq + 1, line: end.line + 1 }
    const where = `${path}:${line} (byte ${end.offset}): expected record ${seq}`
    const what = `${where}, but ${rule}. The file was not changed; see docs/JOURNAL.md, "When opening refuses"`
    return new StoreError('corrupt', what, { path, seq, line, offset })
  }
  /** Decides what the first line that is not the expected record is. */
  const judge = (line: RawLine, seq: number | undefined): typeof kind => {
    if (seq !== undefined && seq !== end.seq + 1) throw corrupt(`found record ${seq}`, line.offset) // 1
    const isTorn = hasLostSector(line)
    if (line.isEnded && !isTorn) throw corrupt(describeMisfit(line.bytes, seed), line.offset) // 3
    const record = line.isEnded ? undefined : decodeLine(trimNuls(line.bytes), seed)
    if (record) return record.seq === end.seq + 1 ? 'lost_newline' : judge(line, record.seq)
    const sealed = sealedLength(line.bytes, seed)
    // Only a lost sector takes the newline and leaves bytes after it: the record was never safe.
    if (sealed === 0 || (isTorn && line.bytes[sealed] === 0)) return 'torn_write'
    throw corrupt('bytes follow it on its line', line.offset) // 4
  }
  for await (const lines of readLines(file, from.offset, until)) {
    const records: RecordLine[] = []
    try {
      for (const line of lines) {
        const record = decodeLine(line.bytes, seed, line.isText)
        size = line.offset + line.bytes.length + Number(line.isEnded)
        const next = end.seq + 1
        if (line.bytes.length > MAX_LINE_BYTES)
          throw corrupt(
            `a line is over ${MAX_LINE_BYTES} bytes, and ministore writes none`,
            line.offset,
          )
        if (kind !== undefined) {
          if (!record || (record.seq - record.b <= next && record.seq > next)) continue
          throw corrupt(`record ${record.seq}, which proves that it was safe, follows`, end.offset) // 2
        }
        if (!line.isEnded || record?.seq !== next) kind = judge(line, record?.seq)
        if (kind === 'torn_write') continue
        const bytes = kind === undefined ? line.bytes : trimNuls(line.bytes)
        const { offset, isEnded, isText } = line
        // Judged to be a record, although its newline is lost.
        const { b = 0, length: prefix = 0 } = record ?? decodeLine(bytes, seed) ?? {}
        // Not spread: V8 takes three times as long for the whole scan then.
        records.push({ bytes, offset, isEnded, isText, seq: next, line: end.line + 1, b, prefix })
        end = {
          seq: next,
          offset: offset + bytes.length + Number(isEnded),
          line: end.line + 1,
        }
      }
    } finally {
      if (records.length > 0) yield records
    }
  }
  const found = kind && { kind, offset: end.offset, bytes: size - end.offset }
  return { end, found }
}

/** Splits on 0x0A and nothing else: JSON leaves U+2028 as it is, and some line readers split there. */
export async function* readLines(
  file: OpenFile,
  from: number,
  until: number,
): AsyncGenerator<RawLine[]> {
  let offset = from
  let rest = Buffer.alloc(0)
  for (;;) {
    // As much again of a long line, so that it is not copied for each chunk.
    const size = Math.max(CHUNK_BYTES, rest.length)
    const chunk = Buffer.allocUnsafe(Math.min(size, until - offset - rest.length))
    const read = chunk.length === 0 ? 0 : await file.read(chunk, offset + rest.length)
    if (read === 0) break
    const bytes = Buffer.concat([rest, chunk.subarray(0, read)])
    const lines: RawLine[] = []
    // One call for all of them, of which nearly always all are.
    const areText = isUtf8(bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1))
    let start = 0
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
      const line = bytes.subarray(start, at)
      const isText = areText || isUtf8(line)
      lines.push({ bytes: line, offset: offset + start, isEnded: true, isText })
      start = at + 1
    }
    offset += start
    rest = bytes.subarray(start)
    yield lines
    // Refused by the caller: no more of it has to be held.
    if (rest.length > MAX_LINE_BYTES) break
  }
  if (rest.length > 0) yield [{ bytes: rest, offset, isEnded: false, isText: isUtf8(rest) }]
}

/**
 * Whether a sector of this line was never written. Such a sector reads as NULs from its begin, or
 * from where the durable part of the file ended, which is where a line begins, to its end; and JSON
 * holds no raw NUL. Asking for all of them, not just for the last, keeps a flipped bit (a space
 * and an at sign are one bit from NUL) from passing for a torn write.
 */
function hasLostSector({ bytes, offset, isEnded }: RawLine): boolean {
  for (let from = 0; from < bytes.length; ) {
    const to = from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES)
    // The newline is in this sector, so it was written.
    if (isEnded && to > bytes.length) return false
    if (bytes.subarray(from, to).every((byte) => byte === 0)) return true
    from = to
  }
  return false
}

function trimNuls(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}
