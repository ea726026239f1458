// The port for records: what a store asks of a journal, whichever engine keeps it.
import type { JournalObserver } from './observer.ts'
import type { Snapshots } from './snapshots.ts'

/** One durable record. `text` is the record as JSON, without its seq, exactly as it was appended. */
export interface Entry {
  readonly seq: number
  readonly text: string
  /** From 1, if the journal has lines. Used in messages. */
  readonly line?: number | undefined
}

/** A connection in the middle of a transaction: the `PoolClient` of `pg`, for a journal in PostgreSQL. */
export interface SqlTransaction {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>
}

export interface NewEntry extends Pick<Entry, 'text'> {
  /**
   * Runs in the transaction that appends this entry. Only for a journal with `hasTransactions`, which then takes no other
   * entry in the same append, and may run it again after a failure that certainly changed nothing.
   */
  readonly within?: ((transaction: SqlTransaction) => Awaitable<unknown>) | undefined
}

/**
 * `ok`: everything up to `seq` is durable; a journal may take only the first entries of a large
 * batch. A conflict (another writer was first) is a value; `head` is a hint. `withdrawn`: there was no conflict, but
 * the first entry's `within` failed with this cause, so nothing was appended.
 */
export type AppendResult =
  | { ok: true; seq: number }
  | { ok: false; head: number; withdrawn?: { readonly cause: unknown } }

export interface JournalInfo {
  /** Identity of this history: another epoch under the same name is another journal. */
  readonly epoch: string
  /** Seq of the last durable record; 0 when empty. */
  readonly head: number
  /** True when this open created the journal. */
  readonly created: boolean
  /** What was wrong with the journal's end, where something was. */
  readonly found?: TornTail
  /** For a compacted journal: the state that its records build on, and its digest. */
  readonly base?: { readonly seq: number; readonly digest: string }
  /** Opened on a copy that follows the server that is written to. */
  readonly replica?: Replica
  /** The snapshot next to it, if there is one: the fingerprint of its definition, or why it is ignored. */
  readonly snapshot?: { readonly seq: number; readonly definition: string } | UnusedSnapshot
}

/** `lag`: how many milliseconds the copy was late, if the server can tell. */
export interface Replica {
  readonly lag?: number
}

export interface UnusedSnapshot {
  readonly used: false
  readonly reason: string
}

/** The journal's last bytes, as a crash left them. */
export interface TornTail {
  /** `torn_write`, `torn_header`: cut off while being written; never acknowledged. `lost_newline`: a whole record that was kept. */
  readonly kind: 'torn_write' | 'torn_header' | 'lost_newline'
  /** Where it begins, in bytes. */
  readonly offset: number
  /** How many bytes it took. */
  readonly bytes: number
  /** Where the bytes were kept; absent when nothing was changed (read-only) or nothing was cut. */
  readonly savedTo?: string
}

/**
 * Where records go: a file, memory, a database. seq is 1, 2, 3 … without holes on every engine.
 * A failed append throws a StoreError: `io` = certainly not appended, anything else = unknown.
 */
export interface Journal {
  /** For messages: a path, an address. */
  readonly name: string
  /** The path of its file, if another thread can open the journal by it. */
  readonly location?: string | undefined
  /** The largest entry it takes, in bytes of UTF-8. */
  readonly maxEntryBytes: number
  /** How many milliseconds the disk took to make the last append durable, if the journal measures that. */
  readonly syncDuration?: number | undefined
  /** Whether an entry may have a `within`. */
  readonly hasTransactions?: boolean
  /**
   * Create it if absent, check that it belongs to `store`, recover. Once, before anything else; where
   * it fails, it has released what it took.
   */
  open(store: string): Promise<JournalInfo>
  /** Only if it has something to report. Called before `open`. */
  observe?(observer: JournalObserver): void
  /**
   * In place of `open`, for a store that only reads: creates and changes nothing. Throws StoreError `io` if there is no
   * such journal. Absent if the journal itself says how it is opened, as one in a file does.
   */
  openReadOnly?(store: string): Promise<JournalInfo>
  /** In this order, first seq = `expected + 1`, durable when it resolves. One call at a time. */
  append(batch: readonly NewEntry[], expected: number): Promise<AppendResult>
  /** The durable records with seq > `after` (and ≤ `to`), contiguous, then ends. */
  read(after: number, options?: { to?: number | undefined }): AsyncIterable<readonly Entry[]>
  /**
   * Only where others append to it too: the records with seq > `after`, own ones as well, as they come.
   * Ends when the signal aborts. A failed append that throws `unavailable` was certainly not written.
   */
  follow?(after: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>
  close(): Promise<void>
  /** Only if it can keep snapshots. `read` then throws StoreError `compacted` below its base. */
  readonly snapshots?: Snapshots
}

export type Awaitable<T> = T | Promise<T>
