// Journals that share a connection: one of their own, or one that the user already has.
import { readFileSync } from 'node:fs'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import type { StoreError } from 'ministore-ts'
import { natsEngine, natsJournal } from 'ministore-ts/nats'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { ADMIN, INSTALL, startNats } from '../servers/nats.ts'
import { startProxy, type TestProxy } from '../servers/proxy.ts'
import { names } from '../shared/names.ts'
import { all, entries, failure, follow, newName, numbered, persist } from './opened.ts'

const document = readFileSync(new URL('../../docs/engines/nats.md', import.meta.url), 'utf8')
const [, permissions = ''] = /```text permissions\n([\s\S]*?)```/.exec(document) ?? []
const APP = { user: 'app', pass: 'app-51c0ffee', permissions }

const nats = await startNats({ users: [APP] })
if (!nats) console.warn(INSTALL)
afterAll(() => nats?.stop())

const withNats = test.skipIf(!nats)
const server = () => nats ?? expect.unreachable()
const node = () => server().nodes[0] ?? expect.unreachable()
/** Those that are open, but for the one that asks. */
const clients = () => node().clients()

/** As a user's program has one: it connects again by itself. */
async function connected(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
  const connection = await connect({ servers: server().urls, ...ADMIN, ...options })
  onTestFinished(() => connection.close())
  return connection
}

async function throughProxy(): Promise<[NatsConnection, TestProxy]> {
  const proxy = await startProxy(node().port)
  onTestFinished(() => proxy.close())
  const servers = `127.0.0.1:${proxy.port}`
  const connection = await connected({ servers, reconnectTimeWait: 20, maxReconnectAttempts: -1 })
  return [connection, proxy]
}

const atServer = { servers: nats?.urls ?? [], ...ADMIN, replicas: 1 }
type Place = typeof atServer | { readonly connection: NatsConnection; readonly replicas: 1 }

/** 25 journals with two stores each, one of which dispatches, and both of which have to hear of it. */
async function useMany(place: Place): Promise<() => Promise<void>> {
  const journals = Array.from({ length: 25 }, newName)
  const openAll = () =>
    Promise.all(journals.map((name) => names.open(natsJournal({ ...place, name }))))
  const [writers, readers] = [await openAll(), await openAll()]
  await Promise.all(writers.map((store) => store.dispatch('take', { name: 'x', by: 'a' })))
  const seqs = () => readers.map(({ seq }) => seq)
  await expect.poll(seqs, { timeout: 15_000 }).toEqual(Array(25).fill(1))
  return async () => {
    await Promise.all([...writers, ...readers].map((store) => store.close()))
  }
}

describe('many journals', () => {
  withNats(
    'of the same servers and credentials share one connection, which ends with the last store',
    async () => {
      const closeAll = await useMany(atServer)
      expect((await clients()).map(({ name }) => name)).toEqual(['ministore'])
      await closeAll()
      await expect.poll(clients, { timeout: 10_000 }).toEqual([])
    },
  )

  withNats('with other credentials have another connection', async () => {
    const name = newName()
    const journals = [{}, { inboxPrefix: '_INBOX_other' }, {}].map((more) =>
      natsJournal({ ...atServer, name, ...more }),
    )
    for (const journal of journals) await journal.open('names')
    expect(await clients()).toHaveLength(2)
    await Promise.all(journals.map((journal) => journal.close()))
  })

  withNats('end what is under way when they are closed, and harm no other', async () => {
    const proxy = await startProxy(node().port)
    onTestFinished(() => proxy.close())
    const place = { ...atServer, servers: `127.0.0.1:${proxy.port}` }
    const [one, other] = [1, 2].map(() => natsEngine({ ...place, name: newName() }))
    if (!one || !other) return expect.unreachable()
    for (const engine of [one, other]) await engine.open('names')
    expect(proxy.connections).toBe(1)
    const [seen, stop] = follow(other)
    proxy.traffic = 'hold'
    const before = proxy.sent
    const [append, read] = [failure(one.append(numbered(1), 0)), failure(all(one))]
    const unharmed = other.append(numbered(1), 0)
    await expect.poll(() => proxy.sent).toBeGreaterThan(before)
    await one.close()
    expect(await append).toMatch(/^unknown: .*closed/)
    expect(await read).toMatch(/^closed: /)
    proxy.traffic = 'pass'
    expect(await unharmed).toEqual({ ok: true, seq: 1 })
    await expect.poll(() => seen.length).toBe(1)
    await stop()
    await other.close()
  })
})

