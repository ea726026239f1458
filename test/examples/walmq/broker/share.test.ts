import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { assign } from '../../../../examples/walmq/broker/assignment.ts'
import type { Consumer } from '../../../../examples/walmq/broker/types.ts'
import {
  brokerIn,
  expectNothing,
  newDirectory,
  numbered,
  publishAll,
  take,
  takeMessages,
} from './brokers.ts'

const group = 'g'

describe('assignment', () => {
  const change = fc.record({ joins: fc.boolean(), who: fc.nat() })
  const changes = fc.tuple(fc.nat({ max: 20 }), fc.array(change, { maxLength: 30 }))

  test('is complete, balanced, and moves as few partitions as that allows', () => {
    fc.assert(
      fc.property(changes, ([partitions, steps]) => {
        let members: number[] = []
        let owners: (number | undefined)[] = Array.from({ length: partitions }, () => undefined)
        let next = 0
        for (const { joins, who } of steps) {
          if (joins || members.length === 0) members.push(next++)
          else members = members.filter((_, index) => index !== who % members.length)
          const before = owners
          owners = assign(owners, members)
          if (members.length === 0) {
            expect(owners).toEqual(before.map(() => undefined))
            continue
          }
          const counts = members.map((member) => owners.filter((one) => one === member).length)
          expect(counts.reduce((one, other) => one + other)).toBe(partitions)
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
          // Everybody keeps up to its share, and of those who had more, as many as can keep one more.
          const share = Math.floor(partitions / members.length)
          const had = members.map((member) => before.filter((owner) => owner === member).length)
          const kept = before.filter(
            (owner, index) => owner !== undefined && owner === owners[index],
          )
          const withMore = had.filter((count) => count > share).length
          const most = had.reduce((sum, count) => sum + Math.min(count, share), 0)
          expect(kept).toHaveLength(most + Math.min(withMore, partitions % members.length))
        }
      }),
    )
  })
})

describe('W10: consumers of one group', () => {
  test('share the partitions, and take over those of one that closes', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs', { partitions: 4 })
    await publishAll(broker, 'logs', numbered(40))
    const one = await broker.subscribe('logs', { group })
    expect(one.partitions).toEqual([0, 1, 2, 3])
    const other = await broker.subscribe('logs', { group })
    expect([one.partitions, other.partitions]).toEqual([
      [0, 1],
      [2, 3],
    ])
    const ofOne = await takeMessages(one, 20)
    const ofOther = await takeMessages(other, 20)
    expect(new Set(ofOne.map(({ partition }) => partition))).toEqual(new Set([0, 1]))
    expect(new Set(ofOther.map(({ partition }) => partition))).toEqual(new Set([2, 3]))
    await Promise.all(ofOther.slice(0, 15).map((message) => message.ack()))

    await other.close()
    expect(one.partitions).toEqual([0, 1, 2, 3])
    const left = ofOther.slice(15)
    const taken = await takeMessages(one, 5)
    const keyOf = ({ partition, offset }: { partition: number; offset: number }) =>
      `${partition}:${offset}`
    expect(taken.map(keyOf).sort()).toEqual(left.map(keyOf).sort())
    expect(taken.every(({ redelivered }) => redelivered)).toBe(true)
    await expectNothing(one)
  })

  test('one that has no partition waits for one', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs')
    const one = await broker.subscribe('logs', { group })
    const other = await broker.subscribe('logs', { group })
    expect(other.partitions).toEqual([])
    const next = take(other)
    await one.close()
    await publishAll(broker, 'logs', ['a'])
    expect(await next).toMatchObject({ offset: 0 })
  })

  test('what was delivered before a partition moved can be acknowledged behind it', async () => {
    const broker = await brokerIn(newDirectory())
    await broker.createTopic('logs', { partitions: 2 })
    await publishAll(broker, 'logs', numbered(4))
    const one = await broker.subscribe('logs', { group })
    const messages = await takeMessages(one, 4)
    const other = await broker.subscribe('logs', { group })
    expect(other.partitions).toEqual([1])
    await Promise.all(messages.map((message) => message.ack()))
    await expectNothing(other)
    expect(broker.stats().inFlight).toBe(0)
  })
})

