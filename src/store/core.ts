// An open store without its types and conveniences.
import type { Recovery } from '../define/open-store.ts'
import type { StoreError } from '../errors.ts'
import type { Input } from '../mutation/spec.ts'
import type { Head, Snapshot } from '../port/snapshots.ts'
import type { Listener } from './listeners.ts'
import type { CommitOptions, CommitReceipt, Run } from './pending.ts'

export interface OpenOptions {
  /**
   * The clock that `meta.at` is taken from, milliseconds since 1970. If it shows a time before the last record's, the
   * record has that record's `at`. Default `Date.now`.
   */
  now?: (() => number) | undefined
  /** Told when a listener throws; nothing else is harmed. Default `console.error`. */
  onListenerError?: ((error: unknown) => void) | undefined
  /** Told once why, where the store takes no more dispatches and follows no more, without having been closed. */
  onStop?: ((error: StoreError) => void) | undefined
  /**
   * Creates and writes nothing; a dispatch throws StoreError `read_only`. A store on an engine follows what others
   * append. A store on a file takes no lock, and has what was durable at the time of opening.
   */
  readOnly?: boolean | undefined
}

/** An open store without its types and conveniences. */
export interface Core {
  /** What opening replayed. */
  readonly replayed: Pick<Recovery, 'records'> & { readonly fallback: string | undefined }
  readonly listeners: Set<Listener>
  /** Called when the store closes. */
  readonly closers: Set<() => void>
  /** The durable state. */
  getHead(): Head
  /** Why it takes no dispatches: `closed`, or what broke. */
  getStopped(): StoreError | undefined
  /** The durable state and its keys; never changed by what comes after. Throws where the store has stopped. */
  take(): Snapshot
  commit(run: Run, options: CommitOptions, given: readonly Input[]): Promise<CommitReceipt>
  /** Resolves when what others had appended by now is in the state. */
  refresh(): Promise<unknown>
  close(): Promise<void>
}
