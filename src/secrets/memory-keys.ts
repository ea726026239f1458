// Keys in memory: for tests, and the plainest example of a storage.
import { type KeyEntry, type KeyStore, type KeyStoreOptions, keyStore } from './keys.ts'

/** They are gone with the process, and so is every secret. */
export function memoryKeys(options?: KeyStoreOptions): KeyStore {
  const entries = new Map<string, KeyEntry>()
  return keyStore(
    {
      read: async (subject) => entries.get(subject),
      create: async (subject, entry) => {
        const own = entries.get(subject) ?? entry
        entries.set(subject, own)
        return own
      },
      replace: async (subject, entry) => void entries.set(subject, entry),
    },
    options,
  )
}
