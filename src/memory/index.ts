// The journal in memory: for tests, and as the plainest example of the port.
import type { Entry, Journal } from '../types.ts'

/** Lives as long as its object. `texts`: records as JSON, such as another journal's `entries`. */
export function memoryJournal(
  texts: Iterable<string> = [],
  name = 'memory',
): Journal & { readonly entries: readonly Entry[] } {
  const entries = Array.from(texts, (text, index) => ({ seq: index + 1, text }))
  const epoch = globalThis.crypto.randomUUID()
  return {
    name,
    entries,
    maxEntryBytes: 2 ** 24,
    open: async () => ({ epoch, head: entries.length, created: entries.length === 0 }),
    async append(batch, expected) {
      if (expected !== entries.length) return { ok: false, head: entries.length }
      for (const { text } of batch) entries.push({ seq: entries.length + 1, text })
      return { ok: true, seq: entries.length }
    },
    async *read(after, { to = entries.length } = {}) {
      if (after < to) yield entries.slice(after, to)
    },
    async close() {},
  }
}
