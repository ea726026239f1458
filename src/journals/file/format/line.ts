// One line of the file: a record, or the header, and the checksum that ends it.
import { isUtf8 } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { HASH_BYTES, hashOf, isHash, withHash } from '../../chain/hash.ts'

export const MAX_LINE_BYTES: number = 2 ** 24
/** `,"crc":"` + 8 hex digits + `"}` */
const SUFFIX = 18
const BEFORE = ',"crc":"'
const DIGIT = '?'.charCodeAt(0)
const SEAL = Buffer.from(`${BEFORE}????????"}`)
/** By character code; only lower-case digits are written. */
const DIGITS: readonly (number | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return digit < 0 ? undefined : digit
})
const SEQ = Buffer.from('{"seq":')
const B = Buffer.from('"b":')
const HASH = Buffer.from(',"hash":"')
const COMMA = ','.charCodeAt(0)
/** They stay below 2^53. */
const MAX_DIGITS = 15

export interface Header {
  readonly format: 'ministore'
  readonly version: 1
  /** uuid: the seed of every checksum in the file, so that lines of another journal fail. */
  readonly journal: string
  readonly store: string
  readonly created: string
  /** What a reader must know. */
  readonly needs?: readonly string[]
  /** What the hash chain begins with, if the journal has one. */
  readonly chain?: string
  /** For a compacted journal: the state below the header, in place of the records up to `seq`. */
  readonly base?: Base
}
export interface Base {
  readonly seq: number
  /** The time of record `seq`. Journals that were compacted by an older version do not have it. */
  readonly at?: string
  /** Of the state. */
  readonly digest: string
  /** Of record `seq`, if the journal has a hash chain. */
  readonly hash?: string
  /** How much it takes. */
  readonly lines: number
  readonly bytes: number
}
export interface Line {
  readonly seq: number
  /** Index in its group commit: everything before `seq - b` was durable before this was written. */
  readonly b: number
  /** The record as JSON without seq, b and crc; with its hash, if it has one. */
  readonly text: string
}

export const seedOf = (journal: string): number => crc32(journal)

export function encodeHeader(header: Header): string {
  const { base } = header
  const widest = base && { ...header, base: { ...base, ...WIDEST } }
  return seal(padded(header, widest), seedOf(header.journal))
}

/** What is only known when the rest is written, as wide as it can become. */
export const WIDEST: Pick<Base, 'lines' | 'bytes'> = {
  lines: Number.MAX_SAFE_INTEGER,
  bytes: Number.MAX_SAFE_INTEGER,
}

/** As many bytes as `widest` takes: spaces before the last brace, which mean nothing in JSON. */
export function padded(value: object, widest: object = value): string {
  const room = Buffer.byteLength(JSON.stringify(widest)) - Buffer.byteLength(JSON.stringify(value))
  return `${JSON.stringify(value).slice(0, -1)}${' '.repeat(room)}}`
}

export const encodeLine = ({ seq, b, text }: Line, seed: number): string =>
  seal(`{"seq":${seq},${b > 0 ? `"b":${b},` : ''}${text.slice(1)}`, seed)

/**
 * One group commit, from record `seq` on, and how many of the batch it takes: as many as fit one line's
 * limit, so that no more than that is ever unsynced, or torn by a crash. `last`: the hash of the record before, and
 * then of the last one, if the journal has a hash chain.
 */
export function encodeGroup(
  batch: readonly Pick<Line, 'text'>[],
  seq: number,
  seed: number,
  last?: string,
): { bytes: Buffer; count: number; last: string | undefined } {
  let [lines, count] = ['', 0]
  for (const { text } of batch) {
    const hash = last === undefined ? undefined : hashOf(last, seq + count, text)
    const whole = hash === undefined ? text : withHash(text, hash)
    const line = encodeLine({ seq: seq + count, b: count, text: whole }, seed)
    if (count > 0 && lines.length + line.length > MAX_LINE_BYTES / 3) break
    lines += line
    last = hash
    count += 1
  }
  return { bytes: Buffer.from(lines), count, last }
}

/** A JSON object as a line, with its checksum. */
export function seal(json: string, seed: number): string {
  const body = json.slice(0, -1)
  return `${body}${BEFORE}${crc32(body, seed).toString(16).padStart(8, '0')}"}\n`
}

/** Whether the checksum that ends `bytes` (a line without its newline) fits what is before it. */
export function isSealed(bytes: Buffer, seed: number): boolean {
  const end = bytes.length - SUFFIX
  const seal = end < 0 ? undefined : sealAt(bytes, end)
  return seal !== undefined && seal === crc32(bytes.subarray(0, end), seed)
}

