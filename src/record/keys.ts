// Idempotency keys: what a request was answered with, in case it comes again.
import { StoreError } from '../errors.ts'
import { canonicalText, freeze, payloadIssue } from '../json/index.ts'
import { textDigest } from '../json/text-digest.ts'
import type { CompiledDefinition, Input, KeyWindow } from '../mutation/spec.ts'
import { encodeMutation, validatePayload } from '../mutation/validate.ts'
import type { KeptKey, StateAt } from '../port/snapshots.ts'
import type { CommitOptions, Decision } from '../store/pending.ts'
import { decode } from './decode.ts'
import { encodeBody } from './encode.ts'
import type { Decoded, Receipt } from './record.ts'

const DAY_MS = 86_400_000

/** `body`: what a repeat is compared by. */
export interface KeyedRecord {
  readonly body: string
  readonly receipt: Answered
}

/** `value`: what a command returned. */
type Answered = Receipt & { readonly value?: unknown }

type Place = Pick<StateAt, 'seq' | 'at'>

/**
 * The keys that are known, each with what it stands for. What is known is a function of the journal alone: of its
 * records up to the last one, and of the window, which is measured from that record. So every replay knows the same.
 */
export class Keys {
  readonly #keep: KeyWindow['keep'] | undefined
  /** In the order of their records. */
  readonly #durable = new Map<string, KeyedRecord>()
  /** Of records that are not durable yet. They may come to nothing, so they remove none of the others. */
  readonly #pending = new Map<string, KeyedRecord>()

  /** Of the durable records. */
  #lastSeq = 0

  constructor(window: KeyWindow | undefined) {
    this.#keep = window?.keep
  }

  /** The first record with this key, if it is in the window that ends with the record `last`. */
  find(key: string, last: Place): KeyedRecord | undefined {
    const found = this.#pending.get(key) ?? this.#durable.get(key)
    return found && this.#isKept(found.receipt, last) ? found : undefined
  }

  addPending(record: Decoded): void {
    const { key } = record.meta
    if (key !== undefined) this.#pending.set(key, keyed(record))
  }

  /** All that is in flight is decided again, or failed. */
  clearPending(): void {
    this.#pending.clear()
  }

  /** Of the next durable record, whether or not it has a key: it moves the window on. Nothing if it was added before. */
  add(record: Decoded): void {
    const { key, seq } = record.meta
    if (seq <= this.#lastSeq) return
    this.#lastSeq = seq
    if (key !== undefined) {
      if (this.#pending.get(key)?.receipt.seq === seq) this.#pending.delete(key)
      this.#set(key, keyed(record))
    }
    this.#forgetBefore(record.meta)
  }

  /** For a replay that begins, or begins again, after `last`. */
  reset(kept: Iterable<KeptKey>, last: Place): void {
    this.#durable.clear()
    this.#lastSeq = last.seq
    for (const [key, seq, at, body, value] of kept)
      this.#set(key, { body, receipt: duplicate({ seq, at }, freeze(value)) })
    this.#forgetBefore(last)
  }

  /** Those of the durable records up to `seq`, to be kept in a snapshot. Later ones may come in meanwhile. */
  *upTo(seq: number): Generator<KeptKey> {
    for (const [key, { body, receipt }] of this.#durable) {
      if (receipt.seq > seq) return
      const { at, value } = receipt
      yield value === undefined ? [key, receipt.seq, at, body] : [key, receipt.seq, at, body, value]
    }
  }

  #set(key: string, record: KeyedRecord): void {
    // A key that was forgotten and is used again is the last one.
    this.#durable.delete(key)
    this.#durable.set(key, record)
  }

  #forgetBefore(last: Place): void {
    if (!this.#keep) return
    for (const [key, { receipt }] of this.#durable) {
      if (this.#isKept(receipt, last)) return
      this.#durable.delete(key)
    }
  }

  #isKept({ seq, at }: Place, last: Place): boolean {
    if (!this.#keep) return true
    if ('records' in this.#keep) return last.seq - seq < this.#keep.records
    return Date.parse(last.at) - Date.parse(at) <= this.#keep.days * DAY_MS
  }
}

function keyed({ meta, command, input, value, parts }: Decoded): KeyedRecord {
  const body = input === undefined ? encodeBody(parts) : encodeRequest(command, input)
  return { body, receipt: duplicate(meta, value) }
}

const duplicate = ({ seq, at }: Place, value: unknown): Answered =>
  Object.freeze({ ok: true, seq, at, duplicate: true, ...(value !== undefined && { value }) })

/** What a command or, without a name, a transaction is compared by. */
const encodeRequest = (command: string | undefined, input: string): string =>
  `${command === undefined ? '' : `"command":${JSON.stringify(command)},`}"input":"${input}"`

/** The digest of a command's input, as its record keeps it. Throws TypeError if the input is not JSON. */
export function inputDigest(input: unknown): string {
  if (input !== undefined) assertJson('the input', input)
  return textDigest(canonicalText(input) ?? '')
}

/**
 * What a command returned, as its record keeps it and every repeat gets it; without `input`, as it is. Throws TypeError
 * if the journal cannot hold it.
 */
export function keptValue(
  input: string | undefined,
  value: unknown,
): { readonly text?: string; readonly value: unknown } {
  if (input === undefined || value === undefined) return { value }
  assertJson('the value', value)
  const text = canonicalText(value) ?? ''
  return { text, value: freeze(JSON.parse(text)) }
}

function assertJson(what: string, value: unknown): void {
  const issue = payloadIssue(value)
  if (!issue) return
  const where = issue.path.length > 0 ? `${issue.path.map(String).join('.')} of ${what}` : what
  throw new TypeError(`a command with a key is kept in the journal, but ${where} ${issue.message}`)
}

/** The same key again is the same request again: in flight, it waits for the first answer. Throws `key_reused`. */
export function answer(
  definition: CompiledDefinition,
  { body, receipt }: KeyedRecord,
  { command, input }: CommitOptions,
  given: readonly Input[],
): Decision {
  const parts = () =>
    given.map(({ type, payload }) => validatePayload(definition.find(type), payload))
  const again = input === undefined ? encodeBody(parts()) : encodeRequest(command, input)
  if (again === body) return { receipt }
  const what = `this key belongs to another request, which is at seq ${receipt.seq}`
  throw new StoreError('key_reused', what, { seq: receipt.seq })
}

const PAYLOAD = ',"payload":'
const REQUEST = /^"(command|input)":/

/** As a replay of their records would give them: of mutations that have newer versions now, upcast. */
export function* currentKeys(
  definition: CompiledDefinition,
  kept: Iterable<KeptKey>,
): Generator<KeptKey> {
  const current = new Set(
    [...definition.mutations.values()].map((each) => encodeMutation(each, undefined)),
  )
  for (const each of kept) {
    const [key, seq, at, body] = each
    const [head = ''] = body.split(PAYLOAD, 1)
    const isCurrent = current.has(head) || REQUEST.test(body)
    yield isCurrent ? each : [key, seq, at, upcast(definition, each)]
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
