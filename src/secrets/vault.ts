// Sealing what goes into a store, revealing what comes out of it, and forgetting whose it was.
import { z } from 'zod'
import type { Get } from '../define/dsl.ts'
import type {
  AnyStoreDefinition,
  MutationInput,
  MutationName,
  StoreDefinition,
} from '../define/store-definition.ts'
import { forbiddenKey } from '../json/index.ts'
import { definitionOf } from '../mutation/brand.ts'
import { invalid, runUserCode } from '../mutation/validate.ts'
import { type CipherKey, cipherKey, decrypt, encrypt } from './cipher.ts'
import { SecretError } from './error.ts'
import type { KeyStore } from './keys.ts'
import {
  boxOf,
  type Plain,
  type Revealed,
  replaceSealed,
  type SealedBox,
  SUBJECT,
} from './sealed.ts'
import { type FoundSecret, SEALING, type SecretDef } from './secret.ts'

/** Plain text for one definition: what is dispatched is sealed first, and what is read can be revealed. */
export interface Vault<D> {
  /**
   * The payload of a mutation, checked and with each of its secrets sealed: dispatch what this resolves to. The keys are
   * durable by then. Throws Rejection `invalid`; SecretError `forgotten`, `bad_key`, `key_store`; StoreError as a dispatch does.
   */
  seal<K extends MutationName<D>>(
    type: K,
    payload: Plain<Get<MutationInput<D, K>, 'payload'>>,
  ): Promise<Get<MutationInput<D, K>, 'payload'>>
  /** The same, of the input of a command. */
  sealInput<K extends keyof Commands<D> & string>(
    command: K,
    input: Plain<Get<Commands<D>[K], 'input'>>,
  ): Promise<Get<Commands<D>[K], 'input'>>
  /** The same, of the metadata of a dispatch. */
  sealMetadata(metadata: Plain<MetadataOf<D>['input']>): Promise<MetadataOf<D>['input']>
  /**
   * Any part of a state, a record or a payload, with plain text in the place of each secret, or `redacted` if its subject was
   * forgotten. The argument is not changed. Throws SecretError `key_missing`, `damaged`, `bad_key`, `key_store`.
   */
  reveal<T>(value: T): Promise<Revealed<T>>
  /** `KeyStore.forget`: destroys the subject's key. Durable when it resolves. */
  forget(subject: string): Promise<void>
  /** `KeyStore.permit`: allows new secrets of a forgotten subject. */
  permit(subject: string): Promise<void>
}

type MetadataOf<D> =
  D extends StoreDefinition<infer _S, infer _M, infer _C, infer _Q, infer Me> ? Me : never
type Commands<D> =
  D extends StoreDefinition<infer _S, infer _M, infer C, infer _Q, infer _Me> ? C : never

/** The secrets of one definition, with the keys of a key store. */
export function vault<D extends AnyStoreDefinition>(definition: D, keys: KeyStore): Vault<D> {
  const { find, inputOf, metadata } = definitionOf(definition)
  const loose = {
    seal: (type: string, payload: unknown) =>
      seal(type, find(type).payload, payload, 'payload', keys),
    sealInput: (command: string, input: unknown) =>
      seal(command, inputOf(command), input, 'input', keys),
    sealMetadata: async (given: object) => {
      if (!metadata.schema) return given
      const [known, own] = [new Map(), new Map()]
      for (const [field, value] of Object.entries(given))
        (metadata.undeclared.includes(field) ? known : own).set(field, value)
      const fields = Object.fromEntries(own)
      const sealed = await seal('sealMetadata', metadata.schema, fields, 'metadata', keys)
      return { ...Object.fromEntries(known), ...(sealed as object) }
    },
    reveal: (value: unknown) => reveal(value, keys),
    forget: (subject: string) => keys.forget(subject),
    permit: (subject: string) => keys.permit(subject),
  }
  return loose as unknown as Vault<D>
}

