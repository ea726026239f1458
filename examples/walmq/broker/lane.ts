// A group's way through one partition: what it has read, delivered, and has to deliver again.

import type { Partition, StoredMessage } from '../messages/types.ts'
import {
  firstUnacknowledged,
  isAcknowledged,
  type Range,
  type ReadonlyCursor,
} from '../metadata/cursor.ts'
import { BrokerError } from './errors.ts'

/** Who consumes it now. */
export interface Owner {
  /** In the order of their deadlines. */
  readonly inFlight: Set<InFlight>
  /** There may be something for it. */
  wake(): void
}

/** Delivered, and neither acknowledged nor given back. */
export interface InFlight {
  readonly lane: Lane
  readonly offset: number
  /** By `performance.now()`. */
  readonly deadline: number
}

export interface ReadLimits {
  readonly messages: number
  readonly bytes: number
}

export class Lane {
  readonly index: number
  readonly log: Partition
  readonly #getCursor: () => ReadonlyCursor | undefined
  readonly #inFlight = new Map<number, InFlight>()
  #owner: Owner | undefined
  /** What was read under an earlier lease is not delivered any more. */
  #lease = {}
  #seeks = 0
  /** Under way. */
  #seeking = 0
  /** Nothing is read from here on yet. */
  #position = 0
  /** Everything that was ever delivered is below: what comes again from there is `redelivered`. */
  #reached = 0
  /** Given back: sorted, below `#position`. */
  #again: number[] = []

  constructor(index: number, log: Partition, getCursor: () => ReadonlyCursor | undefined) {
    this.index = index
    this.log = log
    this.#getCursor = getCursor
  }

  get owner(): Owner | undefined {
    return this.#owner
  }
  get lease(): object {
    return this.#lease
  }
  /** How often the group was moved: an acknowledgement of what was delivered before does not count. */
  get seeks(): number {
    return this.#seeks
  }

  /** What its owner had is void, and goes to the next one, from the group's cursor on. */
  giveTo(owner: Owner | undefined): void {
    for (const entry of this.#inFlight.values()) this.#owner?.inFlight.delete(entry)
    this.#owner?.wake()
    this.#inFlight.clear()
    this.#again = []
    this.#lease = {}
    this.#position = 0
    this.#owner = owner
    owner?.wake()
  }

  /** From here on, acknowledgements of what was delivered do not count, and nothing is delivered. */
  beginSeek(): void {
    this.#seeks += 1
    this.#seeking += 1
    this.giveTo(this.#owner)
  }

  /** To be called when the cursor was moved; or was not: then everything in flight comes again. */
  endSeek(to?: number): void {
    this.#seeking -= 1
    this.#reached = to ?? this.#reached
    this.giveTo(this.#owner)
  }

  /** What follows, but for what is acknowledged. May be nothing though there is more: ask again. */
  async readOn(options: ReadLimits): Promise<readonly StoredMessage[]> {
    const cursor = this.#getCursor()
    if (!cursor) return []
    this.#position = firstUnacknowledged(cursor, this.#position)
    if (this.#position >= this.log.end) return []
    const lease = this.#lease
    const messages = await this.#read(this.#position, options)
    if (lease !== this.#lease) return []
    this.#position = (messages.at(-1)?.offset ?? this.#position - 1) + 1
    return messages
  }

  get hasMore(): boolean {
    const cursor = this.#getCursor()
    if (!cursor || this.#seeking > 0) return false
    return firstUnacknowledged(cursor, this.#position) < this.log.end
  }

  get hasAgain(): boolean {
    return this.#again.length > 0
  }

  /** The first of what was given back, and what follows it without a gap. */
  async readAgain({ messages, bytes }: ReadLimits): Promise<readonly StoredMessage[]> {
    this.#again = this.#again.filter((offset) => this.isWanted(offset))
    const first = this.#again[0]
    if (first === undefined) return []
    const gap = this.#again.findIndex((offset, index) => offset !== first + index)
    const run = this.#again.splice(0, gap < 0 ? messages : Math.min(messages, gap))
    const lease = this.#lease
    const read = await this.#read(first, { messages: run.length, bytes })
    // A read stops when it has enough bytes.
    if (lease === this.#lease) for (const offset of run.slice(read.length)) this.#giveBack(offset)
    return read
  }

  async #read(from: number, options: ReadLimits): Promise<StoredMessage[]> {
    try {
      return await this.log.read(from, options)
    } catch (error) {
      const isTrimmed = error instanceof BrokerError && error.code === 'out_of_range'
      // Retention was faster: the cursor is past it, or will be.
      if (isTrimmed && !this.isWanted(from)) return []
      throw error
    }
  }

  isWanted(offset: number): boolean {
    const cursor = this.#getCursor()
    return cursor !== undefined && !isAcknowledged(cursor, offset)
  }

  /** Now it is in flight. */
  deliver(offset: number, deadline: number): { entry: InFlight; redelivered: boolean } {
    const entry = { lane: this, offset, deadline }
    const redelivered = offset < this.#reached
    this.#reached = Math.max(this.#reached, offset + 1)
    this.#inFlight.set(offset, entry)
    this.#owner?.inFlight.add(entry)
    return { entry, redelivered }
  }

  /** To be delivered again, unless it is void. */
  giveBack(entry: InFlight): void {
    if (this.#inFlight.get(entry.offset) !== entry) return
    this.#land(entry)
    this.#giveBack(entry.offset)
    this.#owner?.wake()
  }

  #giveBack(offset: number): void {
    const before = this.#again.findLastIndex((other) => other < offset)
    this.#again.splice(before + 1, 0, offset)
  }

  /** They are acknowledged. */
  settle(ranges: readonly Range[]): void {
    for (const [from, to] of ranges) {
      if (to - from < this.#inFlight.size) {
        for (let offset = from; offset <= to; offset += 1) this.#land(this.#inFlight.get(offset))
      } else {
        for (const entry of this.#inFlight.values())
          if (from <= entry.offset && entry.offset <= to) this.#land(entry)
      }
    }
    this.#owner?.wake()
  }

  #land(entry: InFlight | undefined): void {
    if (!entry) return
    this.#inFlight.delete(entry.offset)
    this.#owner?.inFlight.delete(entry)
  }
}