describe('a connection of the user’s', () => {
  withNats('is used by all journals that it is passed to, and never closed', async () => {
    // What a program may have set for its own purposes.
    const connection = await connected({ noEcho: true, inboxPrefix: '_INBOX_own', name: 'mine' })
    const closeAll = await useMany({ connection, replicas: 1 })
    expect((await clients()).map(({ name }) => name)).toEqual(['mine'])
    await closeAll()
    expect(connection.isClosed()).toBe(false)
    await connection.flush()
    // Its own inbox, and nothing of the stores.
    expect(await clients()).toMatchObject([{ name: 'mine', subscriptions: 1 }])
  })

  withNats('needs no more than the documented permissions', async () => {
    const setup = natsJournal({ ...atServer, name: 'orders' })
    await setup.open('names')
    await setup.close()
    const { user, pass } = APP
    const connection = await connected({ user, pass, inboxPrefix: '_INBOX_orders' })
    const store = await names.open(natsJournal({ connection, name: 'orders', replicas: 1 }))
    const reader = await names.open(natsJournal({ connection, name: 'orders', replicas: 1 }))
    await store.dispatch('take', { name: 'x', by: 'a' })
    await expect.poll(() => reader.seq).toBe(1)
    await Promise.all([store.close(), reader.close()])
  })

  withNats(
    'that connects again by itself sends nothing late: what was unavailable never arrives',
    async () => {
      const [connection, proxy] = await throughProxy()
      const engine = natsEngine({ connection, name: newName(), replicas: 1, timeout: 400 })
      await engine.open('names')
      const [seen, stop] = follow(engine)
      await engine.append(entries('"before"'), 0)
      await expect.poll(() => seen.length).toBe(1)
      proxy.isDown = true
      proxy.cut()
      await expect
        .poll(() => failure(engine.append(entries('"lost"'), 1)))
        .toMatch(/^unavailable: .*is down/)
      const refused: string[] = []
      for (let at = 0; at < 20; at++)
        refused.push(await failure(engine.append(entries('"never"'), 1)))
      expect(new Set(refused.map((said) => said.split(':')[0]))).toEqual(new Set(['unavailable']))
      proxy.isDown = false
      const { head } = await persist(() => engine.open('names'))
      expect((await all(engine)).map(({ text }) => text)).not.toContain('"never"')
      expect(await persist(() => engine.append(entries('"after"'), head))).toMatchObject({
        ok: true,
      })
      await expect.poll(() => seen.at(-1)?.text, { timeout: 5_000 }).toBe('"after"')
      await stop()
      await engine.close()
    },
  )

  withNats('that breaks while an append is under way makes it unknown at once', async () => {
    const [connection, proxy] = await throughProxy()
    const engine = natsEngine({ connection, name: newName(), replicas: 1 })
    await engine.open('names')
    proxy.traffic = 'lose_answers'
    const append = failure(engine.append(numbered(1), 0))
    await expect.poll(() => proxy.sent).toBeGreaterThan(0)
    proxy.cut()
    proxy.traffic = 'pass'
    expect(await append).toMatch(/^unknown: /)
    await engine.close()
  })

  withNats.each([
    ['closed', (connection: NatsConnection) => connection.close()],
    ['drained', (connection: NatsConnection) => connection.drain()],
  ])('that is %s under open stores stops them, and they say why', async (_, end) => {
    const connection = await connected()
    const stops: StoreError[] = []
    const store = await names.open(natsJournal({ connection, name: newName(), replicas: 1 }), {
      onStop: (error) => void stops.push(error),
    })
    await store.dispatch('take', { name: 'x', by: 'a' })
    const late = store.dispatch('take', { name: 'y', by: 'a' }).then(
      () => 'done',
      ({ code }: StoreError) => code,
    )
    await end(connection)
    expect(await late).toMatch(/^(done|unknown|closed)$/)
    await expect.poll(() => stops, { timeout: 5_000 }).toHaveLength(1)
    expect(String(stops[0])).toMatch(/connection that was passed to it was closed/)
    await expect(store.dispatch('take', { name: 'z', by: 'a' })).rejects.toMatchObject({
      code: 'closed',
    })
    expect(store.state.taken).toMatchObject({ x: 'a' })
    await store.close()
    const again = natsJournal({ connection, name: newName(), replicas: 1 })
    await expect(names.open(again)).rejects.toMatchObject({ code: 'closed' })
  })
})

test('what is no place for a journal is refused by name, and never localhost instead', () => {
  const refused: readonly (readonly [RegExp, unknown])[] = [
    [/needs options .*not undefined/, undefined],
    [/needs options .*not an empty string/, ''],
    [/name undefined/, {}],
    [/servers holds undefined/, { name: 'x' }],
    [/servers holds undefined/, { name: 'x', servers: undefined }],
    [/servers is an empty string/, { name: 'x', servers: '' }],
    [/servers holds object/, { name: 'x', servers: {} }],
    [/servers is empty/, { name: 'x', servers: [] }],
    [/servers holds undefined/, { name: 'x', servers: ['nats://h', undefined] }],
    [/connection is undefined/, { name: 'x', connection: undefined }],
    [/connection is an empty string/, { name: 'x', connection: '' }],
    [/connection is object/, { name: 'x', connection: {} }],
    [
      /connection is object/,
      { name: 'x', connection: connect({ servers: 'h', timeout: 1 }).catch(() => 0) },
    ],
    [/connection brings its own servers/, { name: 'x', connection: {}, servers: 'nats://h' }],
    [/connection brings its own token/, { name: 'x', connection: {}, token: 't' }],
    ...(['user', 'pass', 'token', 'inboxPrefix'] as const).map(
      (option) =>
        [
          new RegExp(`${option} is an empty string`),
          { name: 'x', servers: 'h', [option]: '' },
        ] as const,
    ),
  ]
  for (const [said, options] of refused) {
    const make = () => natsJournal(options as never)
    expect(make, `${said}`).toThrow(TypeError)
    expect(make).toThrow(said)
  }
})
