// Step 3: records → durable. The port itself is in types.ts; what it does to a state is in replay/.
import { StoreError } from './errors.ts'
import type { Journal, NewEntry, Pending } from './types.ts'

/**
 * Appends what the group decided, which may be nothing, and returns the seq up to which the journal
 * took it. Throws StoreError as the journal does, and `io` where another writer was first.
 */
export async function append(
  journal: Journal,
  group: readonly Pending[],
  expected: number,
): Promise<number> {
  const entries: NewEntry[] = []
  for (const { record } of group) if (record) entries.push({ text: record.text })
  if (entries.length === 0) return expected
  const appended = await journal.append(entries, expected)
  if (appended.ok && appended.seq > expected) return appended.seq
  throw new StoreError('io', `another writer appended to ${journal.name}: not written`)
}
