// A record that was decided, as a journal takes it, with what is written together with it.
import type { Meta } from '../mutation/spec.ts'
import type { Awaitable, NewEntry, SqlTransaction } from '../port/journal.ts'
import type { AppliedRecord } from '../replay/replayed.ts'
import type { Immutable } from '../table/immutable.ts'

/** The record that is about to be committed. */
export interface WithinRecord<S = unknown> extends Meta {
  /** With this record applied. */
  readonly state: Immutable<S>
}

/** As a method, so that its parameter may be declared as the `PoolClient` that it is. */
export type Within<S = unknown> = {
  run(transaction: SqlTransaction, record: WithinRecord<S>): Awaitable<unknown>
}['run']

/** What is written together with the record sees it as it is decided now. */
export function entryOf(
  record: AppliedRecord & { readonly text: string },
  within?: Within,
): NewEntry {
  const { text, meta, state } = record
  if (!within) return { text }
  return { text, within: (transaction) => within(transaction, { ...meta, state: state as never }) }
}
