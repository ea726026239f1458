// The durable records as an async iterator.
import type { Committed, Core, Definition, Journal, RecordsOptions } from '../index.ts'
import { committed, decode, StoreError } from '../index.ts'

/**
 * The durable records, read from the journal as they are asked for: a slow reader costs no memory.
 * With `follow`, closing the store ends it; without, one that is not through throws `closed`.
 * Throws the signal's reason; StoreError as `decode` and the journal do.
 */
export async function* readRecords(
  definition: Definition,
  journal: Journal,
  core: Core,
  { after = 0, until = Number.POSITIVE_INFINITY, follow = false, signal }: RecordsOptions = {},
): AsyncGenerator<Committed, void, undefined> {
  if (!Number.isInteger(after) || after < 0 || Number.isNaN(until))
    throw new TypeError(`records({ after: ${after}, until: ${until} }): these are no seqs`)
  const stopped = core.getStopped()
  if (stopped?.code === 'closed') throw stopped
  for (let seq = after; ; ) {
    signal?.throwIfAborted()
    const to = Math.min(until, core.getHead().seq)
    try {
      for await (const entries of journal.read(seq, { to })) {
        for (const entry of entries) {
          for (const record of committed(decode(definition, entry))) {
            yield record
            signal?.throwIfAborted()
          }
          seq = entry.seq
        }
      }
    } catch (error) {
      if (follow && error instanceof StoreError && error.code === 'closed') return
      throw error
    }
    const { code } = core.getStopped() ?? {}
    if (!follow || seq >= until || code === 'closed') return
    signal?.throwIfAborted()
    if (core.getHead().seq > seq) continue
    // There will be no more.
    if (code !== undefined) throw core.getStopped()
    await nextCommit(core, signal)
  }
}

/** Resolves at the next commit, or when the store closes; rejects with the signal's reason. */
function nextCommit({ listeners, closers }: Core, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      listeners.delete(done)
      closers.delete(done)
      signal?.removeEventListener('abort', abort)
      resolve()
    }
    const abort = () => {
      reject(signal?.reason)
      done()
    }
    listeners.add(done)
    closers.add(done)
    signal?.addEventListener('abort', abort)
  })
}
