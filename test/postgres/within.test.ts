// A record and what the program writes with it: both are there, or neither.
import { defineStore, StoreError } from 'ministore-ts'
import { postgresJournal } from 'ministore-ts/postgres'
import { masterKey, postgresKeys } from 'ministore-ts/secrets'
import { Pool, type PoolClient } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { keepsItsPromises } from '../secrets/promises.ts'
import { startProxy } from '../servers/proxy.ts'
import { freshDatabase, freshName, ledger, serverOfThisFile } from './journals.ts'

const server = await serverOfThisFile()

const TABLES = `CREATE TABLE outbox (seq bigint PRIMARY KEY, sum integer NOT NULL);
CREATE TABLE balance (sum integer NOT NULL);
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (id integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO balance VALUES (0);
CREATE TABLE seen (setting text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER look AFTER INSERT ON outbox
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look();`

async function database(): Promise<string> {
  const url = await freshDatabase(server)
  await server.query(TABLES, undefined, url)
  return url
}

/** Of a pool of its own, as another process has it. */
async function storeOn(url: string, name: string, application = 'a', timeout = 10_000) {
  const connection = `${url}?application_name=${application}`
  const store = await ledger.open(postgresJournal({ connection, name, timeout }))
  onTestFinished(() => store.close())
  return store
}

const write = async (
  client: Pick<PoolClient, 'query'>,
  { seq, state }: { seq: number; state: { sum: number } },
) => {
  await client.query('INSERT INTO outbox VALUES ($1, $2)', [seq, state.sum])
  const { rows } = await client.query('SELECT sum FROM balance')
  await client.query('UPDATE balance SET sum = $1', [rows[0].sum + 1])
}

const written = async (url: string) =>
  (await server.query('SELECT seq::int, sum FROM outbox ORDER BY seq', [], url)).map((row) => [
    row['seq'],
    row['sum'],
  ])
const balance = async (url: string) => (await server.query('SELECT sum FROM balance', [], url))[0]

