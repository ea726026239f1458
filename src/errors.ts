// The two ways to fail: an expected "no", and something broken.

/** Stable; the messages are not. docs/guides/errors.md says for each what happened and what to do. */
export type StoreErrorCode =
  | 'bad_definition' // defineStore was given something it cannot work with
  | 'unknown_mutation' // no mutation, retired mutation or command of that name
  | 'unstable_payload' // the payload schema does not accept its own output unchanged
  | 'check_failed' // a schema or a guard threw something other than a Rejection
  | 'apply_failed' // a reducer threw, was asynchronous, or returned no state
  | 'upcast_failed' // an old payload did not pass its upcaster
  | 'invalid_state' // the state holds what JSON cannot, so there can be no snapshot of it
  | 'key_reused' // the idempotency key belongs to another mutation
  | 'too_large' // one record would exceed the journal's limit
  | 'wrong_store' // a journal of another store
  | 'foreign' // not a ministore journal
  | 'newer_format' // written by a newer ministore, or a newer definition
  | 'compacted' // these records were compacted or truncated away
  | 'rewound' // a shared journal is another one than it was, or lost records that were durable
  | 'corrupt' // damaged: bytes that were once safe are not what was written
  | 'locked' // another writer has the journal, or no lock can be had
  | 'read_only' // the journal was opened for reading
  | 'config' // a journal, or a shared journal's engine, is set up so that it cannot be used
  | 'unavailable' // a shared journal cannot be reached for now; certainly not written
  | 'io' // the disk refused; certainly not written
  | 'unknown' // the disk failed half-way: the record may or may not be in the journal
  | 'overloaded' // too many dispatches wait to be durable; certainly not written
  | 'closed' // the store was closed

// the store was closed

/** Where it happened, as far as known. `offset` in bytes, `line` from 1. */
export interface StoreErrorOptions extends ErrorOptions {
  seq?: number | undefined
  path?: string | undefined
  offset?: number | undefined
  line?: number | undefined
}

/** What `JSON.stringify` writes of a Rejection. */
export interface RejectionJson<Code, Details> {
  readonly ok: false
  readonly name: string
  readonly code: Code
  readonly message: string
  readonly details: Details
}

/** What `JSON.stringify` writes of a StoreError. */
export interface StoreErrorJson extends Omit<StoreErrorOptions, 'cause'> {
  readonly name: string
  readonly code: StoreErrorCode
  readonly message: string
}

// biome-ignore lint/suspicious/noExplicitAny: details of every shape
export type AnyRejection = Rejection<string, any>

/**
 * A rule, the schema (`invalid`) or `expectSeq` (`conflict`) said no; nothing was written.
 * `code` is stable, `details` is data for programs.
 */
export class Rejection<Code extends string = string, Details = unknown> extends Error {
  override readonly name = 'Rejection'
  readonly ok: false = false
  readonly code: Code
  readonly details: Details
  constructor(code: Code, details: Details, message: string = `refused: ${code}`) {
    super(message)
    this.code = code
    this.details = details
  }

  /** Plain data, which also crosses `postMessage` and `structuredClone`; those lose an error's own fields. */
  toJSON(): RejectionJson<Code, Details> {
    const { ok, name, code, message, details } = this
    return { ok, name, code, message, details }
  }
}

/** The definition, the journal or the disk is broken. `code` says what, the rest where. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly seq?: number | undefined
  readonly path?: string | undefined
  readonly offset?: number | undefined
  readonly line?: number | undefined
  constructor(code: StoreErrorCode, message: string, { cause, ...where }: StoreErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    Object.assign(this, where)
  }

  /** Plain data, without the cause, which may be anything. */
  toJSON(): StoreErrorJson {
    const { name, code, message, seq, path, offset, line } = this
    const where = Object.entries({ seq, path, offset, line })
    return {
      name,
      code,
      message,
      ...Object.fromEntries(where.filter(([, at]) => at !== undefined)),
    }
  }
}

/** Whether it is an answer that rests on records: other records would give another answer. */
export const isRefusal = (error: unknown): error is Rejection | StoreError =>
  error instanceof Rejection || (error instanceof StoreError && error.code === 'key_reused')

/**
 * Makes `instanceof` know errors of another copy of this package too, and of another realm: by a mark
 * on their prototype. A subclass has only its own instances.
 */
function knowCopies(kind: Function, mark: symbol): void {
  Object.defineProperty(kind.prototype, mark, { value: true })
  Object.defineProperty(kind, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== kind) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && mark in value
    },
  })
}
knowCopies(Rejection, Symbol.for('ministore.rejection'))
knowCopies(StoreError, Symbol.for('ministore.store-error'))
