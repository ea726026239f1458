import { describe, expect, test } from 'vitest'
import {
  brokerIn,
  closeBroker,
  expectNothing,
  newDirectory,
  numbered,
  publishAll,
  takeMessage,
  takeMessages,
  text,
} from './brokers.ts'

const group = 'g'
const place = { group, topic: 'logs', partition: 0 }

async function brokerWith(bodies: readonly string[], directory = newDirectory()) {
  const broker = await brokerIn(directory)
  await broker.createTopic('logs')
  await publishAll(broker, 'logs', bodies)
  return broker
}

describe('a consumer', () => {
  test('gets in order what was published before and after it came', async () => {
    const broker = await brokerWith(['a', 'b'])
    const consumer = await broker.subscribe('logs', { group })
    expect((await takeMessages(consumer, 2)).map(text)).toEqual(['a', 'b'])
    await expectNothing(consumer)
    await broker.publish('logs', { key: 'k', body: Buffer.from('c') })
    expect(await takeMessage(consumer)).toMatchObject({
      ...{ type: 'message', topic: 'logs', partition: 0, offset: 2, key: 'k' },
      redelivered: false,
    })
  })

  test('begins at the end where it asks for the latest', async () => {
    const broker = await brokerWith(['old'])
    const consumer = await broker.subscribe('logs', { group, from: 'latest' })
    await publishAll(broker, 'logs', ['new'])
    expect(text(await takeMessage(consumer))).toBe('new')
  })

  test('W2: goes on behind what it acknowledged when the broker is opened again', async () => {
    const directory = newDirectory()
    const first = await brokerWith(numbered(10), directory)
    const consumer = await first.subscribe('logs', { group })
    for (const message of await takeMessages(consumer, 4)) await message.ack()
    await closeBroker(first)

    const second = await brokerIn(directory)
    expect(second.recovery).toEqual({ repairs: [], removed: [], made: [] })
    const again = await second.subscribe('logs', { group })
    expect((await takeMessages(again, 6)).map(text)).toEqual(numbered(6, 4))
    await expectNothing(again)
  })

  test('W5: what was acknowledged out of order does not come again', async () => {
    const directory = newDirectory()
    const first = await brokerWith(numbered(10), directory)
    const consumer = await first.subscribe('logs', { group })
    const messages = await takeMessages(consumer, 10)
    await Promise.all([9, 3, 4, 0].map((index) => messages[index]?.ack()))
    expect(first.listGroups()).toMatchObject([
      {
        group,
        subscriptions: [
          {
            topic: 'logs',
            consumers: 1,
            cursors: [
              {
                next: 1,
                ahead: [
                  [3, 4],
                  [9, 9],
                ],
                lag: 6,
              },
            ],
          },
        ],
      },
    ])
    await closeBroker(first)

    const again = await (await brokerIn(directory)).subscribe('logs', { group })
    expect((await takeMessages(again, 6)).map(text)).toEqual(['1', '2', '5', '6', '7', '8'])
    await expectNothing(again)
  })

  test('W9: two groups do not know of each other', async () => {
    const broker = await brokerWith(numbered(5))
    const one = await broker.subscribe('logs', { group: 'one' })
    for (const message of await takeMessages(one, 5)) await message.ack()
    const other = await broker.subscribe('logs', { group: 'constructor' })
    expect((await takeMessages(other, 5)).map(text)).toEqual(numbered(5))
    await expectNothing(one)
  })

  test('gets again what it gives back, and what it keeps for too long', async () => {
    const broker = await brokerWith(numbered(3))
    const consumer = await broker.subscribe('logs', { group, ackTimeoutMs: 100 })
    const [zero, one] = await takeMessages(consumer, 2)
    await zero?.ack()
    one?.nack()
    one?.nack()
    expect(await takeMessage(consumer)).toMatchObject({ offset: 1, redelivered: true })
    expect(await takeMessage(consumer)).toMatchObject({ offset: 2, redelivered: false })
    const late = await takeMessages(consumer, 2)
    expect(late).toMatchObject([
      { offset: 1, redelivered: true },
      { offset: 2, redelivered: true },
    ])
    // What was acknowledged late is acknowledged.
    await Promise.all(late.map((message) => message.ack()))
    await expectNothing(consumer, 200)
    expect(broker.stats()).toMatchObject({ inFlight: 0, consumers: 1 })
  })

  test('hands on what it has not acknowledged, when it closes', async () => {
    const broker = await brokerWith(numbered(4))
    const first = await broker.subscribe('logs', { group })
    const [zero, one] = await takeMessages(first, 3)
    await one?.ack()
    zero?.nack()
    await first.close()
    expect((await first[Symbol.asyncIterator]().next()).done).toBe(true)
    const second = await broker.subscribe('logs', { group })
    expect(await takeMessages(second, 3)).toMatchObject([
      { offset: 0, redelivered: true },
      { offset: 2, redelivered: true },
      { offset: 3, redelivered: false },
    ])
    await expectNothing(second)
  })

  test('takes nothing any more when it closes while it reads', async () => {
    const broker = await brokerWith([])
    for (let round = 0; round < 20; round += 1) {
      const first = await broker.subscribe('logs', { group })
      const next = first[Symbol.asyncIterator]().next()
      await publishAll(broker, 'logs', ['a', 'b'])
      await first.close()
      const second = await broker.subscribe('logs', { group })
      for (const message of await takeMessages(second, 2)) await message.ack()
      await second.close()
      await next
    }
  })

  test('ends, and does not fail, when the broker closes while it reads', async () => {
    const directory = newDirectory()
    await closeBroker(await brokerWith(numbered(100), directory))
    for (let round = 0; round < 5; round += 1) {
      const broker = await brokerIn(directory)
      const items = (await broker.subscribe('logs', { group }))[Symbol.asyncIterator]()
      const next = items.next()
      await Promise.resolve()
      await closeBroker(broker)
      await next
      expect(await items.next()).toEqual({ done: true, value: undefined })
    }
  })

  test('leaving the loop closes it', async () => {
    const broker = await brokerWith(numbered(4))
    for await (const item of await broker.subscribe('logs', { group })) {
      expect(item).toMatchObject({ offset: 0 })
      break
    }
    expect(broker.stats().consumers).toBe(0)
    await broker.deleteGroup(group)
  })

  test('an acknowledgement by offset frees what is in flight, in any order and again', async () => {
    const broker = await brokerWith(numbered(5))
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 2 })
    await takeMessages(consumer, 2)
    await expectNothing(consumer)
    expect(await broker.ack(place, [[1, 1]])).toEqual({ next: 0 })
    expect(await takeMessage(consumer)).toMatchObject({ offset: 2 })
    expect(await broker.ack(place, [[0, 2]])).toEqual({ next: 3 })
    expect(await broker.ack(place, [[0, 2]])).toEqual({ next: 3 })
    expect(await takeMessages(consumer, 2)).toMatchObject([{ offset: 3 }, { offset: 4 }])
    await expect(broker.ack(place, [[4, 5]])).rejects.toMatchObject({ code: 'beyond_end' })
    await expect(broker.ack({ ...place, group: 'none' }, [[0, 0]])).rejects.toMatchObject({
      code: 'not_subscribed',
    })
    await expect(broker.ack({ ...place, partition: 1 }, [[0, 0]])).rejects.toMatchObject({
      code: 'no_such_partition',
    })
  })

  test('options out of range are refused', async () => {
    const broker = await brokerWith([])
    for (const wrong of [{ maxInFlight: 0 }, { maxInFlight: 10_001 }, { ackTimeoutMs: 0 }])
      await expect(broker.subscribe('logs', { group, ...wrong })).rejects.toMatchObject({
        code: 'invalid',
      })
    await expect(broker.subscribe('logs', { group: '..' })).rejects.toMatchObject({
      code: 'invalid',
    })
  })
})

