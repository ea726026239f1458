// Step 3: records → durable. The port itself is in port/; what the store makes of the answer is in store/.
import { StoreError } from '../errors.ts'
import type { Meta } from '../mutation/spec.ts'
import type { AppendResult, Awaitable, Journal, NewEntry, SqlTransaction } from '../port/journal.ts'
import type { CoreObserver } from '../port/observer.ts'
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
function entryOf(record: AppliedRecord & { readonly text: string }, within?: Within): NewEntry {
  const { text, meta, state } = record
  if (!within) return { text }
  return { text, within: (transaction) => within(transaction, { ...meta, state: state as never }) }
}

/** What one dispatch appends: its record, if it has one, and what is written together with it. */
interface Appended {
  readonly record?: (AppliedRecord & { readonly text: string }) | undefined
  readonly options: { readonly within?: Within | undefined }
}

/**
 * Appends what the group decided, which may be nothing. Throws StoreError as the journal does, and `io` if another
 * writer was first although the journal has one.
 */
export async function append(
  journal: Journal,
  group: readonly Appended[],
  expected: number,
  observer?: CoreObserver,
): Promise<AppendResult> {
  const entries: NewEntry[] = []
  for (const { record, options } of group) if (record) entries.push(entryOf(record, options.within))
  // A shared one shall hear that nothing is left, so no one comes too late any more.
  if (entries.length === 0 && !journal.follow) return { ok: true, seq: expected }
  const appended = await (observer
    ? observer.append(journal, entries, expected)
    : journal.append(entries, expected))
  if (appended.ok && (appended.seq > expected || entries.length === 0)) return appended
  if (journal.follow && !appended.ok) return appended
  throw new StoreError('io', `another writer appended to ${journal.name}: not written`)
}

/** Whether the journal can be asked later: a shared one comes back, and then says what it has. */
export const isPassing = (journal: Journal, { code }: StoreError): boolean =>
  journal.follow !== undefined && (code === 'unavailable' || code === 'unknown')

/** The error for every request that was queued after the append that failed. */
export function refusal(journal: Journal, error: StoreError, seq: number): StoreError {
  const since = isPassing(journal, error) ? 'failed at' : 'takes no dispatches since'
  const what = `not written: ${journal.name} ${since} seq ${seq} (${error.message})`
  const certain = journal.follow ? 'unavailable' : 'io'
  const code = error.code === 'unknown' ? certain : error.code
  return new StoreError(code, what, { path: error.path, cause: error })
}