/** Whether `bytes` are whole lines, each with its newline. */
export function areSealed(bytes: Buffer, seed: number): boolean {
  for (let begin = 0; begin < bytes.length; ) {
    const end = bytes.indexOf('\n', begin)
    if (end < 0 || !isSealed(bytes.subarray(begin, end), seed)) return false
    begin = end + 1
  }
  return true
}

/**
 * The length of the sealed line that `bytes` begin with; 0 without one. In one pass, however many
 * checksums they pretend to hold.
 */
export function sealedLength(bytes: Buffer, seed: number): number {
  let [crc, done] = [seed, 0]
  for (let at = bytes.indexOf(BEFORE); at >= 0; at = bytes.indexOf(BEFORE, at + 1)) {
    crc = crc32(bytes.subarray(done, at), crc)
    if (sealAt(bytes, at) === crc) return at + SUFFIX
    done = at
  }
  return 0
}

/** The checksum that is written at `at`. Digit by digit: a string of it would cost more than the checksum. */
function sealAt(bytes: Buffer, at: number): number | undefined {
  let crc = 0
  for (let index = 0; index < SUFFIX; index++) {
    const byte = bytes[at + index]
    const fixed = SEAL[index]
    if (fixed === DIGIT) crc = crc * 16 + (DIGITS[byte ?? 0] ?? Number.NaN)
    else if (byte !== fixed) return undefined
  }
  return crc
}

/** Of a whole, unharmed record; undefined for anything else. Nothing is parsed but its first numbers. */
export function decodeLine(
  bytes: Buffer,
  seed: number,
  isText: boolean = isUtf8(bytes),
): Prefix | undefined {
  return isText && isSealed(bytes, seed) ? readPrefix(bytes) : undefined
}

/** The numbers that a record's line begins with. */
export interface Prefix extends Omit<Line, 'text'> {
  /** In bytes: where the record's text goes on. */
  readonly length: number
}

// By hand: a regular expression needs a string, and takes longer than the checksum.
function readPrefix(bytes: Buffer): Prefix | undefined {
  const end = numberEnd(bytes, 0, SEQ)
  if (end === 0) return undefined
  const seq = numberAt(bytes, SEQ.length, end)
  const endOfB = numberEnd(bytes, end + 1, B)
  if (endOfB === 0) return { seq, b: 0, length: end + 1 }
  return { seq, b: numberAt(bytes, end + 1 + B.length, endOfB), length: endOfB + 1 }
}

/** The place of the comma after the number that follows `name` at `from`; 0 if there is no such number. */
function numberEnd(bytes: Buffer, from: number, name: Buffer): number {
  for (let at = 0; at < name.length; at++) if (bytes[from + at] !== name[at]) return 0
  const start = from + name.length
  let end = start
  while (isDigit(bytes[end])) end++
  const isNumber = bytes[start] !== ZERO && end > start && end - start <= MAX_DIGITS
  return isNumber && bytes[end] === COMMA ? end : 0
}

function numberAt(bytes: Buffer, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at++) number = number * 10 + (bytes[at] ?? 0) - ZERO
  return number
}

const ZERO = '0'.charCodeAt(0)
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= ZERO && byte <= ZERO + 9

/** The record as it was appended: the line without seq, b, hash and crc. */
export function textOf({ bytes, prefix }: { bytes: Buffer; prefix: number }): string {
  const end = bytes.length - SUFFIX
  return `{${bytes.toString('utf8', prefix, hashBegin(bytes) ?? end)}}`
}

/** The hash that a line ends with, before its checksum; undefined without one. */
export function lineHash(bytes: Buffer): string | undefined {
  const begin = hashBegin(bytes)
  if (begin === undefined) return undefined
  const hash = bytes.toString('latin1', begin + HASH.length, begin + HASH_BYTES - 1)
  return isHash(hash) ? hash : undefined
}

/**
 * Where the field `hash` begins. Nothing else can look like it in this place: the last field of any other record is
 * one of its mutation's, and a quote within a string has a backslash before it.
 */
function hashBegin(bytes: Buffer): number | undefined {
  const begin = bytes.length - SUFFIX - HASH_BYTES
  if (begin < 0) return undefined
  for (let at = 0; at < HASH.length; at++) if (bytes[begin + at] !== HASH[at]) return undefined
  return bytes[begin + HASH_BYTES - 1] === HASH.at(-1) ? begin : undefined
}
