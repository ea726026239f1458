// One member of a group: takes from its lanes what its credits allow, and waits where there is nothing.
import type { StoredMessage } from '../messages/types.ts'
import { Bell } from './bell.ts'
import type { BrokerError } from './errors.ts'
import type { InFlight, Lane, Owner, ReadLimits } from './lane.ts'
import type { Consumer, Delivery, Gap } from './types.ts'

/** Read ahead, at most: twice this and two messages. */
const READ_BYTES = 2 ** 20
const READ_MESSAGES = 100

/** What a consumer needs of its group. */
export interface Membership {
  readonly topic: string
  readonly group: string
  readonly hasGaps: boolean
  leave(consumer: GroupConsumer): void
  acknowledge(lane: Lane, offset: number): Promise<void>
  /** Undefined if no one has to be told of one. */
  takeGap(lane: Lane): Promise<Gap | undefined>
}

export interface Limits {
  readonly maxInFlight: number
  readonly ackTimeoutMs: number
}
interface Ready {
  readonly lane: Lane
  readonly lease: object
  readonly message: StoredMessage
}
type Read = (lane: Lane, limits: ReadLimits) => Promise<readonly StoredMessage[]>

export class GroupConsumer implements Consumer, Owner {
  readonly inFlight = new Set<InFlight>()
  /** Those of its partitions; the group sets them. */
  lanes: readonly Lane[] = []
  readonly #membership: Membership
  readonly #limits: Limits
  readonly #bell = new Bell()
  readonly #items: AsyncGenerator<Delivery | Gap, void>
  /** Read and not delivered: what others gave back, and what is new. */
  readonly #again: Ready[] = []
  readonly #fresh: Ready[] = []
  /** Which lane is asked first: they take turns. */
  #turn = 0
  #timer: NodeJS.Timeout | undefined
  #end: { readonly error: BrokerError | undefined } | undefined

  constructor(membership: Membership, limits: Limits) {
    this.#membership = membership
    this.#limits = limits
    this.#items = this.#iterate()
  }

  get topic(): string {
    return this.#membership.topic
  }
  get group(): string {
    return this.#membership.group
  }
  get partitions(): readonly number[] {
    return this.lanes.map(({ index }) => index)
  }

  /** The same one each time: what was taken from it does not come again. Leaving the loop closes. */
  [Symbol.asyncIterator](): AsyncGenerator<Delivery | Gap, void> {
    return this.#items
  }

  async close(): Promise<void> {
    this.end()
  }

  /** Of its own will, or since the topic is gone or the broker closes. */
  end(error?: BrokerError): void {
    if (this.#end) return
    this.#end = { error }
    clearTimeout(this.#timer)
    this.#again.length = 0
    this.#fresh.length = 0
    this.lanes = []
    this.#membership.leave(this)
    this.wake()
  }

  wake(): void {
    this.#bell.ring()
  }

  async *#iterate(): AsyncGenerator<Delivery | Gap, void> {
    try {
      while (!this.#end) {
        const rung = this.#bell.listen()
        const item = await this.#take()
        if (item) yield item
        else if (!this.#end) await rung
      }
    } catch (error) {
      // Its partition was closed while it read: why, the end knows.
      if (!this.#end) throw error
    } finally {
      this.end()
    }
    if (this.#end?.error) throw this.#end.error
  }

  async #take(): Promise<Delivery | Gap | undefined> {
    const gap = await this.#takeGap()
    if (gap) return gap
    if (this.inFlight.size >= this.#limits.maxInFlight) return undefined
    return (await this.#nextAgain()) ?? (await this.#nextFresh())
  }

  async #takeGap(): Promise<Gap | undefined> {
    if (!this.#membership.hasGaps) return undefined
    for (const lane of this.lanes) {
      const gap = await this.#membership.takeGap(lane)
      if (gap) return gap
    }
    return undefined
  }

  #nextAgain = (): Promise<Delivery | undefined> =>
    this.#next(
      this.#again,
      (lane) => lane.hasAgain,
      (lane, most) => lane.readAgain(most),
    )

  #nextFresh = (): Promise<Delivery | undefined> =>
    this.#next(
      this.#fresh,
      (lane) => lane.hasMore,
      (lane, most) => lane.readOn(most),
    )

  /** The first that is still wanted: retention, an acknowledgement or another owner may have been faster. */
  async #next(
    buffer: Ready[],
    hasSome: (lane: Lane) => boolean,
    read: Read,
  ): Promise<Delivery | undefined> {
    for (;;) {
      for (let ready = buffer.shift(); ready; ready = buffer.shift()) {
        const { lane, lease, message } = ready
        if (lane.lease === lease && lane.isWanted(message.offset)) return this.#deliver(ready)
      }
      const lane = this.#choose(hasSome)
      if (!lane) return undefined
      const { lease } = lane
      const messages = Math.min(READ_MESSAGES, this.#limits.maxInFlight - this.inFlight.size)
      for (const message of await read(lane, { messages, bytes: READ_BYTES }))
        buffer.push({ lane, lease, message })
    }
  }

  /** Lanes take turns. */
  #choose(hasSome: (lane: Lane) => boolean): Lane | undefined {
    const some = this.lanes.filter(hasSome)
    const lane = some.find(({ index }) => index >= this.#turn) ?? some[0]
    if (lane) this.#turn = lane.index + 1
    return lane
  }

  #deliver({ lane, message: { offset, ts, key, body } }: Ready): Delivery {
    const { seeks } = lane
    const deadline = performance.now() + this.#limits.ackTimeoutMs
    const { entry, redelivered } = lane.deliver(offset, deadline)
    this.#timer ??= this.#setTimer(deadline)
    const { topic } = this
    return {
      ...({ type: 'message', topic, partition: lane.index } as const),
      offset,
      ts,
      key,
      body,
      redelivered,
      // Where the group was moved since, this would acknowledge what it was moved back to.
      ack: async () => {
        if (lane.seeks === seeks) await this.#membership.acknowledge(lane, offset)
      },
      nack: () => lane.giveBack(entry),
    }
  }

  /** One for all that is in flight: deadlines are in the order of deliveries. */
  #setTimer(deadline: number): NodeJS.Timeout {
    const wait = Math.max(1, Math.ceil(deadline - performance.now()))
    return setTimeout(() => this.#giveBackLate(), wait).unref()
  }

  #giveBackLate(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const entry of this.inFlight) {
      if (entry.deadline > now) {
        this.#timer = this.#setTimer(entry.deadline)
        return
      }
      entry.lane.giveBack(entry)
    }
  }
}
