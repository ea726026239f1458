// Step 4: listeners hear of durable records only, and cannot harm the store or each other.
import { isThenable } from '../mutation/result.ts'
import { committed } from '../record/decode.ts'
import type { Committed } from '../record/record.ts'
import type { AppliedRecord } from '../replay/replayed.ts'

export type Listener = (state: unknown, previous: unknown, records: readonly Committed[]) => unknown

export function publish(
  listeners: ReadonlySet<Listener>,
  record: AppliedRecord,
  previous: unknown,
  onError: (error: unknown) => void = console.error,
): void {
  if (listeners.size === 0) return
  const records = committed(record)
  // A command with a key may have dispatched nothing.
  if (records.length === 0) return
  // Those at the beginning, as far as they were not removed since.
  for (const listener of [...listeners]) {
    if (!listeners.has(listener)) continue
    try {
      const returned = listener(record.state, previous, records)
      if (isThenable(returned)) returned.then(undefined, onError)
    } catch (error) {
      onError(error)
    }
  }
}