describe('seeking', () => {
  test('goes back, and a late acknowledgement of before does not count', async () => {
    const broker = await brokerWith(numbered(5))
    const consumer = await broker.subscribe('logs', { group })
    const before = await takeMessages(consumer, 4)
    await before[0]?.ack()
    expect(await broker.seek(place, 'earliest')).toEqual({ next: 0 })
    await Promise.all(before.map((message) => message.ack()))
    for (const message of before) message.nack()
    const after = await takeMessages(consumer, 5)
    expect(after.map(text)).toEqual(numbered(5))
    expect(after.some(({ redelivered }) => redelivered)).toBe(false)
    await after[1]?.ack()
    expect(broker.listGroups()).toMatchObject([
      { subscriptions: [{ cursors: [{ next: 0, ahead: [[1, 1]], lag: 4 }] }] },
    ])
  })

  test('goes on', async () => {
    const broker = await brokerWith(numbered(5))
    const consumer = await broker.subscribe('logs', { group })
    await takeMessage(consumer)
    await broker.seek(place, 3)
    expect(await takeMessages(consumer, 2)).toMatchObject([
      { offset: 3, redelivered: false },
      { offset: 4, redelivered: false },
    ])
    await broker.seek(place, 'latest')
    await expectNothing(consumer)
    await publishAll(broker, 'logs', ['new'])
    expect(await takeMessage(consumer)).toMatchObject({ offset: 5 })
  })

  test('gives nothing out until it is durable', async () => {
    const broker = await brokerWith(numbered(5))
    const consumer = await broker.subscribe('logs', { group })
    await takeMessage(consumer)
    const moved = broker.seek(place, 3)
    await new Promise(setImmediate)
    expect(await takeMessage(consumer)).toMatchObject({ offset: 3 })
    await moved
  })

  test('a refused one leaves the group where it was', async () => {
    const broker = await brokerWith(numbered(2))
    const consumer = await broker.subscribe('logs', { group })
    await takeMessages(consumer, 2)
    await expect(broker.seek(place, 3)).rejects.toMatchObject({
      code: 'out_of_range',
      details: { start: 0, end: 2 },
    })
    expect(await takeMessages(consumer, 2)).toMatchObject([
      { offset: 0, redelivered: true },
      { offset: 1, redelivered: true },
    ])
    await expect(broker.seek({ ...place, group: 'none' }, 0)).rejects.toMatchObject({
      code: 'not_subscribed',
    })
  })
})

