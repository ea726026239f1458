/// <reference lib="esnext.disposable" preserve="true" />
// An open store, as its users hold it (methods are bound).
import type { StoreError } from '../errors.ts'
import type { Replica, TornTail, UnusedSnapshot } from '../port/journal.ts'
import type { CoreObserver, Observer } from '../port/observer.ts'
import type { CompactOptions, CompactReceipt, SnapshotReceipt } from '../port/snapshots.ts'
import type { VerifyOptions, VerifyReport } from '../proof/verify/report.ts'
import type { Within } from '../record/append.ts'
import type { Receipt } from '../record/record.ts'

import type { Immutable } from '../table/immutable.ts'
import type { RejectionsIn, Tx, ValueIn } from './dsl.ts'
import type { Health } from './health.ts'
import type {
  CommandArgs,
  DispatchArgs,
  MutationInputMap,
  OptionsArgs,
  RecordMap,
} from './messages.ts'
import type { BoundMetadata, DefaultMetadata, MetadataTypes } from './metadata.ts'
import type {
  AllRejects,
  ByCode,
  CommandValue,
  Conflict,
  Executed,
  Invalid,
  Outcome,
  RejectsOf,
} from './outcome.ts'
import type { Nothing, OnlySync, Problem } from './problem.ts'

/** What opening found and did. */
export interface Recovery {
  readonly created: boolean
  /** For a compacted journal: the seq of the state that its records stand on. */
  readonly base?: number
  /** Records replayed: those after the snapshot, or after the state of a compaction. */
  readonly records: number
  readonly found?: TornTail
  /** Whether the snapshot beside the journal was used; absent if there is no snapshot. */
  readonly snapshot?: { readonly used: true; readonly seq: number } | UnusedSnapshot
  /** Why the replay went through Immer, record by record: the same state, but slower. */
  readonly fallback?: string
  /** Opened for reading on a copy of the engine's server, such as a standby of PostgreSQL. */
  readonly replica?: Replica
}

