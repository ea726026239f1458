// What a replay begins with, and what it gives.
import type { Snapshot, StateAt } from '../port/snapshots.ts'
import type { Decoded } from '../record/record.ts'

export interface ReplayedState extends StateAt {
  /** How many there were. */
  readonly records: number
  readonly fallback?: string
}

/** Where a replay begins, if not at the initial state: read again for each replay, so that each has its own. */
export type ReplayOrigin = () => Promise<Snapshot>

/** A record with the state that it gives. */
export type AppliedRecord = Decoded & { readonly state: unknown }
