// Keys of subjects that are the same in every run.
import { toBase64url } from '../secrets/base64url.ts'
import type { KeyStore } from '../secrets/keys.ts'
import { memoryKeys } from '../secrets/memory-keys.ts'

/**
 * A key store in memory, for tests only: it derives each key from its subject, so a sealed payload is the same in every run
 * and can be compared. Its keys protect nothing.
 */
export function testKeys(): KeyStore {
  const digestOf = async (text: string) =>
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const made = new Map<string, number>()
  return memoryKeys({
    async generate(subject) {
      // After `permit`, the key is another one.
      const number = made.get(subject) ?? 0
      made.set(subject, number + 1)
      const id = (await digestOf(`ministore test key id ${number} of ${subject}`)).subarray(0, 16)
      return {
        id: toBase64url(id),
        bytes: await digestOf(`ministore test key ${number} of ${subject}`),
      }
    },
  })
}
