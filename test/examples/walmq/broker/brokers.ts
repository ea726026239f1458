// Brokers in directories of their own, and what tests do with them again and again.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openBroker } from '../../../../examples/walmq/broker/broker.ts'
import type {
  Broker,
  BrokerOptions,
  Consumer,
  Delivery,
  Gap,
} from '../../../../examples/walmq/broker/types.ts'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'
import { afterEveryFile, afterEveryTest } from '../../../endings.ts'

let root: string | undefined
const open = new Set<Broker>()
const used = new Set<string>()
/** Whatever a test did: its journal replays, under both ways of replaying, to the same state. */
afterEveryTest(async () => {
  for (const broker of open) await broker.close()
  open.clear()
  for (const directory of used) {
    const report = await metadata.replayCheck(join(directory, 'metadata.jsonl'))
    expect(report).toMatchObject({ ok: true, findings: [] })
  }
  used.clear()
})
afterEveryFile(() => {
  if (root !== undefined) rmSync(root, { recursive: true })
  root = undefined
})

export function newDirectory(): string {
  root ??= mkdtempSync(join(tmpdir(), 'walmq-'))
  return join(root, randomUUID())
}

/** Closed behind the test; what goes wrong in the background fails it. */
export async function brokerIn(directory: string, options: BrokerOptions = {}): Promise<Broker> {
  const onError = (error: unknown) => {
    throw error
  }
  const broker = await openBroker(directory, { retentionEveryMs: null, onError, ...options })
  open.add(broker)
  used.add(directory)
  return broker
}

export async function closeBroker(broker: Broker): Promise<void> {
  await broker.close()
  open.delete(broker)
}

type Item = Delivery | Gap
export async function take(consumer: Consumer): Promise<Item> {
  const asked = waiting.get(consumer)
  waiting.delete(consumer)
  const { value } = await (asked ?? consumer[Symbol.asyncIterator]().next())
  if (value) return value
  throw new Error('the consumer has ended')
}

export async function takeMessage(consumer: Consumer): Promise<Delivery> {
  const item = await take(consumer)
  if (item.type === 'message') return item
  throw new Error(`a gap came: ${JSON.stringify(item)}`)
}

export async function takeMessages(consumer: Consumer, count: number): Promise<Delivery[]> {
  const messages: Delivery[] = []
  while (messages.length < count) messages.push(await takeMessage(consumer))
  return messages
}

/** What comes within a moment, which is nothing. */
export async function expectNothing(consumer: Consumer, ms = 50): Promise<void> {
  const next = waiting.get(consumer) ?? consumer[Symbol.asyncIterator]().next()
  waiting.set(consumer, next)
  const nothing = new Promise((resolve) => setTimeout(resolve, ms, 'nothing'))
  expect(await Promise.race([next, nothing])).toBe('nothing')
}
/** A `next` that was asked and not answered yet: the message it gets must not be lost. */
const waiting = new WeakMap<Consumer, Promise<IteratorResult<Item, void>>>()

export const text = ({ body }: Delivery): string => body.toString()
export const publishAll = async (
  broker: Broker,
  topic: string,
  bodies: readonly string[],
): Promise<void> => {
  await broker.publishBatch(
    topic,
    bodies.map((body) => ({ body: Buffer.from(body) })),
  )
}
export const numbered = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index))
