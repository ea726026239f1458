// What the broker says, in the protocol's words.
import { BrokerError } from '../broker/errors.ts'
import type {
  BrokerStats,
  Delivery,
  Gap,
  GroupInfo,
  RetentionSettings,
  TopicInfo,
} from '../broker/types.ts'
import type { Args, Data, Event, WireError } from './protocol.ts'

export const retentionSettings = (args: Args['topic_set_retention']): RetentionSettings => ({
  retentionMs: args.retention_ms,
  retentionBytes: args.retention_bytes,
  keepUnacked: args.keep_unacked,
})

export const topicData = (topic: TopicInfo): Data['topic_describe'] => ({
  topic: topic.name,
  id: topic.id,
  partitions: topic.partitions,
  retention_ms: topic.retentionMs,
  retention_bytes: topic.retentionBytes,
  keep_unacked: topic.keepUnacked,
  max_message_bytes: topic.maxMessageBytes,
  created_at: topic.createdAt,
  log: topic.log.map(({ start, end, bytes }) => ({ start, end, bytes })),
})

export const groupData = (info: GroupInfo): Data['groups']['groups'][number] => ({
  group: info.group,
  created_at: info.createdAt,
  subscriptions: info.subscriptions.map(({ topic, consumers, cursors }) => ({
    topic,
    consumers,
    cursors: cursors.map(({ next, ahead, lag }) => ({
      next,
      ahead: ahead.map(([from, to]): [number, number] => [from, to]),
      lag,
    })),
  })),
})

export const statsData = (stats: BrokerStats, connections: number): Data['stats'] => ({
  topics: stats.topics,
  groups: stats.groups,
  consumers: stats.consumers,
  in_flight: stats.inFlight,
  bytes: stats.bytes,
  connections,
  metadata: {
    seq: stats.metadata.seq,
    records_since_compaction: stats.metadata.recordsSinceCompaction,
  },
})

export function deliveryEvent(sub: string, item: Delivery | Gap): Event {
  const { topic, partition } = item
  if (item.type === 'gap') {
    return { event: 'gap', sub, topic, partition, from: item.from, to: item.to }
  }
  const { offset, ts, key = null, redelivered } = item
  const body_b64 = item.body.toString('base64')
  return { event: 'message', sub, topic, partition, offset, ts, key, body_b64, redelivered }
}

/** What is no BrokerError is a bug, or a broken disk: its text is for the server's own log. */
export function wireError(error: unknown, onError: (error: unknown) => void): WireError {
  if (error instanceof BrokerError) {
    const { code, message, details } = error
    return details === undefined ? { code, message } : { code, message, details }
  }
  onError(error)
  return { code: 'internal', message: "something broke; the server's log has more" }
}
