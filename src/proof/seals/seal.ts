// A seal: one line of JSON that signs the head of a journal with Ed25519 (RFC 8032). docs/JOURNAL.md, "Seals", specifies it.
import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { keyId } from './keys.ts'

/** A journal's header without its checksum; of an engine's journal, its identity and its features. */
export type SealedHeader = Readonly<Record<string, unknown>>

/** What one seal says of a journal. */
export interface Statement {
  readonly header: SealedHeader
  /** The last record, and its hash; 0 and the chain's beginning if there is no record. */
  readonly seq: number
  readonly hash: string
  /** Of a file: its first bytes, up to the end of that record, and their SHA-256. */
  readonly file?: { readonly bytes: number; readonly digest: string }
}

export interface Seal extends Statement {
  readonly format: 'ministore-seal'
  readonly version: 1
  /** 1, 2, 3 … in one file of seals. */
  readonly number: number
  /** The SHA-256 of the line before; left out in seal 1. */
  readonly previous?: string
  /** When, by the clock of the machine that signed. */
  readonly at: string
  /** Names the public key. */
  readonly key: string
  /** Of the line's bytes before `,"signature":`, and the closing brace. Base64. */
  readonly signature: string
}

/** Why seals prove nothing, or something else than was expected. */
export class SealError extends Error {}

const SIGNATURE = ',"signature":"'
/** A header takes at most 2,048 bytes. */
const MAX_SEAL_BYTES = 8192

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Makes the next seal of a file, in which it is a line of JSON: its fields are in the order of that line. */
export function makeSeal(
  { header, seq, hash, file }: Statement,
  before: readonly Seal[],
  privateKey: KeyObject,
  at: string,
): Seal {
  const last = before.at(-1)
  const unsigned = {
    ...({ format: 'ministore-seal', version: 1 } as const),
    number: before.length + 1,
    ...(last && { previous: sha256(lineOf(last)) }),
    ...{ header, seq, hash, ...(file && { file }), at, key: keyId(privateKey) },
  }
  const bytes = Buffer.from(JSON.stringify(unsigned))
  return { ...unsigned, signature: sign(null, bytes, privateKey).toString('base64') }
}

const lineOf = (seal: Seal): string => JSON.stringify(seal)

/** The end of its line. It signs all that is before it, so nothing may follow, and base64 has one spelling only. */
const signatureOf = ({ signature }: Seal): string =>
  `${SIGNATURE}${Buffer.from(signature, 'base64').toString('base64')}"}`

/**
 * Reads a file of seals. `name`: of the file, for messages. Throws SealError if a seal is missing, or a line is not as
 * it was written. Signatures are for `checkSignatures`.
 */
export function readSeals(text: string, name: string): readonly Seal[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') {
    const what = `${name}:${lines.length + 1}: the line has no end`
    throw new SealError(`${what}: a crash cut it off, or it was edited`)
  }
  let previous: string | undefined
  return lines.map((line, index) => {
    const refuse = (what: string) => new SealError(`${name}:${index + 1}: ${what}`)
    const seal = line.length > MAX_SEAL_BYTES ? undefined : parse(line)
    if (Number(seal?.version) > 1) throw refuse('this seal needs a newer ministore')
    if (!isSeal(seal) || lineOf(seal) !== line || !line.endsWith(signatureOf(seal)))
      throw refuse('this is not a seal, or it was edited')
    if (seal.number !== index + 1)
      throw refuse(`seal ${index + 1} is missing: this is seal ${seal.number}`)
    if (seal.previous !== previous)
      throw refuse(`seal ${seal.number} does not follow the seal before it: one was replaced`)
    previous = sha256(line)
    return seal
  })
}

/** Throws SealError for the first seal that none of the keys has signed. */
export function checkSignatures(
  seals: readonly Seal[],
  keys: readonly KeyObject[],
  name: string,
): void {
  const known = new Map(keys.map((key) => [keyId(key), key]))
  for (const seal of seals) {
    const where = `${name}:${seal.number}`
    const key = known.get(seal.key)
    if (!key) {
      const what = `${where}: seal ${seal.number} names the key ${seal.key}, which is not one of the given public keys`
      throw new SealError(`${what}, ${[...known.keys()].join(', ')}`)
    }
    const [signed = ''] = lineOf(seal).split(SIGNATURE)
    if (!verify(null, Buffer.from(`${signed}}`), key, Buffer.from(seal.signature, 'base64')))
      throw new SealError(`${where}: the signature of seal ${seal.number} is not of this key`)
  }
}

function parse(line: string): Partial<Seal> | undefined {
  try {
    return Object(JSON.parse(line))
  } catch {
    return undefined
  }
}

function isSeal(seal: Partial<Seal> | undefined): seal is Seal {
  const { format, version, number, header, seq, hash, file, at, key, signature } = seal ?? {}
  const isFile = file === undefined || (isCount(file?.bytes) && typeof file?.digest === 'string')
  return (
    format === 'ministore-seal' &&
    version === 1 &&
    isCount(number) &&
    typeof header === 'object' &&
    header !== null &&
    isCount(seq) &&
    isFile &&
    [hash, at, key, signature].every((text) => typeof text === 'string') &&
    // Base64 has several spellings of the same bytes.
    Buffer.from(String(signature), 'base64').toString('base64') === signature
  )
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0
