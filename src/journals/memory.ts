// The journal in memory: for tests, and as the plainest example of the port.
import { StoreError } from '../errors.ts'
import type { Entry, Journal } from '../port/journal.ts'

/** Lives as long as its object. `texts`: records as JSON, such as another journal's `entries`. */
export function memoryJournal(
  texts: Iterable<string> = [],
  name = 'memory',
): Journal & { readonly entries: readonly Entry[] } {
  const entries = Array.from(texts, (text, index) => ({ seq: index + 1, text }))
  const epoch = globalThis.crypto.randomUUID()
  let owner: string | undefined
  let isClosed = false
  const assertOpen = () => {
    if (isClosed) throw new StoreError('closed', `${name} is closed: open it again`, { path: name })
  }
  return {
    name,
    entries,
    maxEntryBytes: 2 ** 24,
    async open(store) {
      if (owner !== undefined && owner !== store) {
        const whose = `${name} is the journal of ${JSON.stringify(owner)}, not of ${JSON.stringify(store)}`
        throw new StoreError('wrong_store', whose, { path: name })
      }
      const created = owner === undefined && entries.length === 0
      owner = store
      isClosed = false
      return { epoch, head: entries.length, created }
    },
    async append(batch, expected) {
      assertOpen()
      if (expected !== entries.length) return { ok: false, head: entries.length }
      for (const { text } of batch) entries.push({ seq: entries.length + 1, text })
      return { ok: true, seq: entries.length }
    },
    async *read(after, { to = entries.length } = {}) {
      assertOpen()
      if (after < to) yield entries.slice(after, to)
    },
    async close() {
      isClosed = true
    },
  }
}
