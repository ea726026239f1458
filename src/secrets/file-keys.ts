// Keys in a directory, one file a subject. Node is loaded when the first key is asked for, so browsers can load the rest.
import { type KeyStorage, type KeyStore, type KeyStoreOptions, keyStore } from './keys.ts'

/**
 * Keys in a directory, which is created: one file for each subject, mode 0600 in a directory with mode 0700. Keep it outside
 * of the journal's directory and of its backups. Any number of processes may use it at the same time.
 * Throws SecretError `key_store` if the files are open to other users, or where the disk refuses.
 */
export function fileKeys(directory: string, options?: KeyStoreOptions): KeyStore {
  let opening: Promise<KeyStorage> | undefined
  const storage = () => {
    opening ??= import('./key-directory.ts').then(({ openKeyDirectory }) =>
      openKeyDirectory(directory),
    )
    // What refused once may be allowed by then.
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }
  return keyStore(
    {
      read: async (subject) => (await storage()).read(subject),
      create: async (subject, entry) => (await storage()).create(subject, entry),
      replace: async (subject, entry) => (await storage()).replace(subject, entry),
    },
    options,
  )
}
