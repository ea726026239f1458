// One group on one topic: its consumers, and who of them has which partition.

import type { Partition } from '../messages/types.ts'
import type { Range } from '../metadata/cursor.ts'
import type { MetadataStore } from '../metadata/definition.ts'
import { subscriptionOf } from '../metadata/groups.ts'
import { assign } from './assignment.ts'
import { GroupConsumer, type Limits, type Membership } from './consumer.ts'
import type { BrokerError } from './errors.ts'
import { Lane } from './lane.ts'
import { refusing } from './refusal.ts'
import type { Consumer, Gap } from './types.ts'

export class LiveGroup implements Membership {
  readonly topic: string
  readonly group: string
  /** In the order in which they joined. */
  readonly consumers = new Set<GroupConsumer>()
  readonly #store: MetadataStore
  readonly #lanes: Lane[] = []
  #over: BrokerError | undefined

  constructor(store: MetadataStore, topic: string, group: string, logs: readonly Partition[]) {
    this.#store = store
    this.topic = topic
    this.group = group
    this.extend(logs)
  }

  /** The topic has these partitions now. */
  extend(logs: readonly Partition[]): void {
    for (const [index, log] of logs.entries())
      this.#lanes[index] ??= new Lane(index, log, () => this.#subscription()?.cursors[index])
    this.#rebalance()
  }

  get inFlight(): number {
    return [...this.consumers].reduce((sum, { inFlight }) => sum + inFlight.size, 0)
  }

  join(limits: Limits): Consumer {
    const consumer = new GroupConsumer(this, limits)
    this.consumers.add(consumer)
    this.#rebalance()
    return consumer
  }

  leave(consumer: GroupConsumer): void {
    this.consumers.delete(consumer)
    this.#rebalance()
  }

  /** With an error where the group or the topic is gone: another one of the same name has nothing to do with it. */
  end(error?: BrokerError): void {
    this.#over ??= error
    for (const consumer of [...this.consumers]) consumer.end(error)
  }

  /** There is more in this partition. */
  wake(partition: number): void {
    this.#lanes[partition]?.owner?.wake()
  }

  get hasGaps(): boolean {
    return (this.#subscription()?.gaps.length ?? 0) > 0
  }

  /** It is written before it is reported: another consumer, or the next process, does not tell it again. */
  async takeGap({ index: partition }: Lane): Promise<Gap | undefined> {
    if (!this.#subscription()?.gaps.some((gap) => gap.partition === partition)) return undefined
    const { topic, group } = this
    const { value } = await refusing(this.#store.execute('takeGap', { topic, group, partition }))
    return value.gap && { type: 'gap', topic, ...value.gap }
  }

  async acknowledge({ index, log }: Lane, offset: number): Promise<void> {
    await this.acknowledgeRanges(index, log.end, [[offset, offset]])
  }

  async acknowledgeRanges(
    partition: number,
    end: number,
    ranges: readonly Range[],
  ): Promise<{ next: number }> {
    if (this.#over) throw this.#over
    const { topic, group } = this
    const given = ranges.map(([from, to]): [number, number] => [from, to])
    const input = { topic, group, partition, ranges: given, end }
    const { value } = await refusing(this.#store.execute('acknowledge', input))
    this.#lanes[partition]?.settle(ranges)
    return value
  }

  /** What is in flight is void from the call on, because the next acknowledgement is decided after the seek. */
  async seek(
    partition: number,
    end: number,
    to: number | 'earliest' | 'latest',
  ): Promise<{ next: number }> {
    const { topic, group } = this
    const lane = this.#lanes[partition]
    lane?.beginSeek()
    try {
      const input = { topic, group, partition, to, end }
      const { value } = await refusing(this.#store.execute('moveTo', input))
      lane?.endSeek(value.next)
      return value
    } catch (error) {
      lane?.endSeek()
      throw error
    }
  }

  #subscription() {
    return subscriptionOf(this.#store.state, this)
  }

  #rebalance(): void {
    const members = [...this.consumers]
    const owners = assign(
      this.#lanes.map(({ owner }) => members.find((member) => member === owner)),
      members,
    )
    for (const [index, lane] of this.#lanes.entries())
      if (lane.owner !== owners[index]) lane.giveTo(owners[index])
    for (const consumer of members)
      consumer.lanes = this.#lanes.filter(({ owner }) => owner === consumer)
  }
}
