// What a journal with other writers adds to a store: their records come first, and what was decided
// without them is decided again.
import { forget, remember } from '../record/keys.ts'
import { advance, readDecoded } from '../replay/index.ts'
import type {
  Asked,
  Decoded,
  Definition,
  Journal,
  Live,
  Pending,
  Settled,
  Waiting,
} from '../types.ts'

/** A store that is open, and what it does with a dispatch and with a record that is durable. */
export interface Follower {
  readonly definition: Definition
  readonly journal: Journal
  readonly live: Live
  decide(asked: Asked): Pending
  accept(record: Settled): void
}

/** All that is durable by now. Throws StoreError as the journal and `decode` do. */
export async function catchUp(follower: Follower): Promise<void> {
  const { definition, journal, live } = follower
  // First: whoever asks for it again while this reads may mean records that it does not meet.
  live.isBehind = false
  try {
    for await (const records of readDecoded(definition, journal, undefined, live.durable.seq))
      rebase(follower, records)
  } catch (error) {
    live.isBehind = true
    throw error
  }
}

/** What others append, when they do. `idle` waits while ours are in the air: a conflict tells the same then. */
export async function follow(
  follower: Follower,
  signal: AbortSignal,
  idle: () => Promise<void>,
): Promise<void> {
  const { definition, journal, live } = follower
  const read = (after: number) => journal.follow?.(after, signal) ?? []
  const source = { name: journal.name, read }
  for await (const records of readDecoded(definition, source, undefined, live.durable.seq)) {
    await idle()
    rebase(follower, records)
  }
}

/** In one go, so that `head` is at any time what the durable records and then ours give. */
function rebase({ live, decide, accept }: Follower, records: Iterable<Decoded>): void {
  const { keys } = live
  const theirs: Settled[] = []
  for (const { record } of [...live.group, ...live.queue]) forget(keys, record)
  live.head = live.durable
  try {
    for (const record of advance(live.head, records)) {
      remember(keys, record)
      theirs.push(record)
      live.head = { state: record.state, seq: record.meta.seq }
    }
  } finally {
    const again = (waiting: Waiting) => redo(waiting, decide)
    live.group = live.group.filter(again)
    live.queue = live.queue.filter(again)
    theirs.forEach(accept)
  }
}

/** Whether it still waits: what is refused on the newer state has its answer. */
function redo(waiting: Waiting, decide: Follower['decide']): boolean {
  try {
    Object.assign(waiting, { record: undefined, ...decide(waiting) })
    return true
  } catch (error) {
    waiting.reject(error)
    return false
  }
}
