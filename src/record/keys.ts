// Idempotency keys: what a request was answered with, in case it comes again.
import { StoreError } from '../errors.ts'
import type { CompiledDefinition, Input } from '../mutation/spec.ts'
import { encodeMutation } from '../mutation/text.ts'
import { validatePayload } from '../mutation/validate.ts'
import type { KeptKey } from '../port/snapshots.ts'
import type { Decision } from '../store/pending.ts'
import { decode } from './decode.ts'
import { encodeBody } from './encode.ts'
import type { Decoded, Receipt } from './record.ts'

/** Idempotency keys → what they stand for. Costs the body's text per key, for the store's life. */
export type Keys = Map<string, KeyedRecord>

export interface KeyedRecord {
  readonly body: string
  readonly receipt: Receipt
}

export function remember(keys: Keys, { meta: { key, seq, at }, parts }: Decoded): void {
  if (key === undefined) return
  const receipt = Object.freeze({ ok: true, seq, at, duplicate: true })
  keys.set(key, { body: encodeBody(parts), receipt })
}

/** The same key again is the same request again: in flight, it waits for the first answer. Throws `key_reused`. */
export function answer(
  definition: CompiledDefinition,
  { body, receipt }: KeyedRecord,
  given: readonly Input[],
): Decision {
  const again = given.map(({ type, payload }) => validatePayload(definition.find(type), payload))
  if (encodeBody(again) === body) return { receipt }
  const what = `this key belongs to another mutation, which is at seq ${receipt.seq}`
  throw new StoreError('key_reused', what, { seq: receipt.seq })
}

/** Of a record that did not become durable. */
export function forget(keys: Keys, record: Decoded | undefined): void {
  const key = record?.meta.key
  // A record with this key that is durable came first: then this one is not in `keys`.
  if (key !== undefined && keys.get(key)?.receipt.seq === record?.meta.seq) keys.delete(key)
}

/** Those of the records up to `seq`, to be kept in a snapshot. Later ones may come in meanwhile. */
export function* keysUpTo(keys: Keys, seq: number): Generator<KeptKey> {
  for (const [key, { body, receipt }] of keys) {
    // They are in the order of their records.
    if (receipt.seq > seq) return
    yield [key, receipt.seq, receipt.at, body]
  }
}

/** The other way round. */
export function recall(keys: Keys, kept: Iterable<KeptKey>): void {
  for (const [key, seq, at, body] of kept) {
    keys.set(key, { body, receipt: Object.freeze({ ok: true, seq, at, duplicate: true }) })
  }
}

const PAYLOAD = ',"payload":'

/** As a replay of their records would give them: of mutations that have newer versions now, upcast. */
export function* currentKeys(
  definition: CompiledDefinition,
  kept: Iterable<KeptKey>,
): Generator<KeptKey> {
  const current = new Set(
    [...definition.mutations.values()].map((each) => encodeMutation(each, undefined)),
  )
  for (const [key, seq, at, body] of kept) {
    const [head = ''] = body.split(PAYLOAD, 1)
    yield [key, seq, at, current.has(head) ? body : upcast(definition, [key, seq, at, body])]
  }
}

/** As it was, where the definition does not know it any more: then no one can ask for it again. */
function upcast(definition: CompiledDefinition, [key, seq, at, body]: KeptKey): string {
  const text = `{"at":"${at}","key":${JSON.stringify(key)},${body}}`
  try {
    return encodeBody(decode(definition, { seq, text }).parts)
  } catch {
    return body
  }
}
