// What a journal with other writers adds to a store: their records come first, and what was decided
// without them is decided again.

import type { Definition } from '../mutation/spec.ts'
import type { Journal } from '../port/journal.ts'
import { forget, remember } from '../record/keys.ts'
import type { Decoded } from '../record/record.ts'
import { advance, decodeBehind, headOf, readDecoded } from '../replay/index.ts'
import type { Settled } from '../replay/replayed.ts'
import type { Asked, Live, Pending, Waiting } from './pending.ts'

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

/** What others append, when they do. `getFlushing`: what has something of ours in the air, if anything has. */
export async function follow(
  follower: Follower,
  signal: AbortSignal,
  getFlushing: () => Promise<void> | undefined,
): Promise<void> {
  const { definition, journal, live } = follower
  for await (const entries of journal.follow?.(live.durable.seq, signal) ?? []) {
    // Ours come back as well. And while some are in the air, a conflict tells what others did.
    const isNews = () => (entries.at(-1)?.seq ?? 0) > live.durable.seq
    while (isNews() && getFlushing() !== undefined) await getFlushing()
    if (isNews()) rebase(follower, decodeBehind(definition, journal, entries, live.durable.seq))
  }
}

/** In one go, so that `head` is at any time what the durable records and then ours give. */
function rebase(follower: Follower, records: Iterable<Decoded>): void {
  const theirs: Settled[] = []
  try {
    for (const record of advance(follower.live.durable, records)) theirs.push(record)
  } finally {
    // What there is before one that does not fit is durable all the same.
    if (theirs.length > 0) insert(follower, theirs)
  }
}

function insert({ live, decide, accept }: Follower, theirs: readonly Settled[]): void {
  const { keys } = live
  for (const { record } of [...live.group, ...live.queue]) forget(keys, record)
  for (const record of theirs) {
    remember(keys, record)
    live.head = headOf(record)
  }
  decideAgain(live, decide)
  theirs.forEach(accept)
}

/** The first record of the group has failed alone: all that was decided on top of it is decided again. */
export function withdraw({ live, decide }: Follower, cause: unknown): void {
  for (const { record } of [...live.group, ...live.queue]) forget(live.keys, record)
  const first = live.group.findIndex(({ record }) => record)
  for (const { reject } of live.group.splice(first, 1)) reject(cause)
  live.head = live.durable
  decideAgain(live, decide)
}

function decideAgain(live: Live, decide: Follower['decide']): void {
  live.group = live.group.filter((waiting) => redo(waiting, decide))
  live.queue = live.queue.filter((waiting) => redo(waiting, decide))
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
