// Why the metadata plane says no. The codes are the broker's, and the protocol's; the sentences are for people.
import { reject } from 'ministore-ts'

interface Place {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

export const topicExists = (topic: string) =>
  reject('topic_exists', { topic }, `there is a topic ${topic} already`)

export const noSuchTopic = (topic: string) =>
  reject('no_such_topic', { topic }, `there is no topic ${topic}`)

export const noSuchPartition = (topic: string, partition: number) =>
  reject('no_such_partition', { topic, partition }, `${topic} has no partition ${partition}`)

export const notMorePartitions = (partitions: number) =>
  reject(
    'not_more_partitions',
    { partitions },
    `there are ${partitions} partitions, and they can only become more`,
  )

export const groupExists = (group: string) =>
  reject('group_exists', { group }, `there is a group ${group} already`)

export const noSuchGroup = (group: string) =>
  reject('no_such_group', { group }, `there is no group ${group}`)

export const groupInUse = (group: string, consumers: number) =>
  reject('group_in_use', { group, consumers }, `${group} has ${consumers} live consumers`)

export const notSubscribed = ({ group, topic, partition }: Place) =>
  reject(
    'not_subscribed',
    { group, topic, partition },
    `${group} is not subscribed to partition ${partition} of ${topic}`,
  )

export const beyondEnd = (offset: number, end: number) =>
  reject('beyond_end', { offset, end }, `offset ${offset} is not there yet: the next one is ${end}`)

export const outOfRange = (start: number, end?: number) =>
  reject(
    'out_of_range',
    { start, ...(end !== undefined && { end }) },
    `this offset is not there: the first one is ${start}${end === undefined ? '' : `, the next new one ${end}`}`,
  )

export const tooManyGaps = (most: number) =>
  reject(
    'too_many_gaps',
    { most },
    `more than ${most} acknowledged ranges with gaps between them: acknowledge older messages first`,
  )
