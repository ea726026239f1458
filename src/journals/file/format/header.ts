// The file's first line: what it is, and whose.
import { StoreError, type StoreErrorCode } from '../../../errors.ts'
import type { OpenFile } from '../../../port/file-system.ts'
import { type ChainOption, describeMismatch, readFeatures } from '../../chain/features.ts'
import { isHash } from '../../chain/hash.ts'
import { type Base, type Header, isSealed, seedOf } from './line.ts'
import { describeRewriting } from './rewritten.ts'
import type { FilePosition } from './scan.ts'

const MAX_HEADER_BYTES = 2048
/** A file of more bytes holds more than a new header. */
const MAX_TORN_BYTES = 1024
const BEGIN = '{"format":"ministore",'
const SECTOR_BYTES = 512
const BRACE = BEGIN.charCodeAt(0)
const NEWLINE = 0x0a

export interface FileHeader {
  readonly epoch: string
  /** What every checksum in the file begins with. */
  readonly seed: number
  /** In bytes, its newline included. */
  readonly length: number
  /** Whose journal it is. */
  readonly store: string
  readonly created: string
  /** What the hash chain begins with; undefined without a chain. */
  readonly chain: string | undefined
  /** The state that the records build on, if the journal was compacted. */
  readonly base: Base | undefined
  /** Where the records begin. */
  readonly begin: FilePosition
}

/** Of a journal that is not open yet. */
export const NO_HEADER: FileHeader = {
  ...{ epoch: '', seed: 0, length: 0, store: '', created: '' },
  ...{ chain: undefined, base: undefined },
  begin: { seq: 0, offset: 0, line: 1 },
}

/**
 * The header and its length in bytes; undefined if a crash left none, or less than one. Any
 * store's, unless one is named. Throws StoreError `foreign`, `newer_format`, `corrupt`, `wrong_store`, and `config` if
 * the journal does not have the hash chain that `chain` asks for.
 */
export async function readHeader(
  file: OpenFile,
  path: string,
  store?: string,
  option?: ChainOption,
): Promise<FileHeader | undefined> {
  const bytes = Buffer.alloc(MAX_HEADER_BYTES)
  const read = bytes.subarray(0, await file.read(bytes, 0))
  const end = read.indexOf('\n')
  const line = read.subarray(0, end < 0 ? read.length : end)
  const text = line.toString('latin1')
  const refuse = (code: StoreErrorCode, what: string) =>
    new StoreError(code, `${path}:1: ${what}. The file was not changed`, {
      path,
      line: 1,
      offset: 0,
    })
  if ((await file.size()) <= MAX_TORN_BYTES && isTorn(read)) return undefined
  const rewritten = describeRewriting(read, BEGIN)
  if (rewritten !== undefined) throw refuse('corrupt', rewritten)
  if (end < 0) throw refuse('foreign', 'this is not a ministore journal')
  const header = parseHeader(line)
  if (header?.format !== 'ministore') {
    if (text.startsWith(BEGIN)) throw refuse('corrupt', 'the header is damaged')
    throw refuse('foreign', 'this is not a ministore journal')
  }
  if (Number(header.version) > 1) {
    throw refuse('newer_format', `format version ${header.version} needs a newer ministore`)
  }
  const seed = seedOf(String(header.journal))
  if (!isSealed(line, seed)) throw refuse('corrupt', 'the header does not fit its checksum')
  if (store !== undefined && header.store !== store) {
    const whose = `this is the journal of ${JSON.stringify(header.store)}, not of ${JSON.stringify(store)}`
    throw refuse('wrong_store', whose)
  }
  const chain = readFeatures(header, refuse)
  const mismatch = describeMismatch(path, option, chain)
  if (mismatch !== undefined) throw new StoreError('config', `${path} ${mismatch}`, { path })
  const { base } = header
  const { seq = 0, lines = 0, bytes: taken = 0 } = base ?? {}
  if (![seq, lines, taken].every((count) => Number.isSafeInteger(count) && count >= 0))
    throw refuse('corrupt', 'its base is not one that ministore writes')
  if (base && chain !== undefined && !isHash(base.hash))
    throw refuse('corrupt', 'its base has no hash, although the journal has a hash chain')
  const length = end + 1
  return {
    seed,
    epoch: String(header.journal),
    length,
    store: String(header.store),
    created: String(header.created),
    chain,
    base,
    begin: { seq, offset: length + taken, line: 1 + lines },
  }
}

/** What a crash leaves of a header: there is no record yet, so nothing that anyone was promised. */
function isTorn(bytes: Buffer): boolean {
  const begin = bytes.subarray(0, BEGIN.length).toString('latin1')
  if (!bytes.includes(NEWLINE) && BEGIN.startsWith(begin)) return true
  // A file gets its first byte, and once that is durable the rest; neither may be there yet.
  const [first, ...rest] = bytes.subarray(0, SECTOR_BYTES)
  if (bytes.length === 1) return first === 0
  return first === BRACE && rest.every((byte) => byte === 0)
}

function parseHeader(line: Buffer): Partial<Header> | null {
  try {
    return JSON.parse(line.toString())
  } catch {
    return null
  }
}
