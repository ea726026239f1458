// The opening rule, written once more from docs/JOURNAL.md, as slowly and plainly as possible: what fuzzing compares
// src/journals/file/format/ with.
import { crc32 } from 'node:zlib'

const SECTOR_BYTES = 512

export interface Verdict {
  /** How many records are whole, from the first one. */
  readonly records: number
  /** What is after them, or the number of the rule that refuses it. */
  readonly tail: 'nothing' | 'torn_write' | 'lost_newline' | `rule ${1 | 2 | 3 | 4}`
}

interface Line {
  readonly bytes: Buffer
  readonly offset: number
  readonly isEnded: boolean
}
interface Whole {
  readonly seq: number
  readonly b: number
}

/** Of the records from byte `from` on. `seed`: of their checksums. */
export function judge(file: Buffer, from: number, seed: number): Verdict {
  const lines = split(file, from)
  let records = 0
  for (const [index, line] of lines.entries()) {
    const whole = wholeRecord(line.bytes, seed)
    if (line.isEnded && whole?.seq === records + 1) {
      records += 1
      continue
    }
    const tail = judgeBad(line, whole, records + 1, seed)
    if (tail === 'lost_newline') return { records: records + 1, tail }
    if (tail !== 'torn_write') return { records, tail }
    const isProved = lines.slice(index + 1).some(({ bytes }) => {
      const later = wholeRecord(bytes, seed)
      return later && (later.seq <= records + 1 || later.seq - later.b > records + 1)
    })
    return { records, tail: isProved ? 'rule 2' : tail }
  }
  return { records, tail: 'nothing' }
}

function judgeBad(
  { bytes, offset, isEnded }: Line,
  whole: Whole | undefined,
  expected: number,
  seed: number,
): Verdict['tail'] {
  if (whole && whole.seq !== expected) return 'rule 1'
  const isLost = hasLostSector(bytes, offset, isEnded)
  if (isEnded && !isLost) return 'rule 3'
  const trimmed = isEnded ? undefined : wholeRecord(withoutNuls(bytes), seed)
  if (trimmed) return trimmed.seq === expected ? 'lost_newline' : 'rule 1'
  const sealed = sealedPrefix(bytes, seed)
  return sealed === 0 || (isLost && bytes[sealed] === 0) ? 'torn_write' : 'rule 4'
}

function split(file: Buffer, from: number): Line[] {
  const lines: Line[] = []
  for (let offset = from; offset < file.length; ) {
    const end = file.indexOf('\n', offset)
    const isEnded = end >= 0
    const bytes = file.subarray(offset, isEnded ? end : file.length)
    lines.push({ bytes, offset, isEnded })
    offset += bytes.length + 1
  }
  return lines
}

function wholeRecord(line: Buffer, seed: number): Whole | undefined {
  if (!isSealed(line, line.length, seed)) return undefined
  if (!line.equals(Buffer.from(line.toString()))) return undefined
  const begin = /^\{"seq":([1-9]\d{0,14}),(?:"b":([1-9]\d{0,14}),)?/.exec(line.toString('latin1'))
  return begin ? { seq: Number(begin[1]), b: Number(begin[2] ?? 0) } : undefined
}

/** Whether a checksum that ends at `end` fits what is before it. */
function isSealed(line: Buffer, end: number, seed: number): boolean {
  const seal = /^,"crc":"([0-9a-f]{8})"\}$/.exec(line.toString('latin1', end - 18, end))
  const digits = end < 18 ? undefined : seal?.[1]
  return (
    digits !== undefined && Number.parseInt(digits, 16) === crc32(line.subarray(0, end - 18), seed)
  )
}

function sealedPrefix(line: Buffer, seed: number): number {
  for (let end = 18; end <= line.length; end++) if (isSealed(line, end, seed)) return end
  return 0
}

function hasLostSector(line: Buffer, offset: number, isEnded: boolean): boolean {
  const isNul = new Map<number, boolean>()
  for (const [at, byte] of line.entries()) {
    const sector = Math.floor((offset + at) / SECTOR_BYTES)
    isNul.set(sector, (isNul.get(sector) ?? true) && byte === 0)
  }
  if (isEnded) isNul.delete(Math.floor((offset + line.length) / SECTOR_BYTES))
  return [...isNul.values()].includes(true)
}

function withoutNuls(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}