describe('a group', () => {
  test('is not deleted while somebody is connected', async () => {
    const broker = await brokerWith(numbered(2))
    const consumer = await broker.subscribe('logs', { group })
    const message = await takeMessage(consumer)
    await expect(broker.deleteGroup(group)).rejects.toMatchObject({
      code: 'group_in_use',
      details: { group, consumers: 1 },
    })
    await consumer.close()
    await broker.deleteGroup(group)
    expect(broker.listGroups()).toEqual([])
    await expect(broker.deleteGroup(group)).rejects.toMatchObject({ code: 'no_such_group' })
    // Another one of the same name begins anew, whatever is acknowledged of the one before.
    const again = await broker.subscribe('logs', { group })
    await expect(message.ack()).rejects.toMatchObject({ code: 'no_such_group' })
    expect(await takeMessage(again)).toMatchObject({ offset: 0, redelivered: false })
  })
})

describe('W16: a slow consumer', () => {
  test('is given no more than its credits', async () => {
    const broker = await brokerWith(numbered(50))
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 7 })
    const messages = await takeMessages(consumer, 7)
    await expectNothing(consumer)
    expect(broker.stats().inFlight).toBe(7)
    await messages[3]?.ack()
    expect(text(await takeMessage(consumer))).toBe('7')
    await expectNothing(consumer)
    messages[0]?.nack()
    expect(await takeMessage(consumer)).toMatchObject({ offset: 0, redelivered: true })
  })

  test('costs a few messages of memory, however many wait', async () => {
    const broker = await brokerIn(newDirectory(), { segmentBytes: 2 ** 20 })
    await broker.createTopic('logs', { partitions: 4 })
    const body = Buffer.alloc(2 ** 19, 'x')
    for (let batch = 0; batch < 16; batch += 1)
      await broker.publishBatch(
        'logs',
        Array.from({ length: 8 }, () => ({ body })),
      )
    const total = broker.stats().bytes
    expect(total).toBeGreaterThan(60 * 2 ** 20)
    const consumer = await broker.subscribe('logs', { group, maxInFlight: 10_000 })
    const before = process.memoryUsage().arrayBuffers
    await takeMessage(consumer)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const after = process.memoryUsage().arrayBuffers
    expect(after - before).toBeLessThan(8 * 2 ** 20)
  })
})
