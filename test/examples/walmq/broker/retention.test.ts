import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { expired } from '../../../../examples/walmq/broker/retention.ts'
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
/** So that a few messages fill one. */
const segmentBytes = 256

const filesOf = (directory: string, topic = '1-logs') =>
  readdirSync(join(directory, 'topics', topic, 'p0')).filter((name) => name.endsWith('.wal'))

/** One by one, so that they are in several segments. */
async function publishEach(
  broker: Awaited<ReturnType<typeof brokerIn>>,
  count: number,
  from = 0,
): Promise<void> {
  for (const body of numbered(count, from)) await publishAll(broker, 'logs', [body.padEnd(40)])
}

describe('what is expired', () => {
  const segment = (end: number, lastTs: number | undefined, isClosed = true) => ({
    ...{ path: '', base: end - 1, end, bytes: 100, lastTs, isClosed },
  })
  const segments = [segment(1, 10), segment(2, 30), segment(3, 20), segment(4, 40, false)]

  test.each([
    [{ retentionMs: null, retentionBytes: null }, []],
    [{ retentionMs: 90, retentionBytes: null }, []],
    [{ retentionMs: 89, retentionBytes: null }, [1]],
    // Behind one that stays, everything stays.
    [{ retentionMs: 75, retentionBytes: null }, [1]],
    // The one that is written to stays.
    [{ retentionMs: 1, retentionBytes: null }, [1, 2, 3]],
    [{ retentionMs: null, retentionBytes: 1 }, [1, 2, 3]],
    [{ retentionMs: null, retentionBytes: 400 }, []],
    [{ retentionMs: null, retentionBytes: 399 }, [1]],
    [{ retentionMs: null, retentionBytes: 299 }, [1, 2]],
    [{ retentionMs: 89, retentionBytes: 299 }, [1, 2]],
  ])('%j: segments end at %j', (limits, ends) => {
    expect(expired(segments, limits, 100)).toEqual(ends)
  })
})

describe('retention', () => {
  test('W11: by size, removes the oldest segments, and what is left is consumed', async () => {
    const directory = newDirectory()
    const broker = await brokerIn(directory, { segmentBytes })
    await broker.createTopic('logs', { retentionBytes: 1000 })
    await publishEach(broker, 50)
    const before = filesOf(directory)
    const [{ bytes = 0 } = {}] = broker.describeTopic('logs').log
    const trimmed = await broker.enforceRetention()
    const [log] = broker.describeTopic('logs').log
    expect(trimmed).toMatchObject([{ topic: 'logs', partition: 0, logStart: log?.start }])
    expect(log?.start).toBeGreaterThan(20)
    expect(log?.bytes).toBeLessThanOrEqual(1000 + 2 * segmentBytes)
    expect(bytes - (log?.bytes ?? 0)).toBe(trimmed[0]?.bytes)
    expect(filesOf(directory).length).toBeLessThan(before.length)
    expect(await broker.enforceRetention()).toEqual([])

    const consumer = await broker.subscribe('logs', { group })
    expect(await takeMessage(consumer)).toMatchObject({ offset: log?.start })
    await closeBroker(broker)
    const again = await brokerIn(directory, { segmentBytes })
    expect(again.describeTopic('logs').log).toEqual([log])
  })

  test('W12: by time, removes what is older, and only then', async () => {
    let now = 1_000_000
    const directory = newDirectory()
    const broker = await brokerIn(directory, { segmentBytes, now: () => now })
    await broker.createTopic('logs', { retentionMs: 60_000 })
    await publishEach(broker, 20)
    now += 60_000
    await publishEach(broker, 20, 20)
    expect(await broker.enforceRetention()).toEqual([])
    now += 1
    const [{ logStart = 0 } = {}] = await broker.enforceRetention()
    expect(logStart).toBeGreaterThan(10)
    expect(logStart).toBeLessThanOrEqual(20)
    const consumer = await broker.subscribe('logs', { group })
    expect(text(await takeMessage(consumer)).trim()).toBe(String(logStart))
  })

  test('looks by itself, as often as it is told to', async () => {
    const broker = await brokerIn(newDirectory(), { segmentBytes, retentionEveryMs: 5 })
    await broker.createTopic('logs', { retentionBytes: 300 })
    await publishEach(broker, 20)
    await expect.poll(() => broker.describeTopic('logs').log[0]?.start).toBeGreaterThan(0)
  })

  test('changes as its settings do', async () => {
    const broker = await brokerIn(newDirectory(), { segmentBytes })
    await broker.createTopic('logs')
    await publishEach(broker, 20)
    expect(await broker.enforceRetention()).toEqual([])
    expect(await broker.setRetention('logs', { retentionBytes: 300 })).toMatchObject({
      ...{ retentionBytes: 300, retentionMs: null },
    })
    expect(await broker.enforceRetention()).toHaveLength(1)
    await expect(broker.setRetention('logs', { retentionMs: 0 })).rejects.toMatchObject({
      code: 'invalid',
    })
  })
})

