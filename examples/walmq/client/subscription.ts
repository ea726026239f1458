// What the server pushes for one subscription, to be taken one by one.
import type { BrokerError } from '../broker/errors.ts'
import type { Delivery, Gap } from '../broker/types.ts'
import type { Event } from '../server/protocol.ts'
import type { Client } from './client.ts'

export interface ClientDelivery extends Omit<Delivery, 'nack'> {
  /** To be delivered again, to any consumer of the group. */
  nack(): Promise<void>
}
type Pushed = Exclude<Event, { event: 'end' }>

export class Subscription implements AsyncIterable<ClientDelivery | Gap> {
  /** Its name in this connection. */
  readonly sub: string
  readonly #client: Client
  #items: (ClientDelivery | Gap)[] = []
  #wake: (() => void) | undefined
  #isEnded = false
  #error: BrokerError | undefined

  constructor(client: Client, sub: string) {
    this.#client = client
    this.sub = sub
  }

  /**
   * Ends when the subscription is closed; throws where the connection or the server ends it. Leaving the
   * loop closes nothing: what was delivered can still be acknowledged.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ClientDelivery | Gap, void> {
    for (;;) {
      // Not shift(): that would be slow where thousands wait.
      const items = this.#items
      this.#items = []
      yield* items
      if (this.#items.length > 0) continue
      if (this.#error) throw this.#error
      if (this.#isEnded) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async close(): Promise<void> {
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

  /** For the client alone. */
  end(error: BrokerError | undefined): void {
    this.#isEnded = true
    this.#error ??= error
    this.#wake?.()
  }
}
