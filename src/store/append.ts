// Step 3: records → durable. The port itself is in port/; what it does to a state is in replay/.
import { StoreError } from '../errors.ts'
import type { Journal, NewEntry } from '../port/journal.ts'
import type { Pending } from './pending.ts'

/**
 * Appends what the group decided, which may be nothing, and returns the seq up to which the journal
 * took it; undefined where another writer of a shared journal was first. Throws StoreError as the
 * journal does, and `io` where another writer was first although there can be none.
 */
export async function append(
  journal: Journal,
  group: readonly Pending[],
  expected: number,
): Promise<number | undefined> {
  const entries: NewEntry[] = []
  for (const { record } of group) if (record) entries.push({ text: record.text })
  // A shared one shall hear that nothing is left, so nobody comes too late any more.
  if (entries.length === 0 && !journal.follow) return expected
  const appended = await journal.append(entries, expected)
  if (appended.ok && (appended.seq > expected || entries.length === 0)) return appended.seq
  if (journal.follow && !appended.ok) return undefined
  throw new StoreError('io', `another writer appended to ${journal.name}: not written`)
}

/** Whether the journal can be asked later: a shared one comes back, and then says what it has. */
export const isPassing = (journal: Journal, { code }: StoreError): boolean =>
  journal.follow !== undefined && (code === 'unavailable' || code === 'unknown')

/** What everything hears that was behind the append that failed. */
export function refusal(journal: Journal, error: StoreError, seq: number): StoreError {
  const since = isPassing(journal, error) ? 'failed at' : 'takes no dispatches since'
  const what = `not written: ${journal.name} ${since} seq ${seq} (${error.message})`
  const certain = journal.follow ? 'unavailable' : 'io'
  const code = error.code === 'unknown' ? certain : error.code
  return new StoreError(code, what, { path: error.path, cause: error })
}
