// What each operation does with the broker.
import type { Broker } from '../broker/types.ts'
import { type Args, type Data, type Operation, PROTOCOL_VERSION } from './protocol.ts'
import type { Subscriptions } from './subscriptions.ts'
import { groupData, retentionSettings, statsData, topicData } from './wire.ts'

export interface OperationsContext {
  readonly broker: Broker
  readonly subscriptions: Subscriptions
  readonly connections: () => number
}
export type Operations = {
  readonly [Op in Operation]: (args: Args[Op]) => Data[Op] | Promise<Data[Op]>
}

export const operationsOf = ({
  broker,
  subscriptions,
  connections,
}: OperationsContext): Operations => ({
  // A connection that has to show its token has done so before anything comes here.
  auth: () => ({}),
  ping: () => ({ protocol: PROTOCOL_VERSION }),

  async topic_create({ topic, partitions, max_message_bytes: maxMessageBytes, ...retention }) {
    const settings = retentionSettings({ topic, ...retention })
    return topicData(await broker.createTopic(topic, { partitions, maxMessageBytes, ...settings }))
  },
  topic_list: () => ({ topics: broker.listTopics().map(topicData) }),
  topic_describe: ({ topic }) => topicData(broker.describeTopic(topic)),
  topic_set_retention: async (args) =>
    topicData(await broker.setRetention(args.topic, retentionSettings(args))),
  topic_add_partitions: async ({ topic, count }) =>
    topicData(await broker.addPartitions(topic, count)),
  async topic_delete({ topic }) {
    await broker.deleteTopic(topic)
    return {}
  },

  publish: ({ topic, partition, key, body_b64: body }) =>
    broker.publish(topic, { partition, key: key ?? undefined, body }),
  async publish_batch({ topic, messages }) {
    const batch = messages.map(({ key, body_b64: body }) => ({ key: key ?? undefined, body }))
    return { published: await broker.publishBatch(topic, batch) }
  },

  subscribe: (args) => subscriptions.subscribe(args),
  unsubscribe: (args) => subscriptions.unsubscribe(args),
  ack({ partition, offsets, ...place }) {
    if ('sub' in place) return subscriptions.ack(place.sub, partition, offsets)
    return broker.ack({ ...place, partition }, offsets)
  },
  nack: (args) => subscriptions.nack(args),
  seek: ({ to, ...place }) => broker.seek(place, to),

  groups: () => ({ groups: broker.listGroups().map(groupData) }),
  async group_delete({ group }) {
    await broker.deleteGroup(group)
    return {}
  },
  stats: () => statsData(broker.stats(), connections()),
  async retention() {
    const removed = await broker.enforceRetention()
    return {
      removed: removed.map(({ logStart: log_start, ...rest }) => ({ ...rest, log_start })),
    }
  },
  async compact() {
    await broker.compact()
    return {}
  },
})
