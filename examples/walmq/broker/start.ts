// Opening: brings the files in line with the metadata, which come first in everything. So what a crash
// interrupted is finished here.
import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nodeFileSystem } from 'ministore-ts/file'
import type { PartitionOptions, Repair } from '../messages/types.ts'
import type { MetadataStore } from '../metadata/definition.ts'
import { BrokerError } from './errors.ts'
import { LiveTopic, partitionDirectory, removeDirectory } from './topic.ts'

export interface Started {
  readonly topics: ReadonlyMap<string, LiveTopic>
  readonly repairs: readonly Repair[]
  readonly removed: readonly string[]
  readonly made: readonly string[]
}

/** Throws BrokerError `data_loss`, `corrupt`, `wrong_key`; nothing is left open then. */
export async function start(
  store: MetadataStore,
  directory: string,
  options: PartitionOptions,
): Promise<Started> {
  await makeDirectory(join(directory, 'topics'))
  const removed = await finishDeletions(store, directory)
  const made: string[] = []
  const topics = new Map<string, LiveTopic>()
  try {
    for (const [name, { id }] of store.state.topics) {
      const topic = new LiveTopic(store, directory, { id, name })
      made.push(...missing(store, topic))
      const before = segmentsIn(topic.directory)
      await topic.open(options)
      topics.set(name, topic)
      const after = new Set(segmentsIn(topic.directory))
      removed.push(...before.filter((path) => !after.has(path)))
      assertNothingLost(store, topic)
    }
  } catch (error) {
    for (const topic of topics.values()) await topic.close()
    throw error
  }
  const partitions = [...topics.values()].flatMap((topic) => topic.partitions)
  const repairs = partitions.flatMap((partition) => partition.repairs)
  return { topics, removed, made, repairs: [...ofMetadata(store, directory), ...repairs] }
}

function ofMetadata({ recovery }: MetadataStore, directory: string): Repair[] {
  const { found } = recovery
  if (!found || found.kind === 'lost_newline') return []
  const { offset, bytes } = found
  return [{ path: join(directory, 'metadata.jsonl'), offset, bytes }]
}

export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made))
    await nodeFileSystem().syncDir(dirname(made))
}

/** Of deleted topics, and of those of which a power cut brought something back. */
async function finishDeletions(store: MetadataStore, directory: string): Promise<string[]> {
  const { deleting, nextTopicId } = store.state
  const live = new Set([...store.state.topics.values()].map(({ id }) => id))
  const removed: string[] = []
  for (const name of readdirSync(join(directory, 'topics'))) {
    const id = Number(/^(\d+)-/.exec(name)?.[1] ?? nextTopicId)
    // A directory that belongs to no topic of this broker is not ours.
    if (live.has(id) || id >= nextTopicId) continue
    const path = join(directory, 'topics', name)
    await removeDirectory(path)
    removed.push(path)
  }
  for (const topicId of deleting.keys())
    await store.dispatch('purgeTopic', { topicId: Number(topicId) })
  return removed
}

const missing = (store: MetadataStore, { name, directory }: LiveTopic): string[] =>
  (store.state.topics.get(name)?.logStart ?? [])
    .map((_, index) => partitionDirectory(directory, index))
    .filter((path) => !existsSync(path))

function segmentsIn(topicDirectory: string): string[] {
  if (!existsSync(topicDirectory)) return []
  return readdirSync(topicDirectory).flatMap((partition) =>
    readdirSync(join(topicDirectory, partition))
      .filter((name) => name.endsWith('.wal'))
      .map((name) => join(topicDirectory, partition, name)),
  )
}

/** Only durable messages are acknowledged: a cursor past the end means that messages are missing. */
function assertNothingLost(store: MetadataStore, { name, partitions }: LiveTopic): void {
  for (const [index, { end }] of partitions.entries()) {
    for (const [group, { subscriptions }] of store.state.groups) {
      const cursor = subscriptions.get(name)?.cursors[index]
      if (!cursor) continue
      const reached = cursor.ahead.at(-1) ?? cursor.next - 1
      if (reached >= end) throw lost({ group, topic: name, partition: index, cursor, end })
    }
  }
}

interface Loss {
  readonly topic: string
  readonly partition: number
  readonly [what: string]: unknown
}

function lost({ topic, partition, ...found }: Loss): BrokerError {
  const details = { topic, partition, ...found }
  const what = `partition ${partition} of topic ${topic} has lost messages: ${JSON.stringify(details)}`
  const next = 'Put its files back from a backup'
  return new BrokerError('data_loss', `${what}. ${next}`, { details })
}
