// The hash chain of a journal: what each record's hash is made of. docs/JOURNAL.md, "The hash chain", specifies it.
import * as crypto from 'node:crypto'

/** `,"hash":"` + 64 hex digits + `"`: how much longer a record with its hash is. */
export const HASH_BYTES = 74
const BEFORE = ',"hash":"'
const DIGITS = 64

/** Whether the value is a SHA-256 as a journal writes it: 64 lower-case hex digits. */
export const isHash = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

/** Makes the value that a new chain begins with: 32 random bytes, so that no two chains have a hash in common. */
export const newChain = (): string => crypto.randomBytes(32).toString('hex')

/** Node since 20.12 has it, and it takes half the time; other runtimes may not. */
const digest: (text: string) => string =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => crypto.createHash('sha256').update(text).digest('hex')

/**
 * Returns the hash of record `seq`: the SHA-256 (FIPS 180-4), in hex, of the previous hash, in hex, and the
 * record's text with its seq. `text`: the record as JSON without seq, group index, hash and checksum.
 */
export const hashOf = (previous: string, seq: number, text: string): string =>
  digest(`${previous}{"seq":${seq},${text.slice(1)}`)

/** Returns the record's text with its hash as the last field. */
export const withHash = (text: string, hash: string): string =>
  `${text.slice(0, -1)}${BEFORE}${hash}"}`

/** The other way round; `hash` is undefined if the text does not end with one. */
export function splitHash(text: string): { text: string; hash: string | undefined } {
  const end = text.length - HASH_BYTES - 1
  const hash = text.slice(-DIGITS - 2, -2)
  if (end < 1 || !text.startsWith(BEFORE, end) || !text.endsWith('"}') || !isHash(hash))
    return { text, hash: undefined }
  return { text: `${text.slice(0, end)}}`, hash }
}

/** Why a record does not continue the chain: for messages. */
export const describeBreak = (hash: string | undefined): string =>
  hash === undefined
    ? 'it has no hash, although the journal has a hash chain'
    : 'its hash does not continue the hash chain: this record, or one before it, was changed, removed or inserted'
