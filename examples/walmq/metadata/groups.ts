// What can happen to consumer groups and to their cursors.
import { type Immutable, mutationsFor, reject } from 'ministore-ts'
import { table } from 'ministore-ts/table'
import { z } from 'zod'
import { acknowledged, cursorAt, type ReadonlyCursor } from './cursor.ts'
import {
  groupExists,
  noSuchGroup,
  noSuchTopic,
  notSubscribed,
  outOfRange,
  tooManyGaps,
} from './refusals.ts'
import type { Gap, Metadata, Subscription } from './state.ts'
import { topicName } from './topics.ts'

/** Acknowledged ranges with gaps between them that one cursor may have. */
export const MAX_GAPS = 10_000

export const groupName: z.ZodString = topicName
export const offset: z.ZodInt = z.int().min(0)
/** Both ends are in it. */
const range = z.tuple([offset, offset]).refine(([from, to]) => from <= to, 'from is above to')
export const ranges: z.ZodArray<typeof range> = z.array(range).min(1).max(1000)

const place = { group: groupName, topic: topicName, partition: offset }

export const groupMutations = mutationsFor<Metadata>()({
  createGroup: {
    payload: z.object({ group: groupName }),
    guard: ({ groups }, { group }) => (groups.has(group) ? groupExists(group) : undefined),
    apply: (draft, { group }, { at }) =>
      void draft.groups.set(group, { createdAt: at, subscriptions: table<Subscription>() }),
  },

  deleteGroup: {
    payload: z.object({ group: groupName }),
    guard: ({ groups }, { group }) => (groups.has(group) ? undefined : noSuchGroup(group)),
    apply: (draft, { group }) => void draft.groups.delete(group),
  },

  // Cursors are numbers here: where "latest" is, a replay could not know.
  subscribe: {
    payload: z.object({
      group: groupName,
      topic: topicName,
      topicId: z.int().positive(),
      cursors: z.array(offset),
    }),
    guard({ topics, groups }, { group, topic, topicId, cursors }) {
      const found = topics.get(topic)
      if (found?.id !== topicId || found.partitions !== cursors.length) return noSuchTopic(topic)
      const below = found.logStart.findIndex((start, index) => (cursors[index] ?? 0) < start)
      if (below >= 0) return outOfRange(found.logStart[below] ?? 0)
      const subscriptions = groups.get(group)?.subscriptions
      if (!subscriptions) return noSuchGroup(group)
      return subscriptions.has(topic) ? reject('already_subscribed', { group, topic }) : undefined
    },
    apply(draft, { group, topic, topicId, cursors }) {
      const subscription = { topicId, cursors: cursors.map(cursorAt), gaps: [] }
      draft.groups.get(group)?.subscriptions.set(topic, subscription)
    },
  },

  ack: {
    payload: z.object({ ...place, ranges }),
    guard(state, { ranges, ...where }) {
      const cursor = cursorOf(state, where)
      if (!cursor) return notSubscribed(where)
      const { ahead } = acknowledged(cursor, ranges)
      return ahead.length > 2 * MAX_GAPS ? tooManyGaps(MAX_GAPS) : undefined
    },
    apply(draft, { ranges, group, topic, partition }) {
      draft.groups.get(group)?.subscriptions.update(topic, ({ cursors }) => {
        const cursor = cursors[partition]
        if (cursor) cursors[partition] = acknowledged(cursor, ranges)
      })
    },
  },

  seek: {
    payload: z.object({ ...place, to: offset }),
    guard(state, { to, ...where }) {
      if (!cursorOf(state, where)) return notSubscribed(where)
      const start = state.topics.get(where.topic)?.logStart[where.partition] ?? 0
      return to < start ? outOfRange(start) : undefined
    },
    apply(draft, { group, topic, partition, to }) {
      draft.groups.get(group)?.subscriptions.update(topic, ({ cursors }) => {
        cursors[partition] = cursorAt(to)
      })
    },
  },

  // A consumer of the group is told of this gap, so that no other one is.
  tellGap: {
    payload: z.object({ ...place, from: offset, to: offset }),
    guard(state, { group, topic, ...gap }) {
      const gaps = subscriptionOf(state, { group, topic })?.gaps ?? []
      return gaps.some(isSame(gap)) ? undefined : reject('no_such_gap', gap)
    },
    apply(draft, { group, topic, ...gap }) {
      draft.groups.get(group)?.subscriptions.update(topic, ({ gaps }) => {
        const index = gaps.findIndex(isSame(gap))
        if (index >= 0) gaps.splice(index, 1)
      })
    },
  },
})

const isSame = (one: Gap) => (other: Gap) =>
  other.partition === one.partition && other.from === one.from && other.to === one.to

interface Place {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

export const subscriptionOf = (
  { groups }: Immutable<Metadata>,
  { group, topic }: Omit<Place, 'partition'>,
): Immutable<Subscription> | undefined => groups.get(group)?.subscriptions.get(topic)

export const cursorOf = (
  state: Immutable<Metadata>,
  { partition, ...where }: Place,
): ReadonlyCursor | undefined => subscriptionOf(state, where)?.cursors[partition]
