// The keys of subjects: where they are kept (a port), and what may be done with them.
import { fromBase64url, toBase64url } from './base64url.ts'
import { SecretError } from './error.ts'
import { SUBJECT } from './sealed.ts'

/** One key of a subject: its id, which sealed forms name, and 32 bytes. */
export interface SubjectKey {
  readonly id: string
  readonly bytes: Uint8Array
}

/** The keys that seal and reveal. `keyStore` makes one of any storage. */
export interface KeyStore {
  /** The key to seal with. Creates it; it is durable when this resolves. Throws SecretError `forgotten`. */
  obtain(subject: string): Promise<SubjectKey>
  /** A key by its id; `forgotten` if it was destroyed; undefined if this store never had it. */
  find(subject: string, id: string): Promise<SubjectKey | 'forgotten' | undefined>
  /**
   * Destroys the subject's key, and refuses to make another one. Durable when it resolves. Does nothing the second time.
   * A subject without a key is forgotten in advance.
   */
  forget(subject: string): Promise<void>
  /** Allows new secrets of a forgotten subject, with a new key. What was forgotten stays so. One call at a time. */
  permit(subject: string): Promise<void>
}

/** What is stored of one subject. Without `key`, the subject was forgotten. */
export interface KeyEntry {
  readonly key?: { readonly id: string; readonly bytes: string }
  /** Ids of the keys that were destroyed. */
  readonly forgotten: readonly string[]
}

/** Where entries are kept: in memory, in files, in a database. */
export interface KeyStorage {
  /** Undefined if the subject has no entry. What it returns is durable. */
  read(subject: string): Promise<KeyEntry | undefined>
  /** Adds the entry unless the subject has one; resolves to the one that it has then. Durable when it resolves. */
  create(subject: string, entry: KeyEntry): Promise<KeyEntry>
  /** Puts the entry in the place of the subject's own, whose key is overwritten. Durable when it resolves. */
  replace(subject: string, entry: KeyEntry): Promise<void>
}

/** Encrypts the stored keys: with a master key (`masterKey`), or by a service such as a KMS. */
export interface Wrapping {
  /** `context` names subject and key: what was wrapped with another one must not be unwrapped. */
  wrap(bytes: Uint8Array, context: string): Promise<Uint8Array>
  /** Throws if it was not wrapped so. */
  unwrap(wrapped: Uint8Array, context: string): Promise<Uint8Array>
}

export interface KeyStoreOptions {
  /** Without it, keys are stored as they are. */
  readonly wrapping?: Wrapping | undefined
  /** Makes a new key. Default: random. For tests. */
  readonly generate?: ((subject: string) => SubjectKey | Promise<SubjectKey>) | undefined
}

const KEY_BYTES = 32

const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))

const randomKey = (): SubjectKey => ({
  id: toBase64url(randomBytes(16)),
  bytes: randomBytes(KEY_BYTES),
})

/** A key store on any storage. It caches nothing: what another process forgets is forgotten at once. */
export function keyStore(
  storage: KeyStorage,
  { wrapping, generate = randomKey }: KeyStoreOptions = {},
): KeyStore {
  const newEntry = async (subject: string, forgotten: readonly string[]): Promise<KeyEntry> => {
    const { id, bytes } = await generate(subject)
    const stored = wrapping ? await wrapping.wrap(bytes, contextOf(subject, id)) : bytes
    return { key: { id, bytes: toBase64url(stored) }, forgotten }
  }
  const open = async (subject: string, { id, bytes }: NonNullable<KeyEntry['key']>) => {
    try {
      const stored = fromBase64url(bytes)
      const own = wrapping ? await wrapping.unwrap(stored, contextOf(subject, id)) : stored
      if (own.length !== KEY_BYTES) throw new Error(`${own.length} bytes, not ${KEY_BYTES}`)
      return { id, bytes: own }
    } catch (cause) {
      const why = wrapping ? 'damaged, or wrapped with another master key' : 'damaged, or wrapped'
      const what = `the key ${id} of subject ${subject} cannot be read: it is ${why}`
      throw new SecretError('bad_key', what, { subject, cause })
    }
  }
  return {
    async obtain(subject) {
      assertSubject(subject)
      const entry =
        (await storage.read(subject)) ??
        (await storage.create(subject, await newEntry(subject, [])))
      if (entry.key) return open(subject, entry.key)
      const what = `subject ${subject} was forgotten, so nothing can be sealed for it.`
      throw new SecretError('forgotten', `${what} To allow it again, call permit(subject).`, {
        subject,
      })
    },
    async find(subject, id) {
      const entry = await storage.read(subject)
      if (entry?.key?.id === id) return open(subject, entry.key)
      return entry?.forgotten.includes(id) ? 'forgotten' : undefined
    },
    async forget(subject) {
      assertSubject(subject)
      const { key, forgotten } = await storage.create(subject, { forgotten: [] })
      // Also the second time: the first one may have been interrupted while it overwrote the key.
      await storage.replace(subject, { forgotten: key ? [...forgotten, key.id] : forgotten })
    },
    async permit(subject) {
      assertSubject(subject)
      const entry = await storage.read(subject)
      if (entry && !entry.key)
        await storage.replace(subject, await newEntry(subject, entry.forgotten))
    },
  }
}

const contextOf = (subject: string, id: string) => `ministore key ${JSON.stringify([subject, id])}`

function assertSubject(subject: unknown): void {
  if (typeof subject === 'string' && SUBJECT.test(subject)) return
  throw new TypeError('a subject must be a string of 1 to 256 printable characters')
}

/** Wraps the keys of subjects with AES-256-GCM. `bytes`: 32, from the environment or a file outside of the key store. */
export function masterKey(bytes: Uint8Array): Wrapping {
  if (bytes.length !== KEY_BYTES)
    throw new TypeError(`a master key has ${KEY_BYTES} bytes, not ${bytes.length}`)
  const own = new Uint8Array(bytes)
  const imported = crypto.subtle.importKey('raw', own, 'AES-GCM', false, ['encrypt', 'decrypt'])
  const aes = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(context),
  })
  return {
    async wrap(key, context) {
      const iv = randomBytes(12)
      const data = new Uint8Array(key)
      const wrapped = await crypto.subtle.encrypt(aes(iv, context), await imported, data)
      return new Uint8Array([...iv, ...new Uint8Array(wrapped)])
    },
    async unwrap(wrapped, context) {
      const all = new Uint8Array(wrapped)
      const [iv, data] = [all.slice(0, 12), all.slice(12)]
      return new Uint8Array(await crypto.subtle.decrypt(aes(iv, context), await imported, data))
    },
  }
}