export interface Store<S, M, C, Q = {}, Me extends MetadataTypes = DefaultMetadata> {
  /** The durable state: in memory, deeply frozen, no copy. */
  readonly state: Immutable<S>
  /** Seq of the last record in `state`; 0 when empty. */
  readonly seq: number
  readonly recovery: Recovery
  getState(): Immutable<S>
  getInitialState(): Immutable<S>
  /**
   * A state no older than this call: of a shared journal, it has all that other processes had appended
   * by then. Throws StoreError `unavailable`, and what `open` throws of a record that does not fit.
   */
  refresh(): Promise<Immutable<S>>
  /** parse → guard → apply to a draft → journal → publish. Resolves when durable. */
  dispatch<K extends keyof M & string>(
    type: K | Problem<'call dispatch(type, payload) or dispatchAll([message])'>,
    ...args: DispatchArgs<M[K], Me['input'], S>
  ): Outcome<Receipt, RejectsOf<M[K]> | Invalid | Conflict>
  /** All or none, one record, one seq. */
  dispatchAll(
    mutations: readonly MutationInputMap<M>[keyof M & string][],
    ...options: OptionsArgs<DispatchOptions<S>, Me['input']>
  ): Outcome<Receipt, ByCode<AllRejects<M>> | Invalid | Conflict>
  /** An unnamed command. */
  transaction<T>(
    run: (tx: Tx<S, M, Me['output']>) => (T & OnlySync<T>) | Nothing,
    ...options: OptionsArgs<ExecuteOptions<S>, Me['input']>
  ): Outcome<Executed<ValueIn<T>>, ByCode<RejectionsIn<T> | AllRejects<M>> | Invalid | Conflict>
  execute<K extends keyof C & string>(
    command: K,
    ...args: CommandArgs<C[K], Me['input'], S>
  ): Outcome<
    Executed<CommandValue<C[K]>>,
    ByCode<RejectsOf<C[K]> | AllRejects<M>> | Invalid | Conflict
  >
  /**
   * The same store, for one request: what is dispatched through it has this metadata, and over it what the call itself
   * gives. Checked at the first dispatch. Closing it closes the store.
   */
  with<Given extends Partial<Me['input']>>(bound: {
    readonly metadata: Given & { readonly [K in Exclude<keyof Given, keyof Me['input']>]: never }
  }): Store<S, M, C, Q, BoundMetadata<Me, Given>>
  /** Once per commit, after it is durable. Returns the unsubscribe function. */
  subscribe(
    listener: (
      state: Immutable<S>,
      previous: Immutable<S>,
      records: readonly RecordMap<M & Q, Me['output']>[keyof (M & Q) & string][],
    ) => void,
  ): () => void
  /** When the selected value changed (`Object.is`, or `equals`). */
  subscribe<T>(
    selector: (state: Immutable<S>) => T,
    listener: (
      value: T,
      previous: T,
      records: readonly RecordMap<M & Q, Me['output']>[keyof (M & Q) & string][],
    ) => void,
    options?: SubscribeOptions<T>,
  ): () => void
  /** Committed records with current-version payloads: seq > after, ≤ until; `follow` waits for more, until close. */
  records(
    options?: RecordsOptions,
  ): AsyncIterableIterator<RecordMap<M & Q, Me['output']>[keyof (M & Q) & string]>
  /**
   * Writes the state to `<journal>.snapshot`, so that the next opening replays only what comes after.
   * Dispatches go on. Throws StoreError `io`, which harms nothing; `invalid_state` if the state is not
   * JSON; TypeError if the journal cannot keep snapshots.
   */
  snapshot(): Promise<SnapshotReceipt>
  /**
   * Puts the state in the place of the records that made it, which are kept in `<journal>.<seq>.archive`.
   * Dispatches go on. Throws as `snapshot` does, and `unknown` if the store has to be opened again.
   */
  compact(options?: CompactOptions): Promise<CompactReceipt>
  /**
   * Replays the journal's file in a worker thread, up to the store's seq, and compares the digest with that of
   * the state in memory. Dispatches go on. A difference or damage is in the report. Throws TypeError if
   * the journal is not in a file; StoreError `bad_definition` if `module` does not export the definition.
   */
  verify(options: VerifyOptions): Promise<VerifyReport>
  /** Returns plain JSON for a readiness endpoint. Reads nothing from the journal. */
  health(): Health
  /** Waits for what is in flight, refuses the rest with `closed`, releases the lock. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface SubscribeOptions<T> {
  equals?: ((a: T, b: T) => boolean) | undefined
  /** Call the listener at once, with the current value as both values and no records. */
  immediate?: boolean | undefined
}

export interface RecordsOptions {
  after?: number | undefined
  until?: number | undefined
  follow?: boolean | undefined
  /** Ends the iteration by throwing the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface OpenOptions {
  /**
   * The clock that `meta.at` is taken from, milliseconds since 1970. If it shows a time before the last record's, the
   * record has that record's `at`. Default `Date.now`.
   */
  now?: (() => number) | undefined
  /**
   * Most dispatches that wait to be durable. One more throws StoreError `overloaded`, and is certainly not written.
   * Default 100,000.
   */
  maxPending?: number | undefined
  /** Told when a listener throws; nothing else is harmed. Default `console.error`. */
  onListenerError?: ((error: unknown) => void) | undefined
  /** Called once with the reason, if the store stops accepting dispatches and following without being closed. */
  onStop?: ((error: StoreError) => void) | undefined
  /**
   * Told what the store does: dispatches, appends, the replay and more, each with its duration. The channels of
   * `node:diagnostics_channel` have the same events without it. Default: nobody, which costs nothing.
   */
  observer?: Observer | undefined
  /**
   * Creates and writes nothing; a dispatch throws StoreError `read_only`. A store on an engine follows what others
   * append. A store on a file takes no lock, and has what was durable at the time of opening.
   */
  readOnly?: boolean | undefined
}

/** What the core of a store is given. */
export interface CoreOptions extends OpenOptions {
  readonly telemetry?: CoreObserver | undefined
}

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

export type ExecuteOptions<S = unknown> = DispatchOptions<S>