describe('W13: unacknowledged messages', () => {
  async function brokerWithGroup(keepUnacked: boolean) {
    const directory = newDirectory()
    const broker = await brokerIn(directory, { segmentBytes })
    await broker.createTopic('logs', { retentionBytes: 300, keepUnacked })
    await publishEach(broker, 30)
    return { directory, broker }
  }

  test('may go: each group is told once, in order with the messages', async () => {
    const { broker } = await brokerWithGroup(false)
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 5 })
    const [zero, one, two] = await takeMessages(consumer, 3)
    await zero?.ack()
    await two?.ack()
    const [{ logStart = 0 } = {}] = await broker.enforceRetention()
    const where = { type: 'gap', topic: 'logs', partition: 0 }
    expect(await take(consumer)).toEqual({ ...where, from: 1, to: 1 })
    expect(await take(consumer)).toEqual({ ...where, from: 3, to: logStart - 1 })
    expect(await takeMessage(consumer)).toMatchObject({ offset: logStart })
    // Late, and without harm.
    await one?.ack()
    await consumer.close()
    const again = await broker.subscribe('logs', { group })
    expect(await takeMessage(again)).toMatchObject({ offset: logStart })
  })

  test('what was given back may go, too', async () => {
    const { broker } = await brokerWithGroup(false)
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 5 })
    for (const message of await takeMessages(consumer, 3)) message.nack()
    const [{ logStart = 0 } = {}] = await broker.enforceRetention()
    expect(await take(consumer)).toMatchObject({ type: 'gap', from: 0, to: logStart - 1 })
    expect(await takeMessage(consumer)).toMatchObject({ offset: logStart, redelivered: false })
  })

  test('a waiting consumer is woken to be told', async () => {
    const { broker } = await brokerWithGroup(false)
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 1 })
    await takeMessage(consumer)
    const next = take(consumer)
    await broker.enforceRetention()
    expect(await next).toMatchObject({ type: 'gap', from: 0 })
  })

  test('a group that was away is told when it comes back, also behind a restart', async () => {
    const { directory, broker } = await brokerWithGroup(false)
    await (await broker.subscribe('logs', { group })).close()
    await (await broker.subscribe('logs', { group: 'other' })).close()
    const [{ logStart = 0 } = {}] = await broker.enforceRetention()
    await publishEach(broker, 30, 30)
    const [{ logStart: second = 0 } = {}] = await broker.enforceRetention()
    expect(second).toBeGreaterThan(logStart)
    await closeBroker(broker)

    const again = await brokerIn(directory, { segmentBytes })
    for (const name of [group, 'other']) {
      const consumer = await again.subscribe('logs', { group: name })
      expect(await take(consumer)).toMatchObject({ type: 'gap', from: 0, to: second - 1 })
      expect(await takeMessage(consumer)).toMatchObject({ offset: second })
      await consumer.close()
    }
    await closeBroker(again)
    const third = await brokerIn(directory, { segmentBytes })
    const consumer = await third.subscribe('logs', { group })
    expect(await takeMessage(consumer)).toMatchObject({ offset: second })
  })

  test('stay with keepUnacked, for the slowest group', async () => {
    const { broker } = await brokerWithGroup(true)
    const slow = await broker.subscribe('logs', { group: 'slow' })
    const fast = await broker.subscribe('logs', { group: 'fast' })
    const [zero] = await takeMessages(slow, 30)
    for (const message of await takeMessages(fast, 30)) await message.ack()
    expect(await broker.enforceRetention()).toEqual([])
    await zero?.ack()
    await broker.ack({ group: 'slow', topic: 'logs', partition: 0 }, [[5, 29]])
    expect(await broker.enforceRetention()).toEqual([])
    await broker.ack({ group: 'slow', topic: 'logs', partition: 0 }, [[1, 4]])
    expect(await broker.enforceRetention()).toHaveLength(1)
    await expectNothing(slow)
  })
})
