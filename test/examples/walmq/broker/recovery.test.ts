// What a crash leaves between two steps is put there by hand, but for compacting, which is really killed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreOf } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { openBroker } from '../../../../examples/walmq/broker/broker.ts'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'
import {
  brokerIn,
  closeBroker,
  expectNothing,
  newDirectory,
  numbered,
  publishAll,
  take,
  takeMessage,
  takeMessages,
  text,
} from './brokers.ts'

const group = 'g'

/** The metadata plane alone, as if the process had died before the files followed. */
async function onlyMetadata(
  directory: string,
  change: (store: StoreOf<typeof metadata>) => Promise<unknown>,
): Promise<void> {
  const store = await metadata.open(join(directory, 'metadata.jsonl'))
  await change(store)
  await store.close()
}

async function made(directory: string, bodies: readonly string[] = []): Promise<void> {
  const broker = await brokerIn(directory, { segmentBytes: 256 })
  await broker.createTopic('logs')
  for (const body of bodies) await publishAll(broker, 'logs', [body.padEnd(40)])
  const consumer = await broker.subscribe('logs', { group })
  for (const message of await takeMessages(consumer, bodies.length)) await message.ack()
  await closeBroker(broker)
}

describe('opening finishes what a crash interrupted', () => {
  test('between createTopic and mkdir', async () => {
    const directory = newDirectory()
    await onlyMetadata(directory, (store) =>
      store.dispatch('createTopic', { name: 'logs', partitions: 2 }),
    )
    const broker = await brokerIn(directory)
    const partition = (index: number) => join(directory, `topics/1-logs/p${index}`)
    expect(broker.recovery.made).toEqual([partition(0), partition(1)])
    await publishAll(broker, 'logs', ['a', 'b'])
    await closeBroker(broker)
    expect((await brokerIn(directory)).recovery.made).toEqual([])
  })

  test('between addPartitions and mkdir', async () => {
    const directory = newDirectory()
    await made(directory, ['a'])
    await onlyMetadata(directory, (store) =>
      store.dispatch('addPartitions', { name: 'logs', count: 2 }),
    )
    const broker = await brokerIn(directory)
    expect(broker.recovery.made).toEqual([join(directory, 'topics/1-logs/p1')])
    const consumer = await broker.subscribe('logs', { group })
    await broker.publish('logs', { partition: 1, body: Buffer.from('b') })
    expect(text(await takeMessage(consumer))).toBe('b')
  })

  test.each([
    ['rm', (_: string) => undefined],
    ['the end of rm', (topic: string) => renameSync(join(topic, 'p0'), join(topic, 'p7'))],
    ['purgeTopic', (topic: string) => renameSync(topic, `${topic}.gone`)],
  ])('between deleteTopic and %s', async (_, remove) => {
    const directory = newDirectory()
    await made(directory, ['old'])
    await onlyMetadata(directory, (store) => store.execute('removeTopic', { name: 'logs' }))
    const topic = join(directory, 'topics/1-logs')
    remove(topic)
    const wasThere = readdirSync(join(directory, 'topics')).map((name) =>
      join(directory, 'topics', name),
    )
    const broker = await brokerIn(directory)
    expect(broker.recovery.removed).toEqual(wasThere)
    expect(readdirSync(join(directory, 'topics'))).toEqual([])
    await broker.createTopic('logs')
    expect(broker.describeTopic('logs').log).toMatchObject([{ start: 0, end: 0 }])
    await closeBroker(broker)
    const { state } = await metadata.replay(join(directory, 'metadata.jsonl'))
    expect(state.deleting.size).toBe(0)
    expect((await brokerIn(directory)).recovery.removed).toEqual([])
  })

  test('between trimTopic and unlink', async () => {
    const directory = newDirectory()
    await made(directory, numbered(20))
    const files = () => readdirSync(join(directory, 'topics/1-logs/p0')).sort()
    const before = files()
    const ends = [Number(before[2]?.slice(0, 20))]
    const where = { name: 'logs', partition: 0 }
    await onlyMetadata(directory, async (store) => {
      await store.execute('moveTo', { group, topic: 'logs', partition: 0, to: 0, end: 20 })
      await store.execute('retain', { ...where, ends })
    })
    expect(files()).toEqual(before)
    const broker = await brokerIn(directory)
    expect(broker.recovery.removed).toEqual(
      before.slice(0, 2).map((name) => join(directory, 'topics/1-logs/p0', name)),
    )
    expect(files()).toEqual(before.slice(2))
    const consumer = await broker.subscribe('logs', { group })
    const [end = 0] = ends
    expect(await take(consumer)).toMatchObject({ type: 'gap', from: 0, to: end - 1 })
    expect(await takeMessage(consumer)).toMatchObject({ offset: end })
  })

  test('what a power cut brought back of a purged topic goes, what is somebody else’s stays', async () => {
    const directory = newDirectory()
    await made(directory)
    for (const name of ['1-before', '2-later', 'notes', 'x1-logs'])
      mkdirSync(join(directory, 'topics', name))
    await onlyMetadata(directory, async (store) => {
      await store.execute('removeTopic', { name: 'logs' })
      await store.dispatch('purgeTopic', { topicId: 1 })
    })
    const broker = await brokerIn(directory)
    expect(broker.recovery.removed.toSorted()).toEqual(
      ['1-before', '1-logs'].map((name) => join(directory, 'topics', name)),
    )
    expect(readdirSync(join(directory, 'topics')).sort()).toEqual(['2-later', 'notes', 'x1-logs'])
  })

  test('within a record of the metadata', async () => {
    const directory = newDirectory()
    await made(directory)
    const path = join(directory, 'metadata.jsonl')
    appendFileSync(path, '{"seq":')
    const broker = await brokerIn(directory)
    expect(broker.recovery.repairs).toEqual([{ path, offset: expect.any(Number), bytes: 7 }])
  })
})

