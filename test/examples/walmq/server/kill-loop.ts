// A server that is killed again and again while it is published to and read from; and what everybody
// was answered, to be compared with what is there in the end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../../../examples/walmq/client/client.ts'
import { connect } from '../../../../examples/walmq/client/client.ts'
import { serve } from './processes.ts'

const TOPIC = 'load'
export const PUBLISHERS = ['ann', 'ben', 'cem']
const GROUPS = ['in-order', 'out-of-order'] as const
type Group = (typeof GROUPS)[number]
const AT_ONCE = 4

export interface Message {
  readonly partition: number
  readonly offset: number
  /** Who published it, and as the how many-th. */
  readonly body: string
}
export interface Outcome {
  readonly asked: ReadonlySet<string>
  /** By body. */
  readonly answered: ReadonlyMap<string, { readonly partition: number; readonly offset: number }>
  /** By group: answered acknowledgements, as `partition/offset`. */
  readonly acknowledged: Readonly<Record<Group, ReadonlySet<string>>>
  /** Delivered after their acknowledgement was answered. */
  readonly redelivered: Readonly<Record<Group, readonly string[]>>
  /** All that the topic has in the end. */
  readonly log: readonly Message[]
}

export async function killLoop(directory: string, rounds: number): Promise<Outcome> {
  const asked = new Set<string>()
  const answered = new Map<string, { partition: number; offset: number }>()
  const acknowledged = { 'in-order': new Set<string>(), 'out-of-order': new Set<string>() }
  const redelivered: Record<Group, string[]> = { 'in-order': [], 'out-of-order': [] }

  async function publish(client: Client, publisher: string, number: number): Promise<void> {
    const body = `${publisher} ${number}`
    asked.add(body)
    answered.set(body, await client.publish(TOPIC, { key: publisher, body: Buffer.from(body) }))
  }

  /** Several at once, in the order of their numbers, until the server is gone. */
  async function load(client: Client, publisher: string, round: number): Promise<void> {
    const running = new Set<Promise<void>>()
    for (let number = round * 1_000_000; ; number += 1) {
      const one = publish(client, publisher, number).finally(() => running.delete(one))
      running.add(one)
      if (running.size >= AT_ONCE) await Promise.race(running)
    }
  }

  async function read(client: Client, group: Group): Promise<void> {
    const held: (() => Promise<void>)[] = []
    const args = { group, max_in_flight: 1000, ack_timeout_ms: 60_000 }
    for await (const item of await client.subscribe(TOPIC, args)) {
      if (item.type !== 'message') throw new Error('nothing was removed')
      const name = `${item.partition}/${item.offset}`
      if (acknowledged[group].has(name)) redelivered[group].push(name)
      const ack = async () => {
        await item.ack()
        acknowledged[group].add(name)
      }
      if (group === 'in-order') await ack()
      // The newest first, and some only in a later round.
      else if (Math.random() < 0.9) held.push(ack)
      if (held.length >= 5)
        await Promise.all(
          held
            .splice(0)
            .reverse()
            .map((each) => each()),
        )
    }
  }

  const sizes = () => [answered.size, ...GROUPS.map((group) => acknowledged[group].size)]

  for (let round = 0; round < rounds; round += 1) {
    const server = await serve(directory)
    const clients = await Promise.all([...PUBLISHERS, ...GROUPS].map(() => connect(server)))
    const [first] = clients
    if (round === 0) await first?.request('topic_create', { topic: TOPIC, partitions: 2 })
    const before = sizes()
    const work = Promise.allSettled(
      clients.map((client, index) => {
        const publisher = PUBLISHERS[index]
        if (publisher !== undefined) return load(client, publisher, round)
        return read(client, index === PUBLISHERS.length ? 'in-order' : 'out-of-order')
      }),
    )
    // Under way, all of it; then at any moment.
    const isUnderWay = () => sizes().every((size, index) => size >= (before[index] ?? 0) + 3)
    for (let waited = 0; !isUnderWay(); waited += 1) {
      if (waited > 10_000) throw new Error(`round ${round} does not get under way: ${sizes()}`)
      await sleep(1)
    }
    await sleep(Math.random() * 30)
    await server.kill()
    for (const each of await work) {
      if (each.status === 'fulfilled') throw new Error('a reader ended without an error')
      if (each.reason.code !== 'closed') throw each.reason
    }
  }

  const server = await serve(directory)
  const log = await readAll(await connect(server), 'audit')
  for (const group of GROUPS) {
    for (const { partition, offset } of await readAll(await connect(server), group)) {
      const name = `${partition}/${offset}`
      if (acknowledged[group].has(name)) redelivered[group].push(name)
    }
  }
  const { status, stderr } = await server.stop()
  if (status !== 0) throw new Error(`the server did not stop well: ${stderr}`)
  return { asked, answered, acknowledged, redelivered, log }
}

/** All that the group has not acknowledged. */
async function readAll(client: Client, group: string): Promise<Message[]> {
  const subscription = await client.subscribe(TOPIC, { group, max_in_flight: 10_000 })
  const { groups } = await client.request('groups', {})
  const cursors = groups.find((each) => each.group === group)?.subscriptions[0]?.cursors ?? []
  const lag = cursors.reduce((sum, cursor) => sum + cursor.lag, 0)
  const messages: Message[] = []
  if (lag === 0) return messages
  for await (const item of subscription) {
    if (item.type !== 'message') throw new Error('nothing was removed')
    const { partition, offset, body } = item
    messages.push({ partition, offset, body: body.toString() })
    // Room for more.
    if (messages.length % 1000 === 0) await ackAll(client, group, messages.slice(-1000))
    if (messages.length === lag) break
  }
  await client.close()
  return messages
}

async function ackAll(client: Client, group: string, messages: readonly Message[]): Promise<void> {
  for (const partition of [0, 1]) {
    const own = messages.filter((each) => each.partition === partition)
    const offsets = own.map(({ offset }) => offset)
    const place = { group, topic: TOPIC, partition }
    if (offsets.length > 0) await client.request('ack', { ...place, offsets })
  }
}
