// What a broker promises beyond one life of its process: servers that are killed, damaged, starved of
// disk, and started again. The same promises, step by step, are tested in ../broker and ../messages.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Gap } from '../../../../examples/walmq/broker/types.ts'
import { type Client, connect } from '../../../../examples/walmq/client/client.ts'
import type { ClientDelivery } from '../../../../examples/walmq/client/subscription.ts'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'
import { freshDirectory, type Server, serve, walmq } from './processes.ts'

const MIB = 2 ** 20
const body = (text: string) => Buffer.from(text)

/** Takes so many as a member of the group, and acknowledges them. */
async function take(client: Client, topic: string, group: string, count: number) {
  const taken: (ClientDelivery | Gap)[] = []
  const subscription = await client.subscribe(topic, { group, max_in_flight: 1 })
  for await (const item of subscription) {
    taken.push(item)
    if (item.type === 'message') await item.ack()
    if (taken.length === count) await subscription.close()
  }
  return taken
}
const texts = (items: readonly (ClientDelivery | Gap)[]) =>
  items.map((item) => (item.type === 'message' ? item.body.toString() : item))

interface Life {
  readonly server: Server
  readonly client: Client
}
const live = async (directory: string): Promise<Life> => {
  const server = await serve(directory)
  return { server, client: await connect(server) }
}

async function afterKill(directory: string, { server }: Life): Promise<Life> {
  await server.kill()
  return live(directory)
}

/** The last segment of a topic's first partition. */
function segmentOf(directory: string): string {
  const [topic = ''] = readdirSync(join(directory, 'topics'))
  const partition = join(directory, 'topics', topic, 'p0')
  const [last = ''] = readdirSync(partition)
    .filter((name) => name.endsWith('.wal'))
    .toSorted()
    .reverse()
  return join(partition, last)
}

test('W2, W9: after kill -9 each group goes on where it was, whatever the others did', async () => {
  const directory = freshDirectory()
  let life = await live(directory)
  await life.client.request('topic_create', { topic: 'logs' })
  await life.client.publishBatch(
    'logs',
    ['a', 'b', 'c', 'd'].map((text) => ({ body: body(text) })),
  )
  expect(texts(await take(life.client, 'logs', 'fast', 3))).toEqual(['a', 'b', 'c'])
  expect(texts(await take(life.client, 'logs', 'slow', 1))).toEqual(['a'])
  life = await afterKill(directory, life)
  expect(texts(await take(life.client, 'logs', 'fast', 1))).toEqual(['d'])
  expect(texts(await take(life.client, 'logs', 'slow', 3))).toEqual(['b', 'c', 'd'])
  await life.server.stop()
})

describe('a segment that a crash or a disk has changed', () => {
  /** A directory with three messages, its server killed. */
  async function killed() {
    const directory = freshDirectory()
    const { server, client } = await live(directory)
    await client.request('topic_create', { topic: 'logs' })
    const ends: number[] = []
    for (const text of ['one', 'two', 'three']) {
      await client.publish('logs', { body: body(text) })
      ends.push(statSync(segmentOf(directory)).size)
    }
    await server.kill()
    return { directory, ends }
  }

  test('W6: a torn tail is cut off and told, and the offset is given again', async () => {
    const { directory, ends } = await killed()
    const [, second = 0, third = 0] = ends
    const whole = readFileSync(segmentOf(directory))
    for (const left of [second + 1, Math.floor((second + third) / 2), third - 1]) {
      writeFileSync(segmentOf(directory), whole)
      truncateSync(segmentOf(directory), left)
      const { server, client } = await live(directory)
      expect(await client.publish('logs', { body: body('again') })).toEqual({
        partition: 0,
        offset: 2,
      })
      expect((await server.stop()).stderr).toContain(`cut ${left - second} torn bytes off`)
    }
    const { server, client } = await live(directory)
    expect(texts(await take(client, 'logs', 'readers', 3))).toEqual(['one', 'two', 'again'])
    await server.stop()
  })

  test('W7: a tail of zeros is no message', async () => {
    const { directory } = await killed()
    appendFileSync(segmentOf(directory), Buffer.alloc(5000))
    const { server, client } = await live(directory)
    expect(await client.publish('logs', { body: body('four') })).toEqual({
      partition: 0,
      offset: 3,
    })
    await server.stop()
  })

  test('W8: a flipped byte before the last message stops the start, and the file stays', async () => {
    const { directory, ends } = await killed()
    const path = segmentOf(directory)
    const bytes = readFileSync(path)
    const at = (ends[0] ?? 0) - 1
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const { status, stderr } = await walmq(['serve', '--dir', directory])
    expect(status).toBe(2)
    expect(stderr).toContain(path)
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })
})

