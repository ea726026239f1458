// The metadata plane: one store. Mutations are facts; commands decide, and are told what only the
// message plane knows, such as where a partition ends.
import { commandsFor, defineStore, type StoreOf } from 'ministore-ts'
import { z } from 'zod'
import { acknowledged, firstUnacknowledged } from './cursor.ts'
import { cursorOf, groupMutations, groupName, offset, ranges, subscriptionOf } from './groups.ts'
import {
  beyondEnd,
  groupInUse,
  noSuchPartition,
  noSuchTopic,
  notSubscribed,
  outOfRange,
} from './refusals.ts'
import { emptyMetadata, type Metadata } from './state.ts'
import { retention, topicMutations, topicName } from './topics.ts'

const mutations = { ...topicMutations, ...groupMutations }
const place = { group: groupName, topic: topicName, partition: offset }
/** The offset after the last durable message. */
const end = offset

const commands = commandsFor<Metadata, typeof mutations>()({
  /** Leaves as it is what is not given. */
  setRetention: {
    input: z.object({ name: topicName, ...z.object(retention).partial().shape }),
    run(tx, { name, ...settings }) {
      const topic = tx.state.topics.get(name)
      if (!topic) return noSuchTopic(name)
      const { retentionMs = topic.retentionMs, retentionBytes = topic.retentionBytes } = settings
      const { keepUnacked = topic.keepUnacked } = settings
      tx.dispatch('updateRetention', { name, retentionMs, retentionBytes, keepUnacked })
      return undefined
    },
  },

  removeTopic: {
    input: z.object({ name: topicName }),
    run(tx, { name }) {
      const topic = tx.state.topics.get(name)
      if (!topic) return noSuchTopic(name)
      tx.dispatch('deleteTopic', { name, topicId: topic.id })
      return { topicId: topic.id }
    },
  },

  /** With its group, where that is new. A group that is subscribed already goes on where it was. */
  join: {
    input: z.object({
      group: groupName,
      topic: topicName,
      from: z.enum(['earliest', 'latest']),
      ends: z.array(end),
    }),
    run(tx, { group, topic, from, ends }) {
      const found = tx.state.topics.get(topic)
      if (!found) return noSuchTopic(topic)
      if (tx.state.groups.get(group)?.subscriptions.has(topic)) return { isNew: false }
      if (!tx.state.groups.has(group)) tx.dispatch('createGroup', { group })
      const cursors = from === 'earliest' ? [...found.logStart] : ends
      tx.dispatch('subscribe', { group, topic, topicId: found.id, cursors })
      return { isNew: true }
    },
  },

  /** What was acknowledged before changes nothing, and is not written again. */
  acknowledge: {
    input: z.object({ ...place, ranges, end }),
    run(tx, { ranges, end, ...where }) {
      const cursor = cursorOf(tx.state, where)
      if (!cursor) return notSubscribed(where)
      const beyond = ranges.find(([, to]) => to >= end)
      if (beyond) return beyondEnd(beyond[1], end)
      const isNews = ranges.some(([from, to]) => firstUnacknowledged(cursor, from) <= to)
      if (isNews) tx.dispatch('ack', { ...where, ranges })
      return { next: isNews ? acknowledged(cursor, ranges).next : cursor.next }
    },
  },

  moveTo: {
    input: z.object({ ...place, to: z.union([offset, z.enum(['earliest', 'latest'])]), end }),
    run(tx, { to, end, ...where }) {
      const start = tx.state.topics.get(where.topic)?.logStart[where.partition]
      if (start === undefined) return noSuchPartition(where.topic, where.partition)
      const next = to === 'earliest' ? start : to === 'latest' ? end : to
      if (next > end || next < start) return outOfRange(start, end)
      tx.dispatch('seek', { ...where, to: next })
      return { next }
    },
  },

  /**
   * Trims up to the highest of `ends`, which are where segments end. With `keepUnacked`, up to the highest
   * that every group has acknowledged.
   */
  retain: {
    input: z.object({ name: topicName, partition: offset, ends: z.array(end) }),
    run(tx, { name, partition, ends }) {
      const topic = tx.state.topics.get(name)
      const start = topic?.logStart[partition]
      if (!topic || start === undefined) return noSuchPartition(name, partition)
      let most = Number.POSITIVE_INFINITY
      if (topic.keepUnacked) {
        for (const group of tx.state.groups.keys()) {
          const cursor = cursorOf(tx.state, { group, topic: name, partition })
          most = Math.min(most, cursor?.next ?? most)
        }
      }
      const logStart = Math.max(start, ...ends.filter((one) => one <= most))
      if (logStart > start) tx.dispatch('trimTopic', { name, partition, logStart })
      return { logStart }
    },
  },

  /** The first gap that no one was told of: the caller has to tell it now. */
  takeGap: {
    input: z.object(place),
    run(tx, { group, topic, partition }) {
      const gaps = subscriptionOf(tx.state, { group, topic })?.gaps
      const gap = gaps?.find((one) => one.partition === partition)
      if (!gap) return { gap: undefined }
      tx.dispatch('tellGap', { group, topic, ...gap })
      return { gap }
    },
  },

  /** `consumers`: how many are connected. */
  removeGroup: {
    input: z.object({ group: groupName, consumers: z.int().min(0) }),
    run(tx, { group, consumers }) {
      if (consumers > 0) return groupInUse(group, consumers)
      tx.dispatch('deleteGroup', { group })
      return undefined
    },
  },
})

export type MetadataStore = StoreOf<typeof metadata>
export const metadata = defineStore({ name: 'walmq', state: emptyMetadata(), mutations, commands })
