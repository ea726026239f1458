// A topic that is open: its partitions, and the groups that consume it.
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nodeFileSystem } from 'ministore-ts/file'
import { openPartition } from '../messages/partition.ts'
import type { NewMessage, Partition, PartitionOptions } from '../messages/types.ts'
import type { MetadataStore } from '../metadata/definition.ts'
import { BrokerError } from './errors.ts'
import { LiveGroup } from './group.ts'
import { partitionOf } from './router.ts'
import type { Published } from './types.ts'

/** What a topic's files are called by. The id keeps a topic of the same name from reading the old one's messages. */
export interface TopicName {
  readonly id: number
  readonly name: string
}
export const directoryOf = (directory: string, { id, name }: TopicName): string =>
  join(directory, 'topics', `${id}-${name}`)
export const partitionDirectory = (topicDirectory: string, index: number): string =>
  join(topicDirectory, `p${index}`)

export class LiveTopic implements TopicName {
  readonly id: number
  readonly name: string
  readonly directory: string
  readonly partitions: Partition[] = []
  readonly groups = new Map<string, LiveGroup>()
  readonly #store: MetadataStore
  #turn = 0

  constructor(store: MetadataStore, directory: string, { id, name }: TopicName) {
    this.#store = store
    this.id = id
    this.name = name
    this.directory = directoryOf(directory, { id, name })
  }

  /** Opens, and makes where they are missing, all partitions that the metadata has: all or none. */
  async open(options: PartitionOptions): Promise<void> {
    const { logStart = [], maxMessageBytes } = this.#store.state.topics.get(this.name) ?? {}
    const missing = [...logStart.entries()].slice(this.partitions.length)
    const opening = missing.map(([index, start]) => {
      const directory = partitionDirectory(this.directory, index)
      return openPartition(directory, { ...options, maxMessageBytes, logStart: start })
    })
    const settled = await Promise.allSettled(opening)
    const opened = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = settled.find((each) => each.status === 'rejected')
    if (failed) {
      await Promise.all(opened.map((partition) => partition.close()))
      throw failed.reason
    }
    this.partitions.push(...opened)
    for (const group of this.groups.values()) group.extend(this.partitions)
  }

  /** The live one, or one that may become it. */
  group(name: string): LiveGroup {
    return this.groups.get(name) ?? new LiveGroup(this.#store, this.name, name, this.partitions)
  }

  /** Throws BrokerError `no_such_partition`. */
  partition(index: number): Partition {
    const partition = this.partitions[index]
    if (partition) return partition
    const most = this.partitions.length - 1
    const what = `topic ${this.name} has the partitions 0 to ${most}, and not ${index}`
    throw new BrokerError('no_such_partition', what, { details: { partition: index } })
  }

  /** A key decides; without one, partitions take turns. */
  choose(key: string | undefined): number {
    if (key !== undefined) return partitionOf(key, this.partitions.length)
    const index = this.#turn % this.partitions.length
    this.#turn = index + 1
    return index
  }

  /** One append for each partition. Resolves when all are durable, in the order of the messages. */
  async publish(messages: readonly NewMessage[], indexes: readonly number[]): Promise<Published[]> {
    const parts = new Map<number, number[]>()
    for (const [place, index] of indexes.entries())
      parts.set(index, [...(parts.get(index) ?? []), place])
    const published: Published[] = []
    const appends = [...parts].map(async ([partition, places]) => {
      const part = places.flatMap((place) => messages[place] ?? [])
      const first = await this.partition(partition).append(part)
      for (const [nth, place] of places.entries())
        published[place] = { partition, offset: first + nth }
      for (const group of this.groups.values()) group.wake(partition)
    })
    const settled = await Promise.allSettled(appends)
    for (const each of settled) if (each.status === 'rejected') throw each.reason
    return published
  }

  /** Ends its consumers; waits for appends under way. */
  async close(error?: BrokerError): Promise<void> {
    for (const group of this.groups.values()) group.end(error)
    await Promise.all(this.partitions.map((partition) => partition.close()))
  }
}

/** Durably gone when it resolves. */
export async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await nodeFileSystem().syncDir(dirname(path))
}
