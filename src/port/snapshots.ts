// The port for states: what a journal keeps of them, in place of records.
import type { Awaitable } from './journal.ts'

/** What a journal keeps of a store's state. Opening is complete before any of it is called. */
export interface Snapshots {
  /** What the records stand on since they were compacted. Throws StoreError `corrupt`. */
  readBase(): Promise<Snapshot | undefined>
  /** The one that `open` named, unless it did not say. Throws StoreError `corrupt`. */
  read(): Promise<Snapshot | undefined>
  /** Of durable records only. Appends go on meanwhile. `definition`: its fingerprint. */
  save(snapshot: Snapshot, definition: Awaitable<string>): Promise<SnapshotReceipt>
  /** Appends go on meanwhile, but for the last moment. */
  compact(snapshot: Snapshot, options: CompactOptions): Promise<CompactReceipt>
}

/** All that opening needs in place of the records up to `seq`. What is read is the reader's own. */
export interface Snapshot extends StateAt {
  /** Idempotency keys, in the order of their records. */
  readonly keys: Iterable<KeptKey>
  /** The definition's initial state when the journal was compacted: only in what it was compacted to. */
  readonly initial?: unknown
}

/**
 * `body`: what a repeat is compared by. For mutations it is the record's text without `at`, `key`, `command` and
 * `metadata`; for a command it is `"command":…,"input":…`, and `value` is what it returned.
 */
export type KeptKey = readonly [key: string, seq: number, at: string, body: string, value?: unknown]

export interface SnapshotReceipt {
  /** The last record in it. */
  readonly seq: number
  readonly bytes: number
  readonly path: string
}

export interface CompactOptions {
  /** `false`: do not keep the records. */
  archive?: boolean | undefined
}

export interface CompactReceipt {
  /** The last record that the state stands for now. */
  readonly seq: number
  /** The journal's size before and after. */
  readonly before: number
  readonly bytes: number
  /** Where the records are kept; absent if they are not kept, or if there was nothing to do. */
  readonly archive?: string
}

/** The state at a seq. */
export interface StateAt {
  readonly state: unknown
  readonly seq: number
  /** The time of record `seq`; empty if there is no record. The next record's is not before it. */
  readonly at: string
}
