// What was answered holds when the server is killed: `WALMQ_KILLS=100 npx vitest run` this file, for more.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../../../examples/walmq/client/client.ts'
import { metadata } from '../../../../examples/walmq/metadata/definition.ts'
import { killLoop, type Outcome, PUBLISHERS } from './kill-loop.ts'
import { freshDirectory, serve, start } from './processes.ts'

const rounds = Number(process.env['WALMQ_KILLS'] ?? 10)

describe(`a server that is killed ${rounds} times under load`, () => {
  const directory = freshDirectory()
  let outcome: Outcome
  beforeAll(
    async () => {
      outcome = await killLoop(directory, rounds)
    },
    30_000 + rounds * 5000,
  )

  test('W3: delivers every answered publish, where the answer said', () => {
    expect(outcome.answered.size).toBeGreaterThanOrEqual(rounds * 3)
    const delivered = new Map(outcome.log.map(({ body, ...place }) => [body, place]))
    const wrong = [...outcome.answered].filter(([body, { partition, offset }]) => {
      const found = delivered.get(body)
      return found?.partition !== partition || found.offset !== offset
    })
    expect(wrong).toEqual([])
  })

  test('W3: has what was not answered once or not at all, and nothing else', () => {
    const bodies = outcome.log.map(({ body }) => body)
    expect(new Set(bodies).size).toBe(bodies.length)
    expect(bodies.filter((body) => !outcome.asked.has(body))).toEqual([])
    // It was killed under load.
    expect(outcome.asked.size).toBeGreaterThan(outcome.answered.size)
  })

  test('W3: keeps the order of a key, and leaves no offset out', () => {
    for (const partition of [0, 1]) {
      const messages = outcome.log.filter((each) => each.partition === partition)
      expect(messages.map(({ offset }) => offset)).toEqual([...messages.keys()])
      for (const publisher of PUBLISHERS) {
        const own = messages.filter(({ body }) => body.startsWith(publisher))
        const numbers = own.map(({ body }) => Number(body.split(' ')[1]))
        expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
      }
    }
  })

  test('W4: never again delivers what was acknowledged', () => {
    expect(outcome.acknowledged['in-order'].size).toBeGreaterThanOrEqual(rounds * 3)
    expect(outcome.redelivered['in-order']).toEqual([])
  })

  test('W5: nor what was acknowledged out of order', () => {
    expect(outcome.acknowledged['out-of-order'].size).toBeGreaterThanOrEqual(rounds * 3)
    expect(outcome.redelivered['out-of-order']).toEqual([])
  })

  test('has metadata that replay to the same', async () => {
    const journal = join(directory, 'metadata.jsonl')
    expect(existsSync(journal)).toBe(true)
    const report = await metadata.replayCheck(journal)
    expect(report.ok, JSON.stringify(report)).toBe(true)
    expect(report.records).toBeGreaterThan(rounds * 3)
  })
})

test('W10: when a consumer is killed, another takes over all that it has not acknowledged', async () => {
  const directory = freshDirectory()
  const server = await serve(directory)
  const client = await connect(server)
  await client.request('topic_create', { topic: 'jobs', partitions: 4 })
  const sub = (...more: string[]) =>
    start('sub', 'jobs', '--group', 'workers', '--json', '--dir', directory, ...more)
  const victim = sub('--no-ack')
  const heir = sub()
  for (;;) {
    const { groups } = await client.request('groups', {})
    if (groups[0]?.subscriptions[0]?.consumers === 2) break
  }
  const bodies = Array.from({ length: 40 }, (_, number) => `job ${number}`)
  const published = await client.publishBatch(
    'jobs',
    bodies.map((body) => ({ body: Buffer.from(body) })),
  )
  expect(new Set(published.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]))

  // Each has two partitions, and so half of the messages.
  const of = async ({ lines }: typeof heir, count: number) => {
    const read: { body_b64: string; redelivered: boolean }[] = []
    while (read.length < count) read.push(JSON.parse((await lines.next()).value))
    return read
  }
  const [lost, own] = await Promise.all([of(victim, 20), of(heir, 20)])
  victim.child.kill('SIGKILL')
  const taken = await of(heir, 20)
  const text = ({ body_b64 }: { body_b64: string }) => Buffer.from(body_b64, 'base64').toString()
  expect(taken.map(text).toSorted()).toEqual(lost.map(text).toSorted())
  expect([...own, ...taken].map(text).toSorted()).toEqual(bodies.toSorted())
  expect(taken.every(({ redelivered }) => redelivered)).toBe(true)
  heir.child.kill('SIGINT')
  expect((await heir.ended).status).toBe(0)
  await client.close()
  expect((await server.stop()).status).toBe(0)
})
