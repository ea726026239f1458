// What a readiness endpoint answers with.
import type { Journal } from '../port/journal.ts'
import type { StoreCore } from '../store/store.ts'

/** How an open store is: plain JSON, without anything of the state. */
export interface Health {
  /** Whether it takes dispatches. */
  readonly open: boolean
  /** Why it does not: `closed`, or what broke. */
  readonly stopped?: { readonly code: string; readonly message: string }
  /** The last durable record, and its time (ISO 8601); neither is there for an empty journal but `seq` 0. */
  readonly seq: number
  readonly lastRecordAt?: string
  /** How many requests wait until they are durable. */
  readonly pending: number
  /** The last state that the journal keeps: the next opening replays the `records` that came after it. */
  readonly snapshot?: { readonly seq: number; readonly at?: string; readonly records: number }
  /**
   * Only of a journal that others write too. `caughtUp`: nothing is known of records that the state lacks. `lag`: how many
   * milliseconds old the last record of another writer was when it was applied.
   */
  readonly follow?: { readonly caughtUp: boolean; readonly lag?: number }
}

export interface KeptState {
  readonly seq: number
  readonly at: string | undefined
}

export function healthOf(
  journal: Journal,
  { durable: { seq, at }, stopped, pending, isBehind }: StoreCore,
  kept: KeptState | undefined,
  lag: number | undefined,
): Health {
  const late = lag === undefined ? {} : { lag }
  return {
    open: stopped === undefined,
    ...(stopped && { stopped: { code: stopped.code, message: stopped.message } }),
    seq,
    ...(at !== '' && { lastRecordAt: at }),
    pending,
    ...(kept && {
      snapshot: { seq: kept.seq, ...(kept.at && { at: kept.at }), records: seq - kept.seq },
    }),
    ...(journal.follow && { follow: { caughtUp: !isBehind, ...late } }),
  }
}
