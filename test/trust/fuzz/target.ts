// One input for src/journals/file/format/: bytes that are taken for a journal. Throws where a promise is broken.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StoreError } from 'ministore-ts'
import type { OpenFile } from 'ministore-ts/file'
import type * as HeaderApi from '../../../src/journals/file/format/header.ts'
import type * as RecordApi from '../../../src/journals/file/format/record.ts'
import type * as ScanApi from '../../../src/journals/file/format/scan.ts'
import type * as MarksApi from '../../../src/journals/file/format/seek-index.ts'
import { root } from '../bundle.ts'
import { judge, type Verdict } from './reference.ts'

export type Format = Pick<typeof HeaderApi, 'readHeader'> &
  Pick<typeof MarksApi, 'SeekIndex'> &
  Pick<typeof RecordApi, 'readRecord'> &
  Pick<typeof ScanApi, 'scan'>

/** Those of src/, or of a mutant of it. */
export async function loadFormat(src: string = join(root, 'src')): Promise<Format> {
  const load = (name: string) =>
    import(/* @vite-ignore */ pathToFileURL(join(src, 'journals/file/format', `${name}.ts`)).href)
  const [header, marks, record, scan] = await Promise.all(
    ['header', 'seek-index', 'record', 'scan'].map(load),
  )
  return { ...header, ...marks, ...record, ...scan }
}

const PATH = 'fuzzed.jsonl'
const RULES = [/found record \d/, /proves that it was safe/, /./, /bytes follow it/]

/** What became of it, for the count of what was reached. */
export async function tryInput(format: Format, bytes: Buffer): Promise<string> {
  const header = await format
    .readHeader(fileOf(bytes, bytes.length), PATH)
    .catch((error: StoreError) => refusalOf(error))
  if (header === undefined) return 'a torn header'
  if (typeof header === 'string') return `header: ${header}`
  if (header.base) return 'a compacted journal'
  const { seed, begin } = header
  const expected = judge(bytes, begin.offset, seed)
  // However many bytes each read returns.
  for (const most of [bytes.length, 61]) {
    const { found, ...rest } = await scanAll(format, fileOf(bytes, most), header)
    const text = JSON.stringify(found)
    if (text !== JSON.stringify(expected))
      throw new Error(`${text} instead of ${JSON.stringify(expected)}, by reads of ${most} bytes`)
    checkMarks(format, rest.lines)
    for (const line of rest.lines) readContent(format, line)
  }
  return `${Math.min(expected.records, 3)} records, ${expected.tail}`
}

async function scanAll(
  { scan }: Format,
  file: OpenFile,
  { seed, begin }: HeaderApi.FileHeader,
): Promise<{ found: Verdict; lines: ScanApi.RecordLine[] }> {
  const lines: ScanApi.RecordLine[] = []
  const scanning = scan(file, { path: PATH, seed }, begin)
  try {
    for (let next = await scanning.next(); ; next = await scanning.next()) {
      if (next.done) {
        const tail = next.value.found?.kind ?? 'nothing'
        if (tail === 'torn_header') throw new Error('a torn header after a header')
        return { found: { records: lines.length, tail }, lines }
      }
      lines.push(...next.value)
    }
  } catch (error) {
    const { message } = error as StoreError
    refusalOf(error as StoreError)
    const rule = ([1, 2, 4, 3] as const).find((number) => RULES[number - 1]?.test(message)) ?? 3
    return { found: { records: lines.length, tail: `rule ${rule}` }, lines }
  }
}

/** Reading may begin at a mark for any record that is there. */
function checkMarks({ SeekIndex }: Format, lines: readonly ScanApi.RecordLine[]): void {
  const marks = new SeekIndex({ seq: 0, offset: 0, line: 1 })
  const ends = lines.map(({ seq, offset, bytes, line }) => ({
    ...{ seq, line },
    // As far apart as in a large journal.
    offset: (offset + bytes.length + 1) * 100,
  }))
  for (const mark of ends) marks.add(mark)
  for (const { seq } of lines) {
    const found = marks.before(seq)
    const isMark = found.seq === 0 || ends.some((end) => end.offset === found.offset)
    if (found.seq >= seq || !isMark) throw new Error(`no mark before record ${seq}`)
  }
}

/** It is a record, or another program's. */
function readContent({ readRecord }: Format, line: ScanApi.RecordLine): void {
  try {
    const { mutations, at } = readRecord(PATH, line)
    if (mutations.length === 0 || Number.isNaN(Date.parse(at))) throw new Error('it is empty')
  } catch (error) {
    refusalOf(error as StoreError)
  }
}

/** The code; any other error is a bug. */
function refusalOf(error: StoreError): string {
  if (error.name !== 'StoreError') throw error
  return error.code
}

/** Never returns more than `most` bytes at once. */
function fileOf(bytes: Buffer, most: number): OpenFile {
  const file: Pick<OpenFile, 'size' | 'read'> = {
    size: () => bytes.length,
    read: (into, position) =>
      bytes.copy(into, 0, position, Math.min(bytes.length, position + most)),
  }
  // Nothing in src/journals/file/format/ calls the others.
  return file as OpenFile
}
