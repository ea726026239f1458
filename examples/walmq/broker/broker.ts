// A broker: the metadata plane and the message plane of one directory, together.
import { join } from 'node:path'
import type { NewMessage, PartitionOptions } from '../messages/types.ts'
import { rangesAhead, unacknowledged } from '../metadata/cursor.ts'
import { type MetadataStore, metadata } from '../metadata/definition.ts'
import { BrokerError } from './errors.ts'
import { Maintenance } from './maintenance.ts'
import { brokerOptions, parse, subscribeOptions } from './options.ts'
import { asBrokerError, refusing } from './refusal.ts'
import { enforceRetention, type Trimmed } from './retention.ts'
import { makeDirectory, type Started, start } from './start.ts'
import { LiveTopic, removeDirectory } from './topic.ts'
import type * as T from './types.ts'

/**
 * Opens the broker of this directory, and makes it where it is missing. Finishes what a crash interrupted.
 * Throws BrokerError: `locked`, `corrupt`, `data_loss`, `wrong_key`, `storage`, `invalid`.
 */
export async function openBroker(
  directory: string,
  options: T.BrokerOptions = {},
): Promise<T.Broker> {
  const { retentionEveryMs, compactEvery, now, onError } = parse(brokerOptions, options)
  const { segmentBytes, encryptionKey } = options
  const files: PartitionOptions = { segmentBytes, encryptionKey, now }
  await refusing(makeDirectory(directory))
  // Its lock is the directory's: the message plane needs none of its own.
  const store = await refusing(metadata.open(join(directory, 'metadata.jsonl'), { now }))
  try {
    const started = await start(store, directory, files)
    const maintenance = new Maintenance(store, compactEvery, onError)
    return new OpenBroker({
      directory,
      store,
      started,
      maintenance,
      files,
      now,
      retentionEveryMs,
      onError,
    })
  } catch (error) {
    await store.close()
    throw asBrokerError(error)
  }
}

interface Parts {
  readonly directory: string
  readonly store: MetadataStore
  readonly started: Started
  readonly maintenance: Maintenance
  readonly files: PartitionOptions
  readonly now: () => number
  readonly retentionEveryMs: number | null
  readonly onError: (error: unknown) => void
}

