import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openBroker } from '../../../../examples/walmq/broker/broker.ts'
import { partitionOf } from '../../../../examples/walmq/broker/router.ts'
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
const body = (what: string) => Buffer.from(what)

describe('a topic', () => {
  test('is there after a restart, with its settings', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    const settings = { partitions: 3, retentionMs: 60_000, keepUnacked: true }
    const made = await broker.createTopic('logs', settings)
    expect(made).toMatchObject({ name: 'logs', id: 1, ...settings, retentionBytes: null })
    expect(made.log).toHaveLength(3)
    await closeBroker(broker)
    const again = await brokerIn(directory)
    expect(again.listTopics()).toEqual([made])
  })

  test('has directories that nobody else may read', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    const modes = ['', 'topics', 'topics/1-logs', 'topics/1-logs/p0', 'metadata.jsonl'].map(
      (path) => statSync(join(directory, path)).mode & 0o777,
    )
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o700, 0o600])
  })

  test('is refused with a code where the name is taken, or wrong, or unknown', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('__proto__')
    await expect(broker.createTopic('__proto__')).rejects.toMatchObject({ code: 'topic_exists' })
    await expect(broker.createTopic('a/b')).rejects.toMatchObject({ code: 'invalid' })
    await expect(broker.createTopic('a', { partitions: 0 })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('partitions'),
    })
    const unknown = { code: 'no_such_topic' }
    expect(() => broker.describeTopic('constructor')).toThrow(expect.objectContaining(unknown))
    await expect(broker.deleteTopic('none')).rejects.toMatchObject(unknown)
    await expect(broker.publish('none', { body: body('a') })).rejects.toMatchObject(unknown)
    await expect(broker.subscribe('none', { group })).rejects.toMatchObject(unknown)
    await expect(broker.setRetention('none', {})).rejects.toMatchObject(unknown)
    await expect(broker.addPartitions('none', 2)).rejects.toMatchObject(unknown)
  })

  test('takes a message up to its limit, key and body together', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs', { partitions: 2, maxMessageBytes: 10 })
    await broker.publish('logs', { key: 'ü', body: Buffer.alloc(8) })
    const large = broker.publish('logs', { key: 'ü', body: Buffer.alloc(9) })
    await expect(large).rejects.toMatchObject({ code: 'too_large' })
    const batch = [{ body: Buffer.alloc(1) }, { body: Buffer.alloc(11) }]
    await expect(broker.publishBatch('logs', batch)).rejects.toMatchObject({ code: 'too_large' })
    const ends = broker.describeTopic('logs').log.map(({ end }) => end)
    expect(ends.toSorted()).toEqual([0, 1])
  })
})

describe('W22: partitions', () => {
  test('a key has one, which is the same for ever: FNV-1a of its UTF-8', () => {
    // From the tables of the hash's authors.
    const known = { '': 0x811c9dc5, a: 0xe40c292c, foobar: 0xbf9cf968 }
    for (const [key, hash] of Object.entries(known)) {
      expect(partitionOf(key, 2 ** 32)).toBe(hash)
      expect(partitionOf(key, 7)).toBe(hash % 7)
    }
    expect(['größe', '🐘'].map((key) => partitionOf(key, 256))).toEqual(
      ['größe', '🐘'].map((key) => fnv1a(Buffer.from(key)) % 256),
    )
  })

  test('keys spread over them; without a key they take turns', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs', { partitions: 4 })
    const turns = await broker.publishBatch(
      'logs',
      numbered(8).map((n) => ({ body: body(n) })),
    )
    expect(turns).toEqual(
      [0, 1, 2, 3, 0, 1, 2, 3].map((partition, index) => ({
        partition,
        offset: Math.floor(index / 4),
      })),
    )
    const keyed = numbered(400).map((n) => ({ key: `key-${n}`, body: body(n) }))
    const placed = await broker.publishBatch('logs', keyed)
    expect(placed.map(({ partition }) => partition)).toEqual(
      keyed.map(({ key }) => partitionOf(key, 4)),
    )
    for (const { end } of broker.describeTopic('logs').log) expect(end).toBeGreaterThan(50)
    expect(await broker.publish('logs', { partition: 2, key: 'k', body: body('x') })).toMatchObject(
      {
        partition: 2,
      },
    )
    await expect(broker.publish('logs', { partition: 4, body: body('x') })).rejects.toMatchObject({
      code: 'no_such_partition',
    })
  })

  test('messages of one key come in order', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs', { partitions: 5 })
    const sent = numbered(300).map((n) => ({ key: `key-${Number(n) % 9}`, body: body(n) }))
    await Promise.all(sent.map((message) => broker.publish('logs', message)))
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 300 })
    const last = new Map<string | undefined, number>()
    for (const message of await takeMessages(consumer, 300)) {
      expect(Number(text(message))).toBeGreaterThan(last.get(message.key) ?? -1)
      last.set(message.key, Number(text(message)))
    }
  })

  test('can be added while somebody consumes', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    const consumer = await broker.subscribe('logs', { group })
    await expectNothing(consumer, 10)
    expect(await broker.addPartitions('logs', 3)).toMatchObject({ partitions: 3 })
    expect(consumer.partitions).toEqual([0, 1, 2])
    await broker.publish('logs', { partition: 2, body: body('new') })
    expect(await takeMessage(consumer)).toMatchObject({ partition: 2, offset: 0 })
    await expect(broker.addPartitions('logs', 3)).rejects.toMatchObject({
      code: 'not_more_partitions',
      details: { partitions: 3 },
    })
    await closeBroker(broker)
    expect((await brokerIn(directory)).describeTopic('logs').log).toMatchObject([
      { end: 0 },
      { end: 0 },
      { end: 1 },
    ])
  })
})

