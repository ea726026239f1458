// What can happen to topics.
import { mutationsFor, reject } from 'ministore-ts'
import { z } from 'zod'
import { cursorAt, movedUp, unacknowledged } from './cursor.ts'
import { noSuchPartition, noSuchTopic, notMorePartitions, topicExists } from './refusals.ts'
import type { Gap, Metadata } from './state.ts'

export const MAX_PARTITIONS = 256
export const MAX_MESSAGE_BYTES: number = 16 * 2 ** 20

export const topicName: z.ZodString = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/, '1 to 128 letters, digits, ".", "_" or "-"')
export const partitionCount: z.ZodInt = z.int().min(1).max(MAX_PARTITIONS)
const positive = z.int().positive()

export const retention = {
  retentionMs: positive.nullable(),
  retentionBytes: positive.nullable(),
  keepUnacked: z.boolean(),
}

export const topicMutations = mutationsFor<Metadata>()({
  createTopic: {
    payload: z.object({
      name: topicName,
      partitions: partitionCount.default(1),
      retentionMs: retention.retentionMs.default(null),
      retentionBytes: retention.retentionBytes.default(null),
      keepUnacked: retention.keepUnacked.default(false),
      maxMessageBytes: positive.max(MAX_MESSAGE_BYTES).default(2 ** 20),
    }),
    guard: ({ topics }, { name }) => (topics.has(name) ? topicExists(name) : undefined),
    apply(draft, { name, ...settings }, { at }) {
      const logStart = new Array<number>(settings.partitions).fill(0)
      draft.topics.set(name, { id: draft.nextTopicId, ...settings, logStart, createdAt: at })
      draft.nextTopicId += 1
    },
  },

  updateRetention: {
    payload: z.object({ name: topicName, ...retention }),
    guard: ({ topics }, { name }) => (topics.has(name) ? undefined : noSuchTopic(name)),
    apply(draft, { name, ...settings }) {
      draft.topics.update(name, (topic) => void Object.assign(topic, settings))
    },
  },

  addPartitions: {
    payload: z.object({ name: topicName, count: partitionCount }),
    guard({ topics }, { name, count }) {
      const topic = topics.get(name)
      if (!topic) return noSuchTopic(name)
      const { partitions } = topic
      return count > partitions ? undefined : notMorePartitions(partitions)
    },
    apply(draft, { name, count }) {
      draft.topics.update(name, (topic) => {
        topic.partitions = count
        while (topic.logStart.length < count) topic.logStart.push(0)
      })
      for (const { subscriptions } of draft.groups.values()) {
        subscriptions.update(name, ({ cursors }) => {
          while (cursors.length < count) cursors.push(cursorAt(0))
        })
      }
    },
  },

  // Messages below `logStart` are gone from here on. Their files are removed after this is durable.
  trimTopic: {
    payload: z.object({ name: topicName, partition: z.int().min(0), logStart: z.int().min(0) }),
    guard({ topics }, { name, partition, logStart }) {
      const start = topics.get(name)?.logStart[partition]
      if (start === undefined) return noSuchPartition(name, partition)
      return logStart > start ? undefined : reject('nothing_to_trim', { logStart: start })
    },
    apply(draft, { name, partition, logStart }) {
      draft.topics.update(name, (topic) => {
        topic.logStart[partition] = logStart
      })
      for (const { subscriptions } of draft.groups.values()) {
        subscriptions.update(name, ({ cursors, gaps }) => {
          const cursor = cursors[partition]
          if (!cursor) return
          for (const [from, to] of unacknowledged(cursor, logStart)) {
            addGap(gaps, { partition, from, to })
          }
          cursors[partition] = movedUp(cursor, logStart)
        })
      }
    },
  },

  // The topic is gone at once; its directory is removed after this is durable, and then purged here.
  deleteTopic: {
    payload: z.object({ name: topicName, topicId: positive }),
    guard({ topics }, { name, topicId }) {
      const isThere = topics.get(name)?.id === topicId
      return isThere ? undefined : noSuchTopic(name)
    },
    apply(draft, { name, topicId }) {
      draft.topics.delete(name)
      for (const { subscriptions } of draft.groups.values()) subscriptions.delete(name)
      draft.deleting.set(String(topicId), { name })
    },
  },

  purgeTopic: {
    payload: z.object({ topicId: positive }),
    guard: ({ deleting }, { topicId }) =>
      deleting.has(String(topicId)) ? undefined : reject('not_deleting', { topicId }),
    apply: (draft, { topicId }) => void draft.deleting.delete(String(topicId)),
  },
})

/** Retention goes upwards: a gap that follows the one before is the same gap. */
function addGap(gaps: Gap[], gap: Gap): void {
  const last = gaps.findLast(({ partition }) => partition === gap.partition)
  if (last?.to === gap.from - 1) last.to = gap.to
  else gaps.push(gap)
}
