// Stores on journals that a URL names, through `open`, `replay` and `replayCheck`.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { StoreError } from 'ministore-ts'
import { natsJournal } from 'ministore-ts/nats'
import { postgresJournal } from 'ministore-ts/postgres'
import { sqliteJournal } from 'ministore-ts/sqlite'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEngine } from '../engines/engines.ts'
import { ADMIN } from '../servers/nats.ts'
import { broker } from '../store/broker.ts'

const postgres = await startEngine('PostgreSQL')
const nats = await startEngine('NATS R1')
const sqlite = await startEngine('SQLite')

describe.each([
  { engine: postgres, suffix: '' },
  { engine: nats, suffix: '?replicas=1' },
  { engine: sqlite, suffix: '' },
])('a URL of $engine.label', ({ engine, suffix }) => {
  test.skipIf(!engine)('opens a store; is replayed, checked and read', async () => {
    if (!engine) return
    const url = engine.url('named').replace('#', `${suffix}#`)
    const store = await broker.open(url)
    await store.dispatch('addTopic', { name: 'orders' })
    await store.close()
    const again = await broker.open(new URL(url))
    expect(again.state.topics).toHaveProperty('orders')
    await again.close()
    expect((await broker.replay(url)).seq).toBe(1)
    expect(await broker.replayCheck(url)).toMatchObject({ ok: true, records: 1 })
    const reader = await broker.open(url, { readOnly: true })
    const refused = reader.dispatch('addTopic', { name: 'x' })
    await expect(refused).rejects.toMatchObject({ code: 'read_only' })
    await reader.close()
  })

  test.skipIf(!engine || engine === sqlite)('never shows the password', async () => {
    if (!engine) return
    const password = new URL(engine.url('x')).password || ADMIN.pass
    const url = engine.url('secret').replace(password, 'wr0ng').replace('#', `${suffix}#`)
    for (const make of [broker.open, broker.replay, broker.replayCheck]) {
      const error = await make(url).catch((reason) => reason)
      expect(error).toBeInstanceOf(StoreError)
      expect(error.code).toBe('config')
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toMatch(/wr0ng/)
    }
  })
})

test('a URL of SQLite names a path: relative, absolute, or percent-encoded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'a #1?.db')
  const path = file.replaceAll('#', '%23').replaceAll('?', '%3F')
  for (const url of [`sqlite://${path}#j`, `sqlite:${path}#j`, `sqlite:${relative('.', path)}#j`]) {
    const store = await broker.open(url)
    await store.dispatch('addTopic', { name: `t${store.seq}` })
    await store.close()
  }
  const store = await broker.open(sqliteJournal({ file, name: 'j' }), { readOnly: true })
  expect(store.seq).toBe(3)
  await store.close()
})

test('a mistyped URL of SQLite makes nothing for a reader, and the message has the name that is near', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const store = await broker.open(`sqlite:${directory}/app.db#orders`)
  await store.close()
  // SQLite itself may put these two beside a database.
  const databases = () => readdirSync(directory).filter((name) => !/-(wal|shm)$/.test(name))
  const before = databases()
  const all = [
    broker.replay,
    broker.replayCheck,
    (url: string) => broker.open(url, { readOnly: true }),
  ]
  for (const read of all) {
    const typo = await read(`sqlite:${directory}/app.db#order`).catch((reason) => reason)
    expect(typo).toMatchObject({ code: 'io', message: expect.stringContaining('"orders"') })
    const absent = await read(`sqlite:${directory}/ap.db#orders`).catch((reason) => reason)
    expect(absent).toMatchObject({ code: 'io' })
  }
  expect(databases()).toEqual(before)
})

