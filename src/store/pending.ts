// A dispatch on its way: asked for, decided, and waiting to be durable.
import type { Rejection, StoreError } from '../errors.ts'
import type { CheckedMetadata, Input, Meta, Metadata } from '../mutation/spec.ts'
import type { Head } from '../port/snapshots.ts'
import type { Within } from '../record/entry.ts'
import type { Keys } from '../record/keys.ts'
import type { Receipt } from '../record/record.ts'
import type { Settled } from '../replay/replayed.ts'

export interface DispatchOptions<S = unknown> {
  /** Idempotency key: the same key again resolves to the first receipt with `duplicate: true`. 1 to 1,024 characters. */
  key?: string | undefined
  /** Refuse with `conflict` unless the store is at this seq. */
  expectSeq?: number | undefined
  /** What the definition's `metadata` schema accepts, and `correlationId`, `causationId`, `traceparent`. */
  metadata?: object | undefined
  /**
   * Writes into the database of the journal, in the transaction that appends the record: both are committed, or neither.
   * It runs again if another writer was first, so it must change nothing else. If it throws, the dispatch rejects
   * with that error, and nothing was written. Throws TypeError if the journal has no transactions.
   */
  within?: Within<S> | undefined
}

export type ExecuteOptions<S = unknown> = Omit<DispatchOptions<S>, 'key'>

/** Decides on the state that `tx` has, and dispatches. */
export type Run = (tx: LooseTx) => unknown

export interface LooseTx {
  readonly at: string
  readonly metadata: Metadata
  getState(): unknown
  dispatch(type: string, payload?: unknown): Meta
}

/** A dispatch that was decided and waits to be durable; without a record, for what it has seen. */
export interface Pending {
  readonly receipt: CommitReceipt
  readonly record?: (Settled & { readonly text: string }) | undefined
}

/** As long as it is not durable it may be decided again, where other writers are first. */
export interface Waiting extends Pending, Asked {
  readonly resolve: (receipt: CommitReceipt) => void
  readonly reject: (error: unknown) => void
}

/** `given`: what `run` will dispatch, for a repeated key to be compared by. */
export interface Asked {
  readonly run: Run
  readonly options: CommitOptions
  readonly given: readonly Input[]
}

/** What is durable, and what stands on it: `head` is `durable` with all that waits applied. */
export interface Live {
  /** What everybody sees. */
  durable: Head
  /** What the next dispatch is decided on. */
  head: Head
  /** Of both. */
  readonly keys: Keys
  /** In the air. */
  group: Waiting[]
  /** What goes out next. */
  queue: Waiting[]
  /** Others have appended, or may have: what they did comes before anything of ours. */
  isBehind: boolean
}

export interface CommitOptions extends Omit<DispatchOptions, 'metadata'> {
  readonly metadata?: CheckedMetadata | undefined
  /** Its name, for the journal's readers. */
  command?: string | undefined
  /**
   * A refusal, also `key_reused`, waits, as a record does, until the records that it rests on are durable, and is decided again if
   * another writer is first. The receipt has it then.
   */
  refusalWaits?: boolean | undefined
}

/** `refusal`: of `refusalWaits`, in place of a result. */
export interface CommitReceipt extends Receipt {
  readonly refusal?: Rejection | StoreError
}
