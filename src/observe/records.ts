// The durable records as an async iterator.

import type { RecordsOptions } from '../define/open-store.ts'
import { StoreError } from '../errors.ts'
import type { CompiledDefinition } from '../mutation/spec.ts'
import type { Journal } from '../port/journal.ts'
import { committed, decode } from '../record/decode.ts'
import type { Committed } from '../record/record.ts'
import type { StoreCore } from '../store/store.ts'
import { onAbort } from './abort.ts'

/**
 * The durable records, read from the journal as they are asked for: a slow reader costs no memory.
 * With `follow`, closing the store ends it, and so does `return()`, also while a `next()` waits for the next
 * record. Without `follow`, an iteration that the closing interrupts throws `closed`.
 * Throws the signal's reason; StoreError as `decode` and the journal do.
 */
export function readRecords(
  definition: CompiledDefinition,
  journal: Journal,
  core: StoreCore,
  options: RecordsOptions = {},
): AsyncGenerator<Committed, void, undefined> {
  const ending = new AbortController()
  const records = read(definition, journal, core, options, ending.signal)
  // A generator answers in order: without this, `return()` would wait for a record that may never come.
  const ends = { return: records.return.bind(records), throw: records.throw.bind(records) }
  return Object.assign(records, {
    return(value?: void | PromiseLike<void>) {
      ending.abort()
      return ends.return(value)
    },
    throw(error: unknown) {
      ending.abort()
      return ends.throw(error)
    },
  })
}

async function* read(
  definition: CompiledDefinition,
  journal: Journal,
  core: StoreCore,
  { after = 0, until = Number.POSITIVE_INFINITY, follow = false, signal }: RecordsOptions,
  ended: AbortSignal,
): AsyncGenerator<Committed, void, undefined> {
  if (!Number.isInteger(after) || after < 0 || Number.isNaN(until))
    throw new TypeError(
      `records({ after: ${after}, until: ${until} }): these are not sequence numbers`,
    )
  const stopped = core.stopped
  if (stopped?.code === 'closed') throw stopped
  for (let seq = after; !ended.aborted; ) {
    signal?.throwIfAborted()
    const to = Math.min(until, core.durable.seq)
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
    const { code } = core.stopped ?? {}
    if (!follow || seq >= until || code === 'closed' || ended.aborted) return
    signal?.throwIfAborted()
    if (core.durable.seq > seq) continue
    // There will be no more.
    if (code !== undefined) throw core.stopped
    await nextCommit(core, ended, signal)
  }
}

/** Resolves at the next commit, when the store closes, or at an end; rejects with the signal's reason. */
function nextCommit(
  { listeners, closers }: StoreCore,
  ended: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      listeners.delete(done)
      closers.delete(done)
      for (const forget of waits) forget()
      resolve()
    }
    const waits = [onAbort(ended, done)]
    if (signal) {
      const abort = () => {
        reject(signal.reason)
        done()
      }
      waits.push(onAbort(signal, abort))
    }
    listeners.add(done)
    closers.add(done)
  })
}