describe('W14: deleting a topic', () => {
  test('ends its consumers, and takes its files', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    await publishAll(broker, 'logs', ['old'])
    const consumer = await broker.subscribe('logs', { group })
    const message = await takeMessage(consumer)
    const next = take(consumer)
    const ended = expect(next).rejects.toMatchObject({ code: 'no_such_topic' })
    await broker.deleteTopic('logs')
    await ended
    await expect(message.ack()).rejects.toMatchObject({ code: 'no_such_topic' })
    expect(readdirSync(join(directory, 'topics'))).toEqual([])
    expect(broker.listTopics()).toEqual([])
    expect(broker.listGroups()).toMatchObject([{ group, subscriptions: [] }])
  })

  test('one of the same name has none of its messages, nor of its acknowledgements', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    await publishAll(broker, 'logs', ['old 0', 'old 1'])
    const old = await takeMessages(await broker.subscribe('logs', { group }), 2)
    await broker.deleteTopic('logs')
    expect(await broker.createTopic('logs')).toMatchObject({ id: 2, log: [{ start: 0, end: 0 }] })
    await publishAll(broker, 'logs', ['new 0', 'new 1'])
    const consumer = await broker.subscribe('logs', { group })
    for (const message of old)
      await expect(message.ack()).rejects.toMatchObject({ code: 'no_such_topic' })
    expect((await takeMessages(consumer, 2)).map(text)).toEqual(['new 0', 'new 1'])
    await closeBroker(broker)
    const again = await brokerIn(directory)
    expect(again.recovery).toEqual({ repairs: [], removed: [], made: [] })
    const reader = await again.subscribe('logs', { group })
    expect((await takeMessages(reader, 2)).map(text)).toEqual(['new 0', 'new 1'])
  })

  test('waits for what is being published', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs')
    const published = Promise.allSettled(
      numbered(20).map((n) => broker.publish('logs', { body: body(n) })),
    )
    await broker.deleteTopic('logs')
    for (const each of await published)
      if (each.status === 'rejected')
        expect(['no_such_topic', 'closed']).toContain(each.reason.code)
  })
})

describe('a directory', () => {
  test('is one broker’s', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await expect(openBroker(directory)).rejects.toMatchObject({
      name: 'BrokerError',
      code: 'locked',
    })
    await closeBroker(broker)
    await brokerIn(directory)
  })

  test('is made with all that leads to it', async () => {
    const directory = join(newDirectory(), 'a', 'b')
    await brokerIn(directory)
    expect(existsSync(join(directory, 'metadata.jsonl'))).toBe(true)
  })

  test('closing waits for what is under way', async () => {
    const broker = await brokerIn(newDirectory())
    const done: string[] = []
    const made = broker.createTopic('logs').then(() => done.push('made'))
    await new Promise(setImmediate)
    await closeBroker(broker)
    expect(done).toEqual(['made'])
    await made
  })

  test('a closed broker refuses everything, and closes again', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    const consumer = await broker.subscribe('logs', { group })
    const next = consumer[Symbol.asyncIterator]().next()
    await closeBroker(broker)
    expect(await next).toEqual({ done: true, value: undefined })
    const closed = { code: 'closed' }
    await expect(broker.createTopic('a')).rejects.toMatchObject(closed)
    await expect(broker.publish('logs', { body: body('a') })).rejects.toMatchObject(closed)
    await expect(broker.subscribe('logs', { group })).rejects.toMatchObject(closed)
    await expect(broker.compact()).rejects.toMatchObject(closed)
    await expect(broker.enforceRetention()).rejects.toMatchObject(closed)
    await broker.close()
  })

  test('options that make no sense are refused', async () => {
    await expect(openBroker(newDirectory(), { compactEvery: 0 })).rejects.toMatchObject({
      code: 'invalid',
    })
  })
})

/** As its definition has it, with big numbers. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5n
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n
  return Number(hash)
}
