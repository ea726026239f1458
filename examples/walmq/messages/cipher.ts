// Bodies under AES-256-GCM. A sealed body opens only in its partition, at its offset, with its time and key.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { BrokerError } from '../broker/errors.ts'

/** Where a body belongs. */
export interface Place {
  readonly offset: number
  readonly ts: number
  readonly key: string | undefined
}

export interface Cipher {
  seal(body: Uint8Array, place: Place): Buffer
  /** Undefined if it was sealed with another key or for another place, or changed. */
  open(sealed: Uint8Array, place: Place): Buffer | undefined
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES

/** Each partition has a key of its own, made from the broker's and the partition's id. */
export function makeCipher(encryptionKey: Uint8Array, partitionId: string): Cipher {
  if (encryptionKey.length !== KEY_BYTES)
    throw new BrokerError('invalid', `an encryption key has ${KEY_BYTES} bytes`)
  const key = Buffer.from(hkdfSync('sha256', encryptionKey, partitionId, 'walmq', KEY_BYTES))
  return {
    seal(body, place) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(bind(place))
      return Buffer.concat([nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, place) {
      if (sealed.length < SEAL_BYTES) return undefined
      const nonce = sealed.subarray(0, NONCE_BYTES)
      const tagAt = sealed.length - TAG_BYTES
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(bind(place)).setAuthTag(sealed.subarray(tagAt))
      try {
        return Buffer.concat([
          decipher.update(sealed.subarray(NONCE_BYTES, tagAt)),
          decipher.final(),
        ])
      } catch {
        return undefined
      }
    },
  }
}

/** The key comes last, as it may hold anything. */
const bind = ({ offset, ts, key }: Place): Buffer =>
  Buffer.from(key === undefined ? `${offset} ${ts}` : `${offset} ${ts} ${key}`)