describe('opening refuses', () => {
  test('where acknowledged messages are missing, and says which', async () => {
    const directory = newDirectory()
    await made(directory, numbered(3))
    const topic = join(directory, 'topics/1-logs')
    renameSync(topic, `${directory}-backup`)
    await expect(openBroker(directory)).rejects.toMatchObject({
      code: 'data_loss',
      message: expect.stringContaining('partition 0 of topic logs'),
      details: { group, topic: 'logs', partition: 0, cursor: { next: 3, ahead: [] }, end: 0 },
    })
    // It has let go of everything: put back, all is well.
    renameSync(topic, `${directory}-empty`)
    renameSync(`${directory}-backup`, topic)
    await expectNothing(await (await brokerIn(directory)).subscribe('logs', { group }))
  })

  test('where messages that were acknowledged out of order are missing', async () => {
    const directory = newDirectory()
    await made(directory)
    await onlyMetadata(directory, (store) =>
      store.dispatch('ack', { group, topic: 'logs', partition: 0, ranges: [[5, 6]] }),
    )
    await expect(openBroker(directory)).rejects.toMatchObject({ code: 'data_loss' })
  })

  test('where messages above the start are missing', async () => {
    const directory = newDirectory()
    await made(directory)
    await onlyMetadata(directory, (store) =>
      store.dispatch('trimTopic', { name: 'logs', partition: 0, logStart: 9 }),
    )
    await expect(openBroker(directory)).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'data_loss',
    })
  })

  test('where the metadata is not walmq’s, or is damaged', async () => {
    const directory = newDirectory()
    mkdirSync(directory)
    const path = join(directory, 'metadata.jsonl')
    appendFileSync(path, 'not a journal\n')
    await expect(openBroker(directory)).rejects.toMatchObject({ code: 'corrupt', path })
    expect(existsSync(join(directory, 'topics'))).toBe(false)
  })
})

describe('a process that is killed while it compacts', () => {
  const script = new URL('compacting.ts', import.meta.url)
  const env = { ...process.env, JITI_TSCONFIG_PATHS: 'true' }
  const execArgv = ['--import', 'jiti/register']

  /** Resolves to what it reported as acknowledged, when it is dead. */
  async function killAt(directory: string, count: number): Promise<number[]> {
    const child: ChildProcess = fork(script, [directory], { env, execArgv })
    const reported: number[] = []
    child.on('message', (offset: number) => {
      reported.push(offset)
      if (reported.length === count) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    expect(signal).toBe('SIGKILL')
    return reported
  }

  test('loses no answered acknowledgement', async () => {
    const directory = newDirectory()
    const acknowledged = new Set<number>()
    for (const count of [5, 30, 73]) {
      for (const offset of await killAt(directory, count)) {
        expect(acknowledged).not.toContain(offset)
        acknowledged.add(offset)
      }
      const broker = await brokerIn(directory)
      const consumer = await broker.subscribe('logs', { group, maxInFlight: 10_000 })
      const [{ lag = 0 } = {}] = broker.listGroups()[0]?.subscriptions[0]?.cursors ?? []
      for (const { offset } of await takeMessages(consumer, lag))
        expect(acknowledged).not.toContain(offset)
      expect(broker.stats().metadata.seq).toBeGreaterThan(acknowledged.size)
      await closeBroker(broker)
    }
  })
})
