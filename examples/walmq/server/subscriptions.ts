// The subscriptions of one connection: what consumers are given goes out as the peer reads it.
import { BrokerError } from '../broker/errors.ts'
import type { Broker, Consumer, Delivery } from '../broker/types.ts'
import type { Outlet } from './outlet.ts'
import type { Args, Data } from './protocol.ts'
import { deliveryEvent, wireError } from './wire.ts'

const MAX_IN_FLIGHT = 100

interface Subscription {
  readonly consumer: Consumer
  readonly maxInFlight: number
  /** Not settled here, by partition and offset: in the order of delivery. */
  readonly delivered: Map<string, Delivered>
}
/** Not the delivery itself: its body would stay in memory. */
type Delivered = Pick<Delivery, 'partition' | 'offset' | 'ack' | 'nack'>
type Range = readonly [from: number, to: number]

export interface SubscriptionsOptions {
  readonly broker: Broker
  readonly outlet: Outlet
  /** At most so many. */
  readonly most: number
  readonly onError: (error: unknown) => void
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #open = new Map<string, Subscription>()
  readonly #running = new Set<Promise<void>>()
  #names = 0
  #count = 0
  /** Why all of them end. */
  #closed: BrokerError | undefined

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  async subscribe({
    topic,
    group,
    from,
    max_in_flight: maxInFlight = MAX_IN_FLIGHT,
    ack_timeout_ms: ackTimeoutMs,
  }: Args['subscribe']): Promise<Data['subscribe']> {
    const { broker, most } = this.#options
    if (this.#count >= most) {
      throw new BrokerError('too_many', `a connection has at most ${most} subscriptions`)
    }
    this.#count += 1
    try {
      const consumer = await broker.subscribe(topic, { group, from, maxInFlight, ackTimeoutMs })
      if (this.#closed) {
        await consumer.close()
        throw this.#closed
      }
      this.#names += 1
      const sub = `s${this.#names}`
      const subscription = { consumer, maxInFlight, delivered: new Map<string, Delivered>() }
      this.#open.set(sub, subscription)
      // After the answer: a peer that does not know the subscription yet could not use a message.
      setImmediate(() => this.#run(sub, subscription))
      return { sub, partitions: [...consumer.partitions] }
    } catch (error) {
      this.#count -= 1
      throw error
    }
  }

  async unsubscribe({ sub }: Args['unsubscribe']): Promise<Data['unsubscribe']> {
    await this.#find(sub).consumer.close()
    return {}
  }

  async ack(sub: string, partition: number, ranges: readonly Range[]): Promise<Data['ack']> {
    const { consumer, delivered } = this.#find(sub)
    const found = within(delivered, partition, ranges)
    // A delivery knows whether the group was moved since. Ranges with others in them do not.
    const isAll = found.length === countOf(ranges)
    const { group, topic } = consumer
    if (isAll) await Promise.all(found.map(([, delivery]) => delivery.ack()))
    else await this.#options.broker.ack({ group, topic, partition }, ranges)
    for (const [key] of found) delivered.delete(key)
    return {}
  }

  nack({ sub, partition, offsets }: Args['nack']): Data['nack'] {
    const { delivered } = this.#find(sub)
    const found = within(delivered, partition, offsets)
    for (const [key, delivery] of found) {
      delivered.delete(key)
      delivery.nack()
    }
    return { nacked: found.length }
  }

  /** Their messages go to other consumers. */
  async close(reason: BrokerError): Promise<void> {
    this.#closed ??= reason
    await Promise.all([...this.#open.values()].map(({ consumer }) => consumer.close()))
    await Promise.all(this.#running)
  }

  #find(sub: string): Subscription {
    const found = this.#open.get(sub)
    if (found) return found
    throw new BrokerError('no_such_subscription', `this connection has no subscription ${sub}`)
  }

  #run(sub: string, subscription: Subscription): void {
    const running = this.#deliver(sub, subscription).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #deliver(sub: string, { consumer, delivered, maxInFlight }: Subscription): Promise<void> {
    const { outlet, onError } = this.#options
    let reason: unknown
    try {
      for await (const item of consumer) {
        if (item.type === 'message') {
          const { partition, offset, ack, nack } = item
          delivered.set(keyOf(partition, offset), { partition, offset, ack, nack })
          // What is more than can be in flight timed out, or is another consumer's by now.
          const [oldest] = delivered.keys()
          if (delivered.size > maxInFlight && oldest !== undefined) delivered.delete(oldest)
        }
        outlet.send(deliveryEvent(sub, item))
        // Nothing more is taken from the consumer until the peer has read this.
        await outlet.drained()
      }
    } catch (error) {
      reason = error
    }
    this.#open.delete(sub)
    this.#count -= 1
    reason ??= this.#closed
    const error = reason === undefined ? {} : { error: wireError(reason, onError) }
    outlet.send({ event: 'end', sub, ...error })
  }
}

const countOf = (ranges: readonly Range[]) =>
  ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)

/** Those that are there: ranges may name millions that are not. */
function within(
  delivered: ReadonlyMap<string, Delivered>,
  partition: number,
  ranges: readonly Range[],
): (readonly [key: string, delivered: Delivered])[] {
  if (countOf(ranges) > delivered.size) {
    return [...delivered].filter(
      ([, each]) =>
        each.partition === partition &&
        ranges.some(([from, to]) => from <= each.offset && each.offset <= to),
    )
  }
  const found: [string, Delivered][] = []
  for (const [from, to] of ranges) {
    for (let offset = from; offset <= to; offset += 1) {
      const key = keyOf(partition, offset)
      const each = delivered.get(key)
      if (each) found.push([key, each])
    }
  }
  return found
}

const keyOf = (partition: number, offset: number) => `${partition}/${offset}`
