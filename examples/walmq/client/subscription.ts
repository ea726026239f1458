// What the server pushes for one subscription, to be taken one by one.
import type { BrokerError } from '../broker/errors.ts'
import type { Delivery, Gap } from '../broker/types.ts'
import type { Event } from '../server/protocol.ts'
import type { Client } from './client.ts'

export interface ClientDelivery extends Omit<Delivery, 'nack'> {
  /** To be delivered again, to any consumer of the group. */
  nack(): Promise<void>
}
/** Handed out, and not yet dropped. */
const MOST_TAKEN = 1000

type Pushed = Exclude<Event, { event: 'end' }>

export class Subscription implements AsyncIterable<ClientDelivery | Gap> {
  /** Its name in this connection. */
  readonly sub: string
  readonly #client: Client
  readonly #items: (ClientDelivery | Gap)[] = []
  /** How many of them were handed out. */
  #taken = 0
  #wake: (() => void) | undefined
  #isEnded = false
  #isClosed = false
  #error: BrokerError | undefined

  constructor(client: Client, sub: string) {
    this.#client = client
    this.sub = sub
  }

  /**
   * Ends at once when the subscription is closed; throws where the connection or the server ends it. Leaving
   * the loop closes nothing: what was delivered can still be acknowledged, and another loop continues after it.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ClientDelivery | Gap, void> {
    for (;;) {
      // The rest is delivered again to the next consumer: this one must not acknowledge it.
      if (this.#isClosed) return
      const item = this.#next()
      if (item) yield item
      else if (this.#error) throw this.#error
      else if (this.#isEnded) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake?.()
    if (!this.#isEnded) await this.#client.request('unsubscribe', { sub: this.sub })
  }

  /** For the client alone. */
  push(event: Pushed): void {
    const { topic, partition } = event
    if (event.event === 'gap') {
      this.#items.push({ type: 'gap', topic, partition, from: event.from, to: event.to })
    } else {
      const { offset, ts, redelivered } = event
      const place = { sub: this.sub, partition, offsets: [offset] }
      this.#items.push({
        type: 'message',
        topic,
        partition,
        offset,
        ts,
        key: event.key ?? undefined,
        body: Buffer.from(event.body_b64, 'base64'),
        redelivered,
        ack: async () => void (await this.#client.request('ack', place)),
        nack: async () => void (await this.#client.request('nack', place)),
      })
    }
    this.#wake?.()
  }

  /** Not shift(), which is slow where thousands wait. */
  #next(): ClientDelivery | Gap | undefined {
    if (this.#taken === this.#items.length || this.#taken === MOST_TAKEN) {
      this.#items.splice(0, this.#taken)
      this.#taken = 0
    }
    const item = this.#items[this.#taken]
    if (item) this.#taken += 1
    return item
  }

  /** For the client alone. */
  end(error: BrokerError | undefined): void {
    this.#isEnded = true
    this.#error ??= error
    this.#wake?.()
  }
}