type Step =
  | { readonly kind: 'publish'; readonly count: number }
  | { readonly kind: 'join'; readonly maxInFlight: number }
  | { readonly kind: 'take'; readonly who: number }
  | { readonly kind: 'close'; readonly who: number }
  | { readonly kind: 'ack'; readonly which: number }
  | { readonly kind: 'nack'; readonly which: number }

describe('whoever joins, leaves, acknowledges and gives back', () => {
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('join' as const), maxInFlight: fc.constantFrom(1, 3, 100) }),
      fc.record({ kind: fc.constant('take' as const), who: fc.nat() }),
      fc.record({ kind: fc.constant('take' as const), who: fc.nat() }),
      fc.record({ kind: fc.constant('close' as const), who: fc.nat() }),
      fc.record({ kind: fc.constant('ack' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('nack' as const), which: fc.nat() }),
    ),
    { maxLength: 50 },
  )

  test('nothing acknowledged comes again, new ones come in order, and all come in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (partitions, all) => {
        const broker = await brokerIn(newDirectory())
        await broker.createTopic('logs', { partitions })
        await new Play(broker, partitions).run(all)
        await broker.close()
      }),
      { numRuns: 40 },
    )
  })
})

class Play {
  readonly #broker: Awaited<ReturnType<typeof brokerIn>>
  readonly #consumers: Consumer[] = []
  readonly #messages: Awaited<ReturnType<typeof takeMessages>> = []
  readonly #acknowledged = new Set<string>()
  readonly #reached: number[]
  #published = 0

  constructor(broker: Awaited<ReturnType<typeof brokerIn>>, partitions: number) {
    this.#broker = broker
    this.#reached = Array.from({ length: partitions }, () => -1)
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step)
    for (const consumer of this.#consumers) await consumer.close()
    const last = await this.#broker.subscribe('logs', { group })
    for (let left = this.#published - this.#acknowledged.size; left > 0; left -= 1) {
      await this.#receive(last)
      await this.#messages.at(-1)?.ack()
    }
    await expectNothing(last, 5)
    const cursors = this.#broker.listGroups()[0]?.subscriptions[0]?.cursors ?? []
    expect(cursors.every(({ lag, ahead }) => lag === 0 && ahead.length === 0)).toBe(true)
  }

  async #step(step: Step): Promise<void> {
    if (step.kind === 'publish') {
      await publishAll(this.#broker, 'logs', numbered(step.count))
      this.#published += step.count
    } else if (step.kind === 'join') {
      const { maxInFlight } = step
      this.#consumers.push(await this.#broker.subscribe('logs', { group, maxInFlight }))
    } else if (step.kind === 'close') {
      const [consumer] = this.#consumers.splice(step.who % (this.#consumers.length || 1), 1)
      await consumer?.close()
    } else if (step.kind === 'take') {
      const consumer = this.#consumers[step.who % this.#consumers.length]
      if (consumer) await this.#receive(consumer, 5)
    } else {
      const message = this.#messages[step.which % this.#messages.length]
      if (step.kind === 'nack') message?.nack()
      else if (message) {
        await message.ack()
        this.#acknowledged.add(`${message.partition}:${message.offset}`)
      }
    }
  }

  /** With a limit: where nothing comes within so many milliseconds, it is waited for no longer. */
  async #receive(consumer: Consumer, ms?: number): Promise<void> {
    if (
      ms !== undefined &&
      (await expectNothing(consumer, ms).then(
        () => true,
        () => false,
      ))
    )
      return
    const [message] = await takeMessages(consumer, 1)
    if (!message) return
    const { partition, offset, redelivered } = message
    expect(this.#acknowledged).not.toContain(`${partition}:${offset}`)
    if (offset <= (this.#reached[partition] ?? -1)) expect(redelivered).toBe(true)
    // One that was sent to somebody who did not look any more may come as redelivered at first.
    else this.#reached[partition] = offset
    this.#messages.push(message)
  }
}
