// Journals of the Rust ministore and ministate: which files they are, and what their lines say.
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { jsonIssue } from '../../json/index.ts'
import { Refusal } from '../terminal/refusal.ts'
import { counted } from '../terminal/text.ts'

const HEADER = /^\/\/ MINIST(?:ORE|ATE) JOURNAL v/
const MAX_LINE_BYTES = 2 ** 24
const CHUNK_BYTES = 2 ** 20
const NEWLINE = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One line, which serde wrote for one value of an enum. */
export interface Variant {
  /** Empty if the line is not a variant of an enum, such as a plain struct. */
  readonly name: string
  /** What it holds; undefined for a unit variant. */
  readonly value: unknown
  /** All of the line. */
  readonly json: unknown
  /** From 1. */
  readonly line: number
  readonly file: string
}

/** The end of the last file, cut off while it was written: it is not a record. */
export interface TornLine {
  readonly file: string
  readonly line: number
  readonly bytes: number
}

interface Line {
  readonly bytes: Buffer
  readonly number: number
  readonly isEnded: boolean
}

/**
 * The files of the journal at `source` in their order: those it was rotated into, `source.000001`
 * and on, then itself. Throws Refusal if the first ones are gone.
 */
export async function filesOf(source: string): Promise<string[]> {
  const name = basename(source)
  const beside = await readdir(dirname(source))
  const rotated = beside
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => ({
      file: join(dirname(source), file),
      number: Number(file.slice(name.length + 1)),
    }))
    .sort((a, b) => a.number - b.number)
  const gap = rotated.findIndex(({ number }, index) => number !== index + 1)
  if (gap >= 0) {
    const files = [...rotated.map(({ file }) => file), source].join(' ')
    const gone = `${source}: part ${gap + 1} of it is gone, so its state cannot be made again`
    throw new Refusal(
      `${gone}\n  To import the remaining records anyway, make one file of them: cat ${files} > left.jsonl`,
    )
  }
  // A crash in the middle of a rotation leaves no last file, or an empty one.
  const isGone = rotated.length > 0 && (await sizeOf(source)) === 0
  return [...rotated.map(({ file }) => file), ...(isGone ? [] : [source])]
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 0
    throw error
  }
}

/**
 * The variants of all files; comments and blank lines are skipped, as is a torn last line, after it was
 * told. Throws Refusal at a line that cannot be read; Error where a file is no such journal.
 */
export async function* readVariants(
  files: readonly string[],
  onTorn: (torn: TornLine) => void,
): AsyncGenerator<Variant> {
  for (const file of files) {
    for await (const line of readLines(file)) {
      if (line.number === 1) checkHeader(file, line.bytes)
      const text = decodeText(line.bytes)
      if (text !== undefined && /^\s*(?:\/\/|$)/.test(text)) continue
      const json = text === undefined ? undefined : parseJson(text)
      if (text === undefined || json === undefined) {
        const { bytes, number, isEnded } = line
        if (isEnded || file !== files.at(-1)) throw broken(file, number, text === undefined)
        onTorn({ file, line: number, bytes: bytes.length })
        continue
      }
      yield checkedVariant(text, json.value, file, line.number)
    }
  }
}

/** Splits on 0x0A and nothing else. Throws Refusal at a line that is too long for a record. */
async function* readLines(file: string): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 1
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
    const bytes = Buffer.concat([rest, chunk])
    let start = 0
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, start)) {
      yield checkedSize(file, { bytes: bytes.subarray(start, at), number, isEnded: true })
      number += 1
      start = at + 1
    }
    rest = checkedSize(file, { bytes: bytes.subarray(start), number, isEnded: false }).bytes
  }
  // Also of an empty file: whose it is cannot be told.
  if (rest.length > 0 || number === 1) yield { bytes: rest, number, isEnded: false }
}

function checkedSize(file: string, line: Line): Line {
  if (line.bytes.length <= MAX_LINE_BYTES) return line
  const limit = `a line is over ${counted(MAX_LINE_BYTES, 'byte')}, which is the most that a record takes`
  throw new Refusal(`${file}:${line.number}: ${limit}`)
}

function checkHeader(file: string, bytes: Buffer): void {
  if (HEADER.test(bytes.toString('latin1', 0, 64))) return
  const wanted = 'its first line is not "// MINISTORE JOURNAL v…"'
  throw new Error(`${file}:1: this is not a journal of the Rust ministore: ${wanted}`)
}

function decodeText(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Boxed, since `null` is JSON too. */
function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function broken(file: string, line: number, isBinary: boolean): Refusal {
  const what = `${file}:${line}: this line is not ${isBinary ? 'UTF-8' : 'JSON'}`
  const hint =
    'The Rust ministore continues writing after a torn write. If a record follows on this line, put it on a line of its own in a copy, and remove the rest'
  return new Refusal(`${what}\n  ${hint}`)
}

function checkedVariant(text: string, json: unknown, file: string, line: number): Variant {
  const variant = { ...variantOf(json), json, file, line }
  // What could harm is refused before anyone's code sees it.
  const issue = variant.value === undefined ? undefined : jsonIssue(variant.value)
  if (issue) {
    const where = [variant.name || 'the value', ...issue.path].join('.')
    throw unfit(variant, `${shortened(where)} ${issue.message}`, 'Change it')
  }
  const number = inexactNumber(text)
  if (number === undefined) return variant
  const what = `${shortened(number)} is a number that JavaScript cannot hold exactly`
  throw unfit(variant, what, 'Make it a string')
}

const unfit = ({ file, line }: Variant, what: string, todo: string) =>
  new Refusal(`${file}:${line}: ${what}\n  ${todo}, in a copy of the journal`)

const shortened = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** As serde tags them by default: `"Reset"`, `{"Rename":"x"}`, `{"Move":[1,2]}`, `{"Add":{…}}`. */
function variantOf(json: unknown): Pick<Variant, 'name' | 'value'> {
  if (typeof json === 'string') return { name: json, value: undefined }
  const entries =
    typeof json === 'object' && json && !Array.isArray(json) ? Object.entries(json) : []
  const [first] = entries
  return first && entries.length === 1
    ? { name: first[0], value: first[1] }
    : { name: '', value: json }
}

/** The first whole number that JSON.parse reads as another one, such as a large u64. */
function inexactNumber(text: string): string | undefined {
  if (!/\d{16}/.test(text)) return undefined
  // Without its escapes, a quote begins or ends a string; numbers are between two.
  const between = text.replaceAll(/\\./g, '').split('"')
  return between
    .flatMap((part, index) => (index % 2 === 0 ? (part.match(/[-+.\deE]{16,}/g) ?? []) : []))
    .find((token) => /^-?\d+$/.test(token) && BigInt(token) !== BigInt(Number(token)))
}
