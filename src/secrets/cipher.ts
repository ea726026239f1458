// A secret's encryption: AES-256-GCM, HMAC-SHA-256 and HKDF of WebCrypto, and nothing of our own.
//
// The initialization vector is the HMAC of all that goes in, cut to 96 bits: the synthetic IV of Rogaway and Shrimpton,
// "Deterministic Authenticated-Encryption" (2006), as RFC 5297 and RFC 8452 use it. So the same value of the same subject
// gives the same sealed form, which an idempotency key needs, and two values never share an IV but with the probability
// that random ones would (NIST SP 800-38D, section 8.3: below 2^-32 up to 2^32 values of one subject).
import { canonicalText } from '../json/index.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { SecretError } from './error.ts'
import type { SealedBox } from './sealed.ts'

type WebKey = Awaited<ReturnType<typeof crypto.subtle.deriveKey>>

/** A subject's key as WebCrypto uses it: one key for each purpose. */
export interface CipherKey {
  readonly encryption: WebKey
  readonly authentication: WebKey
}

const utf8 = (text: string) => new TextEncoder().encode(text)

/** `bytes`: 32 random bytes. */
export async function cipherKey(bytes: Uint8Array): Promise<CipherKey> {
  const { subtle } = crypto
  const base = await subtle.importKey('raw', new Uint8Array(bytes), 'HKDF', false, ['deriveKey'])
  const derive = (
    purpose: string,
    algorithm: AesDerivedKeyParams | HmacImportParams,
    use: KeyUsage[],
  ) => {
    const info = utf8(`ministore secret: ${purpose}`)
    const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
    return subtle.deriveKey(hkdf, base, algorithm, false, use)
  }
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 }
  const [encryption, authentication] = await Promise.all([
    derive('encryption', { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']),
    derive('initialization vector', hmac, ['sign']),
  ])
  return { encryption, authentication }
}

type AesDerivedKeyParams = { name: string; length: number }
type HmacImportParams = { name: string; hash: string; length: number }
type KeyUsage = 'encrypt' | 'decrypt' | 'sign'

/** What is not encrypted and cannot be exchanged all the same. */
const associated = ({ alg, key, subject, redacted }: Omit<SealedBox, 'iv' | 'data'>): string =>
  canonicalText({ alg, key, subject, redacted }) ?? ''

/** `plain`: JSON. The same input gives the same result. */
export async function encrypt(
  { encryption, authentication }: CipherKey,
  open: Pick<SealedBox, 'key' | 'subject' | 'redacted'>,
  plain: unknown,
): Promise<SealedBox> {
  const head = { alg: 'A256GCM', ...open } as const
  const text = canonicalText(plain) ?? ''
  const about = associated(head)
  const all = utf8(canonicalText([about, text]) ?? '')
  const iv = new Uint8Array(await crypto.subtle.sign('HMAC', authentication, all)).subarray(0, 12)
  const aes = { name: 'AES-GCM', iv, additionalData: utf8(about) }
  const data = new Uint8Array(await crypto.subtle.encrypt(aes, encryption, utf8(text)))
  return { ...head, iv: toBase64url(iv), data: toBase64url(data) }
}

/** Throws SecretError `damaged` if a byte of the sealed form is not as it was encrypted with this key. */
export async function decrypt({ encryption }: CipherKey, sealed: SealedBox): Promise<unknown> {
  const { subject } = sealed
  try {
    const additionalData = utf8(associated(sealed))
    const aes = { name: 'AES-GCM', iv: fromBase64url(sealed.iv), additionalData }
    const bytes = await crypto.subtle.decrypt(aes, encryption, fromBase64url(sealed.data))
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    const what = `a secret of subject ${subject} does not fit its key ${sealed.key}: one of the two was changed.`
    throw new SecretError('damaged', `${what} Restore the journal or the key store.`, {
      subject,
      cause,
    })
  }
}
