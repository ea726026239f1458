// What a database has to do so that a journal can be kept in it. All else is in journal.ts.
import type { AppendResult, Entry, NewEntry, Replica } from '../../port/journal.ts'

/** `id`: a UUID of this very record, by which its writer knows it again. */
export interface EngineEntry extends Entry {
  readonly id: string
  /** What a journal with a hash chain shows beside the text. An engine has it at the end of the text. */
  readonly hash?: string | undefined
}

export interface NewEngineEntry extends NewEntry {
  readonly id: string
}

export interface EngineInfo {
  /** A UUID, made with the journal: another one under the same name is another journal. */
  readonly epoch: string
  /** Seq of the last durable record; 0 when empty. */
  readonly head: number
  /** Seq of the first record that is still there: 1 unless truncated; `head + 1` where none is. */
  readonly first: number
  readonly created: boolean
  /** What `open` was given when it created the journal: JSON text that says how to read the records. */
  readonly features: string
}

/** What is known of a journal that was only looked at. */
export interface EngineLook extends EngineInfo {
  /** Whose it is. */
  readonly store: string
  /** Looked at on a copy that follows the server that is written to. */
  readonly replica?: Replica
}

/**
 * One journal in a database. seq is 1, 2, 3 … Every call, after `open` or `look`, compares the epoch and the id of
 * the last record that this engine has shown or appended. It throws StoreError `rewound` if either is another one:
 * someone restored a backup, or replaced the records. An append compares them before it writes. If the record was
 * truncated, there is nothing to compare.
 *
 * Failures are StoreErrors: `unavailable` = it certainly did not happen and may be tried again (the
 * engine cannot be reached, has no leader, is starting); `unknown` = an append of which no one can tell
 * whether it happened (a timeout, a connection that broke after sending); `compacted`, `rewound`,
 * `corrupt`, `config` (settings, rights, versions: trying again is of no use), `too_large`, `wrong_store`.
 * Messages say what to do and never contain credentials. An engine does not wait and try again by itself, but
 * for `follow`.
 */
export interface Engine {
  /** For messages: the address and the journal's name, without user, password or parameters. */
  readonly name: string
  /** The largest entry it takes, in bytes of UTF-8. */
  readonly maxEntryBytes: number
  /** Whether an entry may have a `within`. */
  readonly hasTransactions?: boolean
  /**
   * Connects, creates the journal if absent, checks settings and that it belongs to `store`. Again after a failure.
   * `features`: kept with a journal that this creates, and shown by each `open` and `look`. Short; default `{}`.
   */
  open(store: string, features?: string): Promise<EngineInfo>
  /**
   * As `open`, for readers only: it creates and changes nothing, and needs no right to. Undefined
   * if the journal does not exist. `read` and `follow` work after it.
   */
  look(): Promise<EngineLook | undefined>
  /**
   * The names of journals that are as long as `name`, or nearly, for a message that there is no such journal. It may throw, and
   * leaves nothing open.
   */
  similar?(): Promise<readonly string[]>
  /** How late the server that answers is, if it is a copy. The journal is open. */
  replica?(): Promise<Replica | undefined>
  /**
   * In this order, all or none, first seq = `expected + 1`, durable when it resolves. It may take only the
   * first entries. A conflict is a value: `head` is the journal's. So is a `within` that failed: `withdrawn`.
   */
  append(batch: readonly NewEngineEntry[], expected: number): Promise<AppendResult>
  /**
   * The durable records with seq > `after` (and ≤ `to`), contiguous, then ends: not before the head at the
   * time of the call. In batches of bounded size. Throws `compacted` where record `after + 1` was truncated.
   */
  read(after: number, options?: { to?: number | undefined }): AsyncIterable<readonly EngineEntry[]>
  /**
   * The records with seq > `after` as they come, contiguous, endless: it connects again by itself, and
   * sees what it has missed. Ends when the signal aborts. Throws as `read` does, but never `unavailable`.
   */
  follow(after: number, signal: AbortSignal): AsyncIterable<readonly EngineEntry[]>
  /** Removes the records up to `upTo`, at most up to the head; the head stays as it is. An engine may keep the last record. */
  truncate(upTo: number): Promise<void>
  /** Ends what is under way. No timer, socket or listener of it keeps the process alive. */
  close(): Promise<void>
}