describe('retention', () => {
  /** So many MiB, of which a segment takes sixteen. */
  async function publish(client: Client, topic: string, count: number) {
    const large = Buffer.alloc(MIB - 100, 'x')
    for (let n = 0; n < count; n++) await client.publish(topic, { body: large })
  }
  const startOf = async (client: Client, topic: string) =>
    (await client.request('topic_describe', { topic })).log[0]?.start ?? Number.NaN

  test.each([
    ['W11, W13: by size', { retention_bytes: 1 }],
    ['W12, W13: by time', { retention_ms: 1 }],
  ])(
    '%s, takes closed segments away for good, and tells a group which messages',
    async (_, settings) => {
      const directory = freshDirectory()
      let life = await live(directory)
      await life.client.request('topic_create', { topic: 'logs', ...settings, keep_unacked: true })
      expect(texts(await takeNone(life.client))).toEqual([])
      await publish(life.client, 'logs', 20)
      await life.client.request('retention', {})
      // A group has not had them.
      expect(await startOf(life.client, 'logs')).toBe(0)
      await life.client.request('topic_set_retention', { topic: 'logs', keep_unacked: false })
      await life.client.request('retention', {})
      const start = await startOf(life.client, 'logs')
      expect(start).toBeGreaterThan(10)
      life = await afterKill(directory, life)
      expect(await startOf(life.client, 'logs')).toBe(start)
      const [gap, first] = await take(life.client, 'logs', 'readers', 2)
      expect(gap).toMatchObject({ type: 'gap', from: 0, to: start - 1 })
      expect(first).toMatchObject({ type: 'message', offset: start })
      await life.server.stop()
    },
  )

  /** Makes the group, at the beginning. */
  async function takeNone(client: Client) {
    const subscription = await client.subscribe('logs', { group: 'readers' })
    await subscription.close()
    return []
  }
})

test('W14: a topic that is deleted and made again has no old messages, also after kill -9', async () => {
  const directory = freshDirectory()
  let life = await live(directory)
  await life.client.request('topic_create', { topic: 'logs' })
  await life.client.publish('logs', { body: body('old') })
  await life.client.request('topic_delete', { topic: 'logs' })
  await life.client.request('topic_create', { topic: 'logs' })
  expect(await life.client.publish('logs', { body: body('new') })).toEqual({
    partition: 0,
    offset: 0,
  })
  life = await afterKill(directory, life)
  expect(texts(await take(life.client, 'logs', 'readers', 1))).toEqual(['new'])
  await life.server.stop()
})

test('W15: where files may not grow, publishing says so, and nothing answered is lost', async () => {
  const directory = freshDirectory()
  let life = await live(directory)
  await life.client.request('topic_create', { topic: 'logs' })
  await life.client.publish('logs', { body: body('before') })
  const size = statSync(segmentOf(directory)).size
  const reader = await life.client.subscribe('logs', { group: 'early' })
  // Of the running process: its next write reaches the limit half-way.
  execFileSync('prlimit', ['--pid', String(life.server.pid), `--fsize=${size + 100}`])
  const refused = life.client.publish('logs', { body: Buffer.alloc(1000) })
  await expect(refused).rejects.toMatchObject({ code: 'storage' })
  const again = life.client.publish('logs', { body: body('x') })
  await expect(again).rejects.toMatchObject({ code: 'storage' })
  for await (const item of reader) {
    expect(texts([item])).toEqual(['before'])
    break
  }
  life = await afterKill(directory, life)
  expect(await life.client.publish('logs', { body: body('after') })).toEqual({
    partition: 0,
    offset: 1,
  })
  expect(texts(await take(life.client, 'logs', 'late', 2))).toEqual(['before', 'after'])
  await life.server.stop()
})

test('W20, W22: acks of all partitions survive a compaction and kill -9, and the journal stays small', async () => {
  const directory = freshDirectory()
  let life = await live(directory)
  await life.client.request('topic_create', { topic: 'logs', partitions: 4 })
  const messages = Array.from({ length: 800 }, (_, n) => ({
    key: `key ${n % 20}`,
    body: body(`${n}`),
  }))
  const published = await life.client.publishBatch('logs', messages)
  // A key has one partition, in which its messages are in the order of their publishing.
  for (let key = 0; key < 20; key++) {
    const own = published.filter((_, n) => n % 20 === key)
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1)
    expect(own.map(({ offset }) => offset)).toEqual(
      own.map(({ offset }) => offset).toSorted((a, b) => a - b),
    )
  }
  await (await life.client.subscribe('logs', { group: 'readers' })).close()
  await Promise.all(
    published.map(({ partition, offset }) =>
      life.client.request('ack', { group: 'readers', topic: 'logs', partition, offsets: [offset] }),
    ),
  )
  const journal = join(directory, 'metadata.jsonl')
  const before = statSync(journal).size
  await life.client.request('compact', {})
  expect(statSync(journal).size).toBeLessThan(before / 20)
  life = await afterKill(directory, life)
  const { groups } = await life.client.request('groups', {})
  const cursors = groups[0]?.subscriptions[0]?.cursors ?? []
  expect(cursors.map(({ lag }) => lag)).toEqual([0, 0, 0, 0])
  expect(cursors.reduce((sum, { next }) => sum + next, 0)).toBe(800)
  await life.server.stop()
  expect((await metadata.replayCheck(journal)).findings).toEqual([])
})
