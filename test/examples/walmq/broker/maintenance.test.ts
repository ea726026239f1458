import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  brokerIn,
  closeBroker,
  expectNothing,
  newDirectory,
  numbered,
  publishAll,
  takeMessages,
} from './brokers.ts'

const group = 'g'
const sizeOf = (directory: string) => statSync(join(directory, 'metadata.jsonl')).size
/** `WALMQ_ACKS=100000 npx vitest run test/examples/walmq/broker/maintenance` for more. */
const acknowledgements = Number(process.env['WALMQ_ACKS'] ?? 10_000)

describe('the metadata journal', () => {
  test(`W20: stays short, however many acknowledgements there were (${acknowledgements})`, async () => {
    const directory = newDirectory()
    const compactEvery = 1000
    const broker = await brokerIn(directory, { compactEvery })
    await broker.createTopic('logs', { partitions: 2 })
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 200 })
    let longest = 0
    let most = 0
    for (let done = 0; done < acknowledgements; done += 200) {
      await publishAll(broker, 'logs', numbered(200))
      const messages = await takeMessages(consumer, 200)
      // The other way round, so that there are gaps.
      await Promise.all(messages.reverse().map((message) => message.ack()))
      longest = Math.max(longest, sizeOf(directory))
      if (done > acknowledgements / 2)
        most = Math.max(most, broker.stats().metadata.recordsSinceCompaction)
    }
    const { seq, recordsSinceCompaction } = broker.stats().metadata
    expect(seq).toBeGreaterThan(acknowledgements)
    expect(recordsSinceCompaction).toBeLessThan(3 * compactEvery)
    // And no more often than it was told to.
    expect(most).toBeGreaterThan(compactEvery / 2)
    // A record of an acknowledgement takes about 200 bytes.
    expect(longest).toBeLessThan(3 * compactEvery * 300)
    await closeBroker(broker)
    expect(readdirSync(directory).filter((name) => name.includes('archive'))).toEqual([])

    const began = performance.now()
    const again = await brokerIn(directory)
    expect(performance.now() - began).toBeLessThan(3000)
    expect(again.listGroups()).toMatchObject([
      { subscriptions: [{ cursors: [{ lag: 0 }, { lag: 0 }] }] },
    ])
    await expectNothing(await again.subscribe('logs', { group }))
  }, 600_000)

  test('is compacted when asked', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    await publishAll(broker, 'logs', numbered(50))
    const consumer = await broker.subscribe('logs', { group })
    for (const message of await takeMessages(consumer, 50)) await message.ack()
    const before = sizeOf(directory)
    expect(broker.stats().metadata.recordsSinceCompaction).toBe(52)
    await broker.compact()
    expect(broker.stats().metadata).toEqual({ seq: 52, recordsSinceCompaction: 0 })
    expect(sizeOf(directory)).toBeLessThan(before / 4)
    await broker.createTopic('more')
    await closeBroker(broker)
    const again = await brokerIn(directory)
    expect(again.stats().metadata).toEqual({ seq: 53, recordsSinceCompaction: 1 })
    expect(again.listTopics()).toHaveLength(2)
  })

  test('says where compacting fails, and goes on', async () => {
    const directory = newDirectory()
    const errors: unknown[] = []
    const onError = (error: unknown) => void errors.push(error)
    const broker = await brokerIn(directory, { compactEvery: 2, onError })
    // Where the new journal would be written, is something that cannot be written over.
    const taken = join(directory, 'metadata.jsonl.compact.new')
    mkdirSync(taken)
    await broker.createTopic('a')
    await broker.createTopic('b')
    await expect.poll(() => errors).toMatchObject([{ name: 'BrokerError', code: 'storage' }])
    await expect(broker.compact()).rejects.toMatchObject({ code: 'storage' })
    rmdirSync(taken)
    await broker.createTopic('c')
    await broker.compact()
    expect(broker.listTopics()).toHaveLength(3)
    expect(existsSync(taken)).toBe(false)
  })
})

describe('acknowledgements at the same time', () => {
  test('share what they cost', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory)
    await broker.createTopic('logs')
    await publishAll(broker, 'logs', numbered(400))
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 400 })
    const messages = await takeMessages(consumer, 400)
    // A record that is the first of its group commit has no "b": so many syncs there were.
    const syncs = () =>
      readFileSync(join(directory, 'metadata.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{"seq"') && !line.includes('"b":')).length
    const counted = async (run: () => Promise<unknown>) => {
      const before = syncs()
      await run()
      return syncs() - before
    }
    const one = await counted(async () => {
      for (const message of messages.slice(0, 40)) await message.ack()
    })
    expect(one).toBe(40)
    const together = await counted(() =>
      Promise.all(messages.slice(40).map((message) => message.ack())),
    )
    // Nine times as many, and not even as many syncs.
    expect(together).toBeLessThan(one)
  })
})