describe.skipIf(!server.isHere)('within', () => {
  test('writes with the record: dispatches, batches, transactions; a key that comes again writes nothing', async () => {
    const url = await database()
    const name = freshName()
    const store = await storeOn(url, name)
    const key = 'request 1'
    expect(await store.dispatch('add', 5, { key, within: write })).toMatchObject({ seq: 1 })
    expect(await store.dispatch('add', 5, { key, within: write })).toMatchObject({
      ...{ seq: 1, duplicate: true },
    })
    await store.dispatchAll(
      [
        { type: 'add', payload: 1 },
        { type: 'add', payload: 1 },
      ],
      { within: write },
    )
    const tx = await store.transaction((tx) => tx.dispatch('add', tx.state.sum).seq, {
      within: write,
    })
    expect(tx).toMatchObject({ seq: 3, value: 3 })
    // Nothing was decided: there is no record to write with.
    await store.transaction(() => undefined, { within: write })
    expect(await written(url)).toEqual([
      [1, 5],
      [2, 7],
      [3, 14],
    ])
    expect((await ledger.replay(`${url}#${name}`)).state).toEqual(store.state)
  })

  test('that throws withdraws its own record alone, and rejects with its error', async () => {
    const url = await database()
    const store = await storeOn(url, freshName())
    const no = new Error('no')
    const failing = async (client: PoolClient) => {
      await client.query('INSERT INTO outbox VALUES (99, 99)')
      throw no
    }
    const all = await Promise.allSettled([
      store.dispatch('add', 1, { within: write }),
      store.dispatch('add', 10, { key: 'k', within: failing }),
      store.dispatch('add', 100),
      store.dispatch('add', 1000, { within: write }),
      store.refresh(),
    ])
    expect(all).toMatchObject([
      { value: { seq: 1 } },
      { status: 'rejected', reason: no },
      { value: { seq: 2 } },
      { value: { seq: 3 } },
      { status: 'fulfilled' },
    ])
    expect(store.state).toEqual({ sum: 1101 })
    expect(await written(url)).toEqual([
      [1, 1],
      [3, 1101],
    ])
    // Its key was never used.
    expect(await store.dispatch('add', 1, { key: 'k' })).toMatchObject({ seq: 4, duplicate: false })
  })

  test('is run again when another writer was first, for the record as it is decided then', async () => {
    const url = await database()
    const name = freshName()
    const [a, b] = [await storeOn(url, name, 'a'), await storeOn(url, name, 'b')]
    const seqs: number[] = []
    const all = Array.from({ length: 20 }, (_, index) =>
      (index % 2 ? a : b).dispatch('add', 1, {
        within: async (client: PoolClient, record) => {
          seqs.push(record.seq)
          await write(client, record)
        },
      }),
    )
    await Promise.all(all)
    expect(await a.refresh()).toEqual({ sum: 20 })
    expect(await balance(url)).toEqual({ sum: 20 })
    expect(await written(url)).toEqual(
      Array.from({ length: 20 }, (_, index) => [index + 1, index + 1]),
    )
  })

  test.runIf(server.isOwn)('agrees with the journal after kills under contention', async () => {
    const url = await database()
    const name = freshName()
    const stores = await Promise.all(['a', 'b', 'c'].map((each) => storeOn(url, name, each)))
    let isDone = false
    const killing = (async () => {
      while (!isDone) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name IN ('a', 'b', 'c') AND state <> 'idle' ORDER BY random() LIMIT 1`)
      }
    })()
    await Promise.allSettled(
      stores.flatMap((store) =>
        Array.from({ length: 15 }, () => store.dispatch('add', 1, { within: write })),
      ),
    )
    isDone = true
    await killing
    const { state, seq } = await ledger.replay(`${url}#${name}`)
    expect(seq).toBeGreaterThan(0)
    expect(await balance(url)).toEqual(state)
    expect(await written(url)).toEqual(
      Array.from({ length: seq }, (_, index) => [index + 1, index + 1]),
    )
  })

  test.runIf(server.isOwn)(
    'is retried if its connection breaks before the commit, and looked for after it',
    async () => {
      const url = await database()
      const proxy = await startProxy(server.port)
      onTestFinished(() => proxy.close())
      const through = new URL(url)
      through.host = `${proxy.host}:${proxy.port}`
      const store = await storeOn(through.href, freshName(), 'a', 4000)
      let runs = 0
      await store.dispatch('add', 1, {
        within: async (client: PoolClient, record) => {
          if (++runs === 1) proxy.cut()
          await write(client, record)
        },
      })
      expect(runs).toBe(2)
      // The answer to COMMIT is lost: the record has the same id, so it is found and not written again.
      const settled = store.dispatch('add', 1, {
        within: async (client: PoolClient, record) => {
          runs += 1
          await write(client, record)
          proxy.traffic = 'lose_answers'
          setTimeout(() => {
            proxy.cut()
            proxy.traffic = 'pass'
          }, 300)
        },
      })
      expect(await settled).toMatchObject({ seq: 2 })
      expect(runs).toBe(3)
      expect(await written(url)).toEqual([
        [1, 1],
        [2, 2],
      ])
      expect(await balance(url)).toEqual({ sum: 2 })
    },
  )

  test('cannot end the transaction, keep its client, swallow an error, or take for ever', async () => {
    const url = await database()
    const store = await storeOn(url, freshName(), 'a', 2000)
    let kept: PoolClient | undefined
    const tries: Record<string, [(client: PoolClient) => unknown, RegExp]> = {
      commit: [(client) => client.query('COMMIT'), /COMMIT is not for this transaction/],
      'rollback in a comment': [
        (client) => client.query({ text: '/* x */ -- y\n rollback' }),
        /ROLLBACK/,
      ],
      release: [(client) => client.release(), /release\(\) is not for this client/],
      end: [(client) => (client as unknown as { end(): unknown }).end(), /end\(\) is not/],
      'a swallowed error': [
        (client) => client.query('SELECT 1/0').catch(() => undefined),
        /rolled back|aborted/,
      ],
      'a deferred constraint': [
        (client) => client.query('INSERT INTO child VALUES (7)'),
        /foreign key/,
      ],
      'too slow': [() => new Promise(() => undefined), /took longer than/],
      'several statements': [
        (client) => client.query('SELECT 1; ROLLBACK; INSERT INTO parent VALUES (1)'),
        /ROLLBACK ended the transaction/,
      ],
      'a broken statement': [(client) => client.query('SELEC'), /syntax error/],
      nothing: [() => Promise.reject(new Error('plain')), /plain/],
    }
    for (const [what, [run, message]] of Object.entries(tries)) {
      const dispatched = store.dispatch('add', 1, {
        within: (client: PoolClient) => {
          kept = client
          return run(client)
        },
      })
      const reason: unknown = await dispatched.catch((error: unknown) => error)
      expect(reason, what).toBeInstanceOf(Error)
      expect((reason as Error).message, what).toMatch(message)
      if (what === 'too slow') expect(reason).toMatchObject({ code: 'unavailable' })
    }
    expect(() => kept?.query('SELECT 1')).toThrow(StoreError)
    expect(await store.refresh()).toEqual({ sum: 0 })
    // A savepoint is its own, and so are the settings, up to the durability of the commit.
    await store.dispatch('add', 1, {
      within: async (client: PoolClient, record) => {
        await client.query('SET LOCAL synchronous_commit = off')
        await client.query('SAVEPOINT mine')
        await client.query('SELECT 1/0').catch(() => undefined)
        await client.query('ROLLBACK TO SAVEPOINT mine')
        await write(client, record)
        const { rows } = await client.query('SHOW enable_seqscan')
        expect(rows).toEqual([{ enable_seqscan: 'on' }])
      },
    })
    expect(await written(url)).toEqual([[1, 1]])
    expect(await server.query('SELECT setting FROM seen', [], url)).toEqual([{ setting: 'on' }])
    // A commit among several statements cannot be refused. Then the record is there, and is found.
    const within = (client: PoolClient) => client.query('SELECT 1; COMMIT')
    expect(await store.dispatch('add', 1, { within })).toMatchObject({ seq: 2 })
  })

  test('has one connection at least: a pool of one is enough', async () => {
    const url = await database()
    const connection = { connectionString: url, max: 1 }
    const [name, other] = [freshName(), freshName()]
    const a = await ledger.open(postgresJournal({ connection, name }))
    const b = await ledger.open(postgresJournal({ connection, name: other }))
    onTestFinished(() => Promise.all([a.close(), b.close()]).then(() => undefined))
    await Promise.all([a.dispatch('add', 1, { within: write }), b.dispatch('add', 1), a.refresh()])
    expect(await written(url)).toEqual([[1, 1]])
  })
})

describe.skipIf(!server.isHere)('keys in a table', () => {
  test('keep their promises, wrapped or not, and the table is created by itself', async () => {
    const pool = new Pool({ connectionString: await freshDatabase(server) })
    onTestFinished(() => pool.end())
    await keepsItsPromises(() => postgresKeys(pool))
    const wrapping = masterKey(new Uint8Array(32).fill(7))
    await pool.query('create schema vault')
    const table = 'vault.keys'
    await keepsItsPromises(() => postgresKeys(pool, { table, wrapping }))
    const { rows } = await pool.query('select subject, entry from vault.keys order by subject')
    expect(rows).toHaveLength(3)
    expect(rows.find(({ subject }) => subject === 'in advance')?.entry).toEqual({ forgotten: [] })
    await pool.query(`update vault.keys set entry = '{"forgotten": 7}'`)
    const damaged = postgresKeys(pool, { table, wrapping })
    await expect(damaged.obtain('user-7')).rejects.toMatchObject({ code: 'bad_key' })
  })

  test('that the database refuses are an error with a code, and can be asked for again', async () => {
    const pool = new Pool({ connectionString: await freshDatabase(server) })
    onTestFinished(() => pool.end())
    const keys = postgresKeys(pool, { table: 'vault.keys' })
    await expect(keys.obtain('user-7')).rejects.toMatchObject({ code: 'key_store' })
    await pool.query('create schema vault')
    expect(await keys.obtain('user-7')).toEqual(await keys.obtain('user-7'))
    expect(() => postgresKeys(pool, { table: 'keys; drop table x' })).toThrow(TypeError)
  })
})

test('a journal without transactions refuses within, before anything is decided', async () => {
  const store = await defineStore({
    name: 'plain',
    state: { sum: 0 },
    mutations: { add: { apply: ({ sum }) => ({ sum: sum + 1 }) } },
  }).memory()
  const within = () => expect.unreachable()
  await expect(store.dispatch('add', undefined, { within })).rejects.toThrow(
    /within: memory has no transactions/,
  )
  const bad = { within: 'SELECT 1' } as never
  await expect(store.dispatch('add', undefined, bad)).rejects.toMatchObject({ code: 'invalid' })
  expect(store.seq).toBe(0)
})
