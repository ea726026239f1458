// What a replay begins with, and what it gives.
import type { Head, Snapshot } from '../port/snapshots.ts'
import type { Decoded } from '../record/record.ts'

export interface ReplayedHead extends Head {
  /** How many there were. */
  readonly records: number
  readonly fallback?: string
}

/** Where a replay begins, if not at the initial state: read anew for each, so that it is its own. */
export type Start = () => Promise<Snapshot>

/** A record with the state that it gives. */
export type Settled = Decoded & { readonly state: unknown }