test('a URL that is misread is a TypeError without it, and makes no file', async () => {
  const before = readdirSync(process.cwd())
  for (const url of [
    'postgres://u:s3cret@h/db',
    'postgresql://u:s3/cret@h/db#j',
    'postgres://u:s3cret@h/db#No Name',
    'nats://u:s3cret@h?replicas=9#j',
    'tls://u:s3cret@h',
    'sqlite:s3.db',
    'sqlite:#j',
    'sqlite:s3/#j',
    'sqlite://host/s3.db#j',
    'sqlite:s3.db?mode=ro#j',
    'sqlite:s3%.db#j',
    'sqlite::memory:#j',
    'postgres://#j',
    'postgres:///s3cret#j',
    'nats://#j',
  ]) {
    for (const make of [broker.open, broker.replay, broker.replayCheck]) {
      const error = await make(url).catch((reason) => reason)
      expect(error, url).toBeInstanceOf(TypeError)
      expect(`${error.stack}`, url).not.toMatch(/s3/)
    }
  }
  expect(readdirSync(process.cwd())).toEqual(before)
})

const host = 'postgres://app:s3cret@db.example.com/billing'
const unset: never = undefined as never
test.each<[string, () => unknown, RegExp]>([
  ['an unset connection', () => postgresJournal({ connection: unset, name: 'j' }), /is undefined/],
  ['null', () => postgresJournal({ connection: null as never, name: 'j' }), /is null/],
  ['an empty connection', () => postgresJournal({ connection: '', name: 'j' }), /empty string/],
  ['options without a host', () => postgresJournal({ connection: {}, name: 'j' }), /no host/],
  ['only a port', () => postgresJournal({ connection: { port: 5432 }, name: 'j' }), /no host/],
  ['an empty host', () => postgresJournal({ connection: { host: '' }, name: 'j' }), /no host/],
  [
    'an empty string in options',
    () => postgresJournal({ connection: { connectionString: '' }, name: 'j' }),
    /empty string/,
  ],
  [
    'a URL without a host',
    () => postgresJournal({ connection: 'postgres://', name: 'j' }),
    /no host/,
  ],
  ['a name', () => postgresJournal({ connection: 'billing', name: 'j' }), /postgres:\/\//],
  ['a number', () => postgresJournal({ connection: 5432 as never, name: 'j' }), /is a number/],
  [
    'a pool whose variable is not set',
    () => postgresJournal({ connection: new pg.Pool({ connectionString: undefined }), name: 'j' }),
    /no host/,
  ],
  [
    'a pool of an empty string',
    () => postgresJournal({ connection: new pg.Pool({ connectionString: '' }), name: 'j' }),
    /empty string/,
  ],
  [
    'a pool that pipelines',
    () => {
      const options: object = { connectionString: host, pipeline: true }
      return postgresJournal({ connection: new pg.Pool(options), name: 'j' })
    },
    /pipeline/,
  ],
  [
    'a client',
    () => postgresJournal({ connection: new pg.Client(host) as never, name: 'j' }),
    /is a client/,
  ],
  ['unset servers', () => natsJournal({ servers: unset, name: 'j' }), /servers holds undefined/],
  ['empty servers', () => natsJournal({ servers: '', name: 'j' }), /empty string/],
  ['no servers', () => natsJournal({ servers: [], name: 'j' }), /servers is empty/],
  ['an unset server', () => natsJournal({ servers: ['h', unset], name: 'j' }), /undefined/],
  ['an object for servers', () => natsJournal({ servers: {} as never, name: 'j' }), /object/],
  ['an unset name', () => natsJournal({ servers: 'h', name: unset }), /name/],
])('%s is refused by name, and is never localhost', (_, make, what) => {
  expect(make).toThrow(TypeError)
  expect(make).toThrow(what)
  expect(make).not.toThrow(/s3cret/)
})

test('addresses that name a server are taken as they are', () => {
  for (const [connection, shown] of [
    [host, 'postgres://db.example.com:5432/billing#j'],
    ['/var/run/postgresql billing', 'postgres://%2Fvar%2Frun%2Fpostgresql:5432/billing#j'],
    ['postgres:///billing?host=/var/run', 'postgres://%2Fvar%2Frun:5432/billing#j'],
    [{ host: 'db', database: 'billing' }, 'postgres://db:5432/billing#j'],
    [new pg.Pool({ connectionString: host }), 'postgres://db.example.com:5432/billing#j'],
    [new pg.Pool({ host: 'db', database: 'billing' }), 'postgres://db:5432/billing#j'],
  ] as const)
    expect(postgresJournal({ connection, name: 'j' }).name).toBe(shown)
})
