// One thing that a check found.
import type { z } from 'zod'
import type { StateDiff } from '../diff/change.ts'

/** Stable; docs/guides/replay-check.md says for each what it means and what to do. */
export type CheckRule =
  | 'unreadable' // the journal cannot be opened, or a record cannot be read
  | 'wrong_store' // a journal of another store
  | 'torn_write' // the journal ends in a write that was cut off: harmless
  | 'unknown_mutation' // a record has a mutation that the definition lost
  | 'upcast_failed' // an upcaster cannot handle an old payload
  | 'invalid_payload' // today's schema refuses a recorded payload, or reads it as another
  | 'apply_failed' // a reducer threw
  | 'payload_changed' // a reducer writes to its payload
  | 'impure' // a reducer, an upcaster or a schema depends on a clock, random numbers or the host
  | 'nondeterministic' // one gave two different results, and no source is known
  | 'not_in_place' // a reducer that opening cannot replay in place: slower, otherwise harmless
  | 'not_a_tree' // an object is reachable twice in the state
  | 'invalid_state' // the state is not JSON, or does not fit its schema
  | 'digest_mismatch' // the state has another digest than the recorded or expected one
  | 'other_recording' // the baseline belongs to another journal
  | 'lost_records' // the journal has no records, or fewer than its baseline covers
  | 'not_compared' // there is no baseline or no schema lock, and the check requires one
  | 'snapshot_mismatch' // the snapshot beside the journal is not what its records give
  | 'schema_changed' // the schema lock does not hold any more
  | 'not_covered' // no journal has this mutation, version or command

// no journal has this mutation, version or command

export type Severity = 'error' | 'warning' | 'note'

/** One thing that a check found. */
export interface Finding {
  readonly rule: CheckRule
  readonly severity: Severity
  /** What happened, and what to do next. File, line and seq stand beside it. */
  readonly message: string
  /** The journal, or the file that it is about. */
  readonly file: string
  /** From 1, where known. */
  readonly line?: number | undefined
  readonly seq?: number | undefined
  /** The mutation's name. */
  readonly type?: string | undefined
  /** How many further records have the same finding. */
  readonly repeated?: number | undefined
  /** What the schema says, for `invalid_payload`. */
  readonly issues?: readonly z.core.$ZodIssue[] | undefined
  /** For `digest_mismatch`. */
  readonly expected?: string | undefined
  readonly actual?: string | undefined
  /** The state around it. */
  readonly diff?: StateDiff | undefined
}