class OpenBroker implements T.Broker {
  readonly directory: string
  readonly recovery: T.Broker['recovery']
  readonly #store: MetadataStore
  readonly #topics: Map<string, LiveTopic>
  readonly #maintenance: Maintenance
  readonly #files: PartitionOptions
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout | undefined
  /** What changes which topics, partitions and consumers there are goes one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #retention: Promise<Trimmed[]> | undefined
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    const { started, retentionEveryMs, onError } = parts
    const { repairs, removed, made } = started
    this.directory = parts.directory
    this.recovery = { repairs, removed, made }
    this.#store = parts.store
    this.#topics = new Map(started.topics)
    this.#maintenance = parts.maintenance
    this.#files = parts.files
    this.#now = parts.now
    if (retentionEveryMs === null) return
    this.#timer = setInterval(() => {
      if (this.#retention === undefined) this.enforceRetention().catch(onError)
    }, retentionEveryMs).unref()
  }

  createTopic(name: string, settings: T.TopicSettings = {}): Promise<T.TopicInfo> {
    return this.#alone(async () => {
      await this.#store.dispatch('createTopic', { ...settings, name })
      const id = this.#store.state.topics.get(name)?.id ?? 0
      const topic = new LiveTopic(this.#store, this.directory, { id, name })
      await topic.open(this.#files)
      this.#topics.set(name, topic)
      return this.#describe(topic)
    })
  }

  deleteTopic(name: string): Promise<void> {
    return this.#alone(async () => {
      const { topicId } = (await this.#store.execute('removeTopic', { name })).value
      const topic =
        this.#topics.get(name) ?? new LiveTopic(this.#store, this.directory, { id: topicId, name })
      this.#topics.delete(name)
      await topic.close(noSuchTopic(name))
      await removeDirectory(topic.directory)
      await this.#store.dispatch('purgeTopic', { topicId })
    })
  }

  async setRetention(name: string, settings: T.RetentionSettings): Promise<T.TopicInfo> {
    const topic = this.#topic(name)
    await refusing(this.#store.execute('setRetention', { ...settings, name }))
    return this.#describe(topic)
  }

  addPartitions(name: string, count: number): Promise<T.TopicInfo> {
    return this.#alone(async () => {
      const topic = this.#topic(name)
      await this.#store.dispatch('addPartitions', { name, count })
      await topic.open(this.#files)
      return this.#describe(topic)
    })
  }

  listTopics(): T.TopicInfo[] {
    return [...this.#store.state.topics.keys()]
      .filter((name) => this.#topics.has(name))
      .map((name) => this.describeTopic(name))
  }

  describeTopic(name: string): T.TopicInfo {
    return this.#describe(this.#topic(name))
  }

  #describe({ name, partitions }: LiveTopic): T.TopicInfo {
    const topic = this.#store.state.topics.get(name)
    if (!topic) throw noSuchTopic(name)
    const { logStart, ...settings } = topic
    const log = partitions.map(({ end, bytes }, index) => ({
      start: logStart[index] ?? 0,
      end,
      bytes,
    }))
    return { name, ...settings, log }
  }

  async publish(
    topic: string,
    { partition, ...message }: NewMessage & { readonly partition?: number | undefined },
  ): Promise<T.Published> {
    const [published] = await this.#publish(topic, [message], partition)
    if (published) return published
    throw new BrokerError('internal', 'a message was published without an offset')
  }

  publishBatch(topic: string, messages: readonly NewMessage[]): Promise<T.Published[]> {
    return this.#publish(topic, messages)
  }

  async #publish(
    name: string,
    messages: readonly NewMessage[],
    partition?: number,
  ): Promise<T.Published[]> {
    const topic = this.#topic(name)
    const most = this.#store.state.topics.get(name)?.maxMessageBytes ?? 0
    for (const message of messages) assertSize(message, most)
    if (partition !== undefined) topic.partition(partition)
    const indexes = messages.map(({ key }) => partition ?? topic.choose(key))
    return refusing(topic.publish(messages, indexes))
  }

  subscribe(name: string, options: T.SubscribeOptions): Promise<T.Consumer> {
    return this.#alone(async () => {
      const { group, from, ...limits } = parse(subscribeOptions, options)
      const topic = this.#topic(name)
      const ends = topic.partitions.map(({ end }) => end)
      await this.#store.execute('join', { group, topic: name, from, ends })
      const live = topic.group(group)
      topic.groups.set(group, live)
      return live.join(limits)
    })
  }

  async ack(
    { group, topic, partition }: T.Place,
    ranges: readonly (readonly [from: number, to: number])[],
  ): Promise<{ next: number }> {
    const live = this.#topic(topic)
    const { end } = live.partition(partition)
    return live.group(group).acknowledgeRanges(partition, end, ranges)
  }

  seek(
    { group, topic, partition }: T.Place,
    to: number | 'earliest' | 'latest',
  ): Promise<{ next: number }> {
    return this.#alone(async () => {
      const live = this.#topic(topic)
      const { end } = live.partition(partition)
      return live.group(group).seek(partition, end, to)
    })
  }

  listGroups(): T.GroupInfo[] {
    return [...this.#store.state.groups].map(([group, { createdAt, subscriptions }]) => ({
      group,
      createdAt,
      subscriptions: [...subscriptions].map(([topic, { cursors }]) => {
        const live = this.#topics.get(topic)
        return {
          topic,
          consumers: live?.groups.get(group)?.consumers.size ?? 0,
          cursors: cursors.map((cursor, partition) => {
            const { next } = cursor
            const lag = unacknowledged(cursor, live?.partitions[partition]?.end ?? next)
            const count = sum(lag.map(([from, to]) => to - from + 1))
            return { next, ahead: rangesAhead(cursor), lag: count }
          }),
        }
      }),
    }))
  }

  deleteGroup(group: string): Promise<void> {
    return this.#alone(async () => {
      const live = [...this.#topics.values()].flatMap(({ groups }) => groups.get(group) ?? [])
      const consumers = live.reduce((sum, each) => sum + each.consumers.size, 0)
      await this.#store.execute('removeGroup', { group, consumers })
      for (const topic of this.#topics.values()) {
        topic.groups.get(group)?.end(noSuchGroup(group))
        topic.groups.delete(group)
      }
    })
  }

  /** One after the other: who asks while it is under way gets the next one. */
  async enforceRetention(): Promise<readonly Trimmed[]> {
    this.#assertOpen()
    while (this.#retention !== undefined) await this.#retention.catch(() => undefined)
    this.#retention = this.#enforceRetention()
    try {
      return await refusing(this.#retention)
    } finally {
      this.#retention = undefined
    }
  }

  async #enforceRetention(): Promise<Trimmed[]> {
    const trimmed: Trimmed[] = []
    for (const topic of [...this.#topics.values()]) {
      try {
        trimmed.push(...(await enforceRetention(this.#store, topic, this.#now())))
      } catch (error) {
        // It was deleted meanwhile: nothing of it is left to trim.
        if (this.#topics.get(topic.name) === topic) throw error
      }
    }
    return trimmed
  }

  async compact(): Promise<void> {
    this.#assertOpen()
    await this.#maintenance.compact()
  }

  stats(): T.BrokerStats {
    const topics = [...this.#topics.values()]
    const groups = topics.flatMap((topic) => [...topic.groups.values()])
    const { seq } = this.#store
    return {
      topics: topics.length,
      groups: this.#store.state.groups.size,
      consumers: sum(groups.map(({ consumers }) => consumers.size)),
      inFlight: sum(groups.map(({ inFlight }) => inFlight)),
      bytes: sum(topics.flatMap(({ partitions }) => partitions.map(({ bytes }) => bytes))),
      metadata: { seq, recordsSinceCompaction: this.#maintenance.recordsSinceCompaction },
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#last
    await this.#retention?.catch(() => undefined)
    try {
      await Promise.all([...this.#topics.values()].map((topic) => topic.close()))
    } finally {
      await this.#maintenance.close()
      await this.#store.close()
    }
  }

  #alone<R>(run: () => Promise<R>): Promise<R> {
    const next = this.#last.then(() => {
      this.#assertOpen()
      return run()
    })
    this.#last = next.catch(() => undefined)
    return refusing(next)
  }

  #topic(name: string): LiveTopic {
    this.#assertOpen()
    const topic = this.#topics.get(name)
    if (topic) return topic
    throw noSuchTopic(name)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new BrokerError('closed', `the broker of ${this.directory} was closed`)
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0)

const noSuchGroup = (group: string): BrokerError =>
  new BrokerError('no_such_group', `there is no group ${JSON.stringify(group)}`, {
    details: { group },
  })

const noSuchTopic = (topic: string): BrokerError =>
  new BrokerError('no_such_topic', `there is no topic ${JSON.stringify(topic)}`, {
    details: { topic },
  })

function assertSize({ key = '', body }: NewMessage, most: number): void {
  const bytes = Buffer.byteLength(key) + body.length
  if (bytes <= most) return
  const what = `a message of ${bytes} bytes is over the topic's limit of ${most}`
  throw new BrokerError('too_large', what, { details: { bytes, most } })
}
