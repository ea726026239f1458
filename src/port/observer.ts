// What an open store reports of its work. No event has a payload, metadata, a state or the message of an error.
import type { Meta } from '../mutation/spec.ts'
import type { AppendResult, Journal, NewEntry } from './journal.ts'

/** Called with each event. What it throws is discarded. It is called in the asynchronous context of the dispatch. */
export type Observer = (event: StoreEvent) => void

export type StoreEvent =
  | DispatchEvent
  | AppendEvent
  | ReplayEvent
  | SnapshotEvent
  | CompactionEvent
  | FollowEvent
  | ReconnectEvent
  | StopEvent

/** All durations are in milliseconds. */
interface EventOf<T extends string> {
  readonly type: T
  /** The name of the definition. */
  readonly store: string
  /** The name of the journal: a path, an address without its password. */
  readonly journal: string
}

/** One call of `dispatch`, `dispatchAll`, `execute` or `transaction` that has its answer. */
export interface DispatchEvent extends EventOf<'dispatch'> {
  readonly method: 'dispatch' | 'dispatchAll' | 'execute' | 'transaction'
  /** The types of the mutations, in order, as far as the definition has them. */
  readonly mutations: readonly string[]
  /** The command, if the definition has it. */
  readonly command?: string
  /** `unchanged`: the call dispatched nothing. `unknown`: the record may or may not be in the journal. */
  readonly outcome: 'committed' | 'duplicate' | 'unchanged' | 'rejected' | 'failed' | 'unknown'
  /** Of the Rejection or the StoreError; absent for other errors. */
  readonly code?: string
  /** The seq of the record. */
  readonly seq?: number
  /** From the call to its answer. */
  readonly duration: number
  /** Schemas and guards. */
  readonly check: number
  /** Reducers. */
  readonly draft: number
  /** From the end of the decision until the record was durable; only of what was committed. */
  readonly append?: number
  /** How often it was decided: once, and once more for each time that another writer was first. */
  readonly decisions: number
  /** The metadata field `traceparent`, if it is one. */
  readonly traceparent?: string
}

/** One append to the journal: what several dispatches share. */
export interface AppendEvent extends EventOf<'append'> {
  /** `conflict`: another writer was first. `withdrawn`: `within` failed. */
  readonly outcome: 'durable' | 'conflict' | 'withdrawn' | 'failed'
  readonly code?: string
  /** How many records it had. */
  readonly records: number
  readonly duration: number
  /** How much of it the disk took to make the records durable, if the journal measures that. */
  readonly sync?: number
  /** Dispatches that wait to be durable: those in this append and those that came meanwhile. */
  readonly pending: number
}

/** A store was opened. */
export interface ReplayEvent extends EventOf<'replay'> {
  readonly records: number
  /** Finding the beginning and replaying, without opening the journal. */
  readonly duration: number
  /** Whether the records went through Immer, which is slower. `store.recovery.fallback` says why. */
  readonly fallback: boolean
  /** The snapshot that the replay began with. */
  readonly snapshot?: number
}

export interface SnapshotEvent extends EventOf<'snapshot'> {
  readonly outcome: 'written' | 'failed'
  readonly code?: string
  readonly seq?: number
  readonly bytes?: number
  readonly duration: number
}

export interface CompactionEvent extends EventOf<'compaction'> {
  readonly outcome: 'written' | 'failed'
  readonly code?: string
  readonly seq?: number
  /** The journal's size in bytes, before and after. */
  readonly before?: number
  readonly bytes?: number
  readonly duration: number
}

/** Records of other writers were applied. */
export interface FollowEvent extends EventOf<'follow'> {
  readonly records: number
  /** The last of them. */
  readonly seq: number
  /** From its `at`, by its writer's clock, until now, by ours; never negative. */
  readonly lag: number
  /** Dispatches that were decided again on top of them. */
  readonly decidedAgain: number
}

/** An engine answered after attempts that had failed. */
export interface ReconnectEvent extends EventOf<'reconnect'> {
  readonly attempts: number
  /** Since the first of them began. */
  readonly duration: number
}

/** The store takes no more dispatches, without having been closed. */
export interface StopEvent extends EventOf<'stop'> {
  readonly code: string
}

/** What the core calls. */
export interface CoreObserver {
  append(journal: Journal, batch: readonly NewEntry[], expected: number): Promise<AppendResult>
  /** Records of other writers came, and this many requests have to be decided again. */
  followed(theirs: readonly { readonly meta: Meta }[], again: number): void
}

/** What a journal calls. */
export interface JournalObserver {
  /** After this many attempts that failed. `duration`: milliseconds since the first of them began. */
  reconnected(attempts: number, duration: number): void
}

/** What a decision calls, if its dispatch is measured. */
export interface Stopwatch {
  /** A decision begins; what an earlier one noted is void. */
  decide(): void
  check(type: string): void
  draft(): void
  done(): void
}
