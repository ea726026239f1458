// A journal in a stream of three real servers, which are killed and paused.
import { afterAll, expect, test } from 'vitest'
import { INSTALL, type NatsNode, startNats } from '../servers/nats.ts'
import {
  all,
  failure,
  follow,
  newName,
  numbered,
  openedOn,
  persist,
  race,
  settle,
} from './opened.ts'

const nats = await startNats({ nodes: 3 })
if (!nats) console.warn(INSTALL)
afterAll(() => nats?.stop())

const withNats = (name: string, run: () => Promise<void>) => test.skipIf(!nats)(name, run, 60_000)
const cluster = () => nats ?? expect.unreachable()

const leaderOf = (name: string) => cluster().leader(`ministore_${name}`)
const others = (node: NatsNode) => cluster().nodes.filter((it) => it !== node)
const on = (name: string, ...nodes: readonly NatsNode[]) =>
  openedOn(cluster(), { name, servers: nodes.map(({ url }) => url) })

const seqs = (entries: readonly { seq: number }[]) => entries.map(({ seq }) => seq)
const upTo = (head: number) => Array.from({ length: head }, (_, at) => at + 1)

withNats('of three that append at once, one wins each seq: no gap, no duplicate', async () => {
  const name = newName()
  const engines = await Promise.all(cluster().nodes.map((node) => on(name, node)))
  const written = await race(engines, 100)
  const [reader = expect.unreachable()] = engines
  const entries = await all(reader)
  expect(seqs(entries)).toEqual(upTo(written.size))
  expect(new Map(entries.map(({ seq, id }) => [seq, id]))).toEqual(written)
})

withNats('a batch that expects another head leaves nothing on any server', async () => {
  const name = newName()
  const engines = await Promise.all(cluster().nodes.map((node) => on(name, node)))
  for (const engine of engines)
    expect((await persist(() => engine.append(numbered(3), 7))).ok).toBe(false)
  for (const engine of engines) expect(await persist(() => all(engine))).toEqual([])
})

withNats('a replica that was behind gives all that is there, and nothing less', async () => {
  const name = newName()
  await on(name, ...cluster().nodes)
  const leader = await leaderOf(name)
  const [late = expect.unreachable()] = others(leader)
  const [writer, reader] = [await on(name, leader), await on(name, late)]
  for (let round = 0, head = 0; round < 3; round++) {
    late.pause()
    for (let at = 0; at < 3; at++, head += 500) await settle(writer, numbered(500), head)
    late.resume()
    expect(seqs(await persist(() => all(reader)))).toEqual(upTo(head))
  }
})

withNats('a leader that was paused does not show the past when it is back', async () => {
  const name = newName()
  await on(name, ...cluster().nodes)
  const leader = await leaderOf(name)
  const [old, writer] = [await on(name, leader), await on(name, ...others(leader))]
  await settle(writer, numbered(2), 0)
  const [seen, stop] = follow(old)
  leader.pause()
  await settle(writer, numbered(2), 2)
  await settle(writer, numbered(1), 4)
  leader.resume()
  expect(seqs(await persist(() => all(old)))).toEqual(upTo(5))
  const fresh = await on(name, leader)
  expect(seqs(await persist(() => all(fresh)))).toEqual(upTo(5))
  await expect.poll(() => seqs(seen), { timeout: 15_000 }).toEqual(upTo(5))
  await stop()
})

withNats('a leader that has lost the others does not say where the journal ends', async () => {
  const name = newName()
  await on(name, ...cluster().nodes)
  const leader = await leaderOf(name)
  const engine = await on(name, leader)
  await settle(engine, numbered(3), 0)
  for (const node of others(leader)) node.pause()
  // Others may have a new leader by now, for all that it knows.
  const said = () => failure(all(engine))
  await expect.poll(said, { timeout: 8_000, interval: 100 }).toMatch(/^unavailable: .*lost touch/)
  for (const node of others(leader)) node.resume()
  expect(seqs(await persist(() => all(engine)))).toEqual(upTo(3))
})

withNats(
  'a follower misses nothing when the leader is killed, and nothing is written twice',
  async () => {
    const name = newName()
    const nodes = cluster().nodes
    const [writer, reader] = [await on(name, ...nodes), await on(name, ...nodes)]
    const [seen, stop] = follow(reader)
    const texts: string[] = []
    const write = async (count: number) => {
      const batch = numbered(count, texts.length + 1)
      expect(await settle(writer, batch, texts.length)).toBe(true)
      texts.push(...batch.map(({ text }) => text))
    }
    for (let at = 0; at < 20; at++) await write(1 + (at % 3))
    const leader = await leaderOf(name)
    // In the middle of one.
    const appending = write(50)
    await leader.kill()
    await appending
    for (let at = 0; at < 20; at++) await write(1 + (at % 3))
    await expect.poll(() => seen.length, { timeout: 15_000 }).toBe(texts.length)
    expect(seen.map(({ text }) => text)).toEqual(texts)
    await leader.start()
    await cluster().ready()
    await stop()
  },
)

withNats('what was acknowledged is there after all servers were killed', async () => {
  const name = newName()
  const engine = await on(name, ...cluster().nodes)
  await settle(engine, numbered(40), 0)
  const [seen, stop] = follow(engine)
  const append = settle(engine, numbered(10), 40)
  await Promise.all(cluster().nodes.map((node) => node.kill()))
  await Promise.all(cluster().nodes.map((node) => node.start()))
  expect(await append).toBe(true)
  expect(seqs(await persist(() => all(engine)))).toEqual(upTo(50))
  await expect.poll(() => seqs(seen), { timeout: 15_000 }).toEqual(upTo(50))
  await stop()
})