/** Parses with plain text in the place of the secrets, then encrypts what was found. */
async function seal(
  target: string,
  schema: z.core.$ZodType | undefined,
  given: unknown,
  what: string,
  keys: KeyStore,
): Promise<unknown> {
  const found = new Map<string, FoundSecret>()
  const parsed = runUserCode(target, () => {
    const forbidden = forbiddenKey(given)
    if (forbidden) throw invalid(target, [{ code: 'custom', ...forbidden }], what)
    const context: object = { [SEALING]: found }
    const result = z.core.safeParse(schema ?? z.undefined(), given, context)
    if (result.success) return result.data
    throw invalid(target, result.error.issues, what)
  })
  const standIns = new Map<string, { found: FoundSecret; subject: string }>()
  replaceSealed(parsed, (sealed, within) => {
    const key = keyOf(sealed)
    const secret = found.get(key)
    if (secret) {
      const subject = runUserCode(target, () => subjectOf(secret.def, within, parsed, target, what))
      standIns.set(key, { found: secret, subject })
    }
    return sealed
  })
  const opened = new Map<string, Promise<{ id: string; cipher: CipherKey }>>()
  const boxes = new Map<string, SealedBox>()
  for (const [
    key,
    {
      found: { def, plain },
      subject,
    },
  ] of standIns) {
    const opening = opened.get(subject) ?? obtain(keys, subject)
    opened.set(subject, opening)
    const { id, cipher } = await opening
    boxes.set(key, await encrypt(cipher, { key: id, subject, redacted: def.redacted }, plain))
  }
  return replaceSealed(parsed, (sealed) => {
    const box = boxes.get(keyOf(sealed))
    return box ? { $secret: box } : sealed
  })
}

const keyOf = ({ $secret }: { readonly $secret: unknown }): string => String(Object($secret).key)

async function obtain(keys: KeyStore, subject: string) {
  const { id, bytes } = await keys.obtain(subject)
  return { id, cipher: await cipherKey(bytes) }
}

/** The id that the schema names. Throws Rejection `invalid` if there is no such id. */
function subjectOf(
  { subject }: SecretDef,
  within: readonly object[],
  whole: unknown,
  target: string,
  what: string,
): string {
  const holder = typeof subject === 'string' && within.find((each) => Object.hasOwn(each, subject))
  const id: unknown =
    typeof subject === 'function' ? subject(whole) : holder && Reflect.get(holder, subject)
  const text = Number.isSafeInteger(id) ? String(id) : id
  if (typeof text === 'string' && SUBJECT.test(text)) return text
  const place = typeof subject === 'function' ? 'what `subject` returns' : `the field ${subject}`
  const message = `needs the subject of its secret: ${place} must be a string of 1 to 256 printable characters, or an integer`
  throw invalid(target, [{ code: 'custom', path: [], message }], what)
}

/**
 * Any part of a state, a record or a payload, with plain text in the place of each secret, or `redacted` if its subject
 * was forgotten. Needs no definition. Throws SecretError `key_missing`, `damaged`, `bad_key`, `key_store`.
 */
export async function reveal<T>(value: T, keys: KeyStore): Promise<Revealed<T>> {
  const sealed = new Set<{ readonly $secret: unknown }>()
  replaceSealed(value, (each) => {
    sealed.add(each)
    return each
  })
  const opened = new Map<string, Promise<CipherKey | 'forgotten'>>()
  const plain = new Map<unknown, unknown>()
  for (const each of sealed) {
    const box = boxOf(each)
    if (!box)
      throw new SecretError('damaged', 'a $secret is not as ministore seals: it was changed')
    const name = JSON.stringify([box.subject, box.key])
    const opening = opened.get(name) ?? open(keys, box)
    opened.set(name, opening)
    const cipher = await opening
    plain.set(each, cipher === 'forgotten' ? box.redacted : await decrypt(cipher, box))
  }
  return replaceSealed(value, (each) => plain.get(each)) as Revealed<T>
}

async function open(keys: KeyStore, { subject, key }: SealedBox): Promise<CipherKey | 'forgotten'> {
  const found = await keys.find(subject, key)
  if (found === 'forgotten') return found
  if (found) return cipherKey(found.bytes)
  const what = `the key store has no key ${key} of subject ${subject}, and did not destroy it.`
  const next = 'Is it the key store of this journal? Otherwise restore its backup.'
  throw new SecretError('key_missing', `${what} ${next}`, { subject })
}
