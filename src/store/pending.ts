// A dispatch on its way: asked for, decided, and waiting to be durable.

import type { DispatchOptions } from '../define/open-store.ts'
import type { CheckedMetadata, Input } from '../mutation/spec.ts'
import type { Run } from '../mutation/transact.ts'
import type { Stopwatch } from '../port/observer.ts'
import type { CommitReceipt } from '../record/record.ts'
import type { AppliedRecord } from '../replay/replayed.ts'

/** A dispatch that was decided and waits to be durable; without a record, for what it has seen. */
export interface Decision {
  readonly receipt: CommitReceipt
  readonly record?: (AppliedRecord & { readonly text: string }) | undefined
}

/** As long as it is not durable it may be decided again, where other writers are first. */
export interface PendingCommit extends Decision, CommitRequest {
  readonly resolve: (receipt: CommitReceipt) => void
  readonly reject: (error: unknown) => void
}

/** `given`: what `run` will dispatch, for a repeated key to be compared by. */
export interface CommitRequest {
  readonly run: Run
  readonly options: CommitOptions
  readonly given: readonly Input[]
}

export interface CommitOptions extends Omit<DispatchOptions, 'metadata'> {
  readonly metadata?: CheckedMetadata | undefined
  /** Its name, for the journal's readers. */
  command?: string | undefined
  /** Of a command or a transaction with a key: the digest of its input. */
  input?: string | undefined
  /** Measures it, if somebody observes the dispatches. */
  watch?: Stopwatch | undefined
  /**
   * A refusal, also `key_reused`, waits, as a record does, until the records that it rests on are durable, and is decided again if
   * another writer is first. The receipt has it then.
   */
  refusalWaits?: boolean | undefined
}
