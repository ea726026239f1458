// Which connections stores have, and whose they are.
import { postgresJournal } from 'ministore-ts/postgres'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { names } from '../shared/names.ts'
import { freshDatabase, freshName, serverOfThisFile } from './journals.ts'

const server = await serverOfThisFile()

type Connection = Parameters<typeof postgresJournal>[0]['connection']

/** Of another pool, as another process has it. */
const as = (url: string, application: string) => `${url}?application_name=${application}`

async function connectionsOf(url: string, application: string): Promise<number> {
  const [row] = await server.query(
    `SELECT count(*)::int AS connections FROM pg_stat_activity
     WHERE datname = $1 AND application_name = $2`,
    [new URL(url).pathname.slice(1), application],
  )
  return Number(row?.['connections'])
}

function poolOf(url: string, options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...options })
  onTestFinished(() => (pool.ended ? undefined : pool.end()))
  return pool
}

/** Each on its journal. Closed after the test. */
function openAll(journals: readonly string[], connection: () => Connection) {
  return Promise.all(
    journals.map(async (name) => {
      const store = await names.open(postgresJournal({ connection: connection(), name }))
      onTestFinished(() => store.close())
      return store
    }),
  )
}

const many = () => Array.from({ length: 25 }, freshName)
const hello = { name: 'x', by: 'a' }

describe.skipIf(!server.isHere)('the connections of stores', () => {
  test('are 5 at most for 25 stores of one URL or one literal, and all of them follow', async () => {
    const url = await freshDatabase(server)
    const journals = many()
    const { hostname: host, port, pathname } = new URL(url)
    const options = () => ({
      ...{ host, port: Number(port), user: 'postgres', password: server.password },
      ...{ database: pathname.slice(1), application_name: 'here' },
    })
    const here = await openAll(journals, options)
    const there = await openAll(journals, () => as(url, 'there'))
    await Promise.all(there.map((store) => store.dispatch('take', hello)))
    const seen = () => here.filter(({ seq }) => seq === 1).length
    await expect.poll(seen, { interval: 10, timeout: 5000 }).toBe(25)
    for (const application of ['here', 'there'])
      expect(await connectionsOf(url, application)).toBeLessThanOrEqual(5)
    // One of them listens on 25 channels, and is told by the others. So a hint comes at once.
    const listening = `SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = $1 AND query LIKE 'LISTEN%'`
    expect(await server.query(listening, [pathname.slice(1)])).toEqual([{ count: 2 }])
    await Promise.all(here.slice(1).map((store) => store.close()))
    await there[0]?.dispatch('take', { name: 'y', by: 'a' })
    await expect.poll(() => here[0]?.seq, { interval: 5, timeout: 800 }).toBe(2)
    await here[0]?.close()
    await expect.poll(() => connectionsOf(url, 'here'), { interval: 10 }).toBe(0)
  })

  test('are those of the pool that it was given, which stays open and as it was', async () => {
    const url = await freshDatabase(server)
    const pool = poolOf(url, { max: 3, application_name: 'pool' })
    const [a, b] = await openAll(['a', 'b'], () => pool)
    const others = await openAll(['a'], () => as(url, 'there'))
    await Promise.all([a, b].map((store) => store?.dispatch('take', hello)))
    await others[0]?.dispatch('take', { name: 'y', by: 'b' })
    await expect.poll(() => a?.seq, { interval: 5, timeout: 800 }).toBe(2)
    expect(await connectionsOf(url, 'pool')).toBeLessThanOrEqual(3)
    await a?.close()
    expect(await b?.dispatch('take', { name: 'y', by: 'b' })).toMatchObject({ seq: 2 })
    await b?.close()
    expect(pool.ending).toBe(false)
    for (let each = 0; each < 3; each++) {
      const { rows } = await pool.query(`SELECT
        (SELECT count(*)::int FROM pg_settings WHERE source = 'session'
          AND name NOT IN ('application_name', 'client_encoding')) AS settings,
        (SELECT count(*)::int FROM pg_prepared_statements) AS statements,
        (SELECT count(*)::int FROM pg_listening_channels()) AS channels`)
      expect(rows).toEqual([{ settings: 0, statements: 0, channels: 0 }])
    }
  })

  test('can be a single one: it neither waits for itself nor is it taken for listening', async () => {
    const url = await freshDatabase(server)
    const single = poolOf(url, { max: 1, application_name: 'single' })
    const ended = async () => void (await single.end())
    const own = { connectionString: as(url, 'single'), max: 1 }
    for (const { connection, after } of [
      { connection: single, after: ended },
      { connection: own, after: () => undefined },
    ]) {
      const name = freshName()
      const [a, b] = await openAll([name, freshName()], () => connection)
      const [other] = await openAll([name], () => as(url, 'there'))
      const all = ['x', 'y', 'z'].map((each) => a?.dispatch('take', { name: each, by: 'a' }))
      await Promise.all([...all, b?.dispatch('take', hello), a?.refresh(), b?.refresh()])
      await other?.dispatch('take', { name: 'w', by: 'b' })
      await expect.poll(() => a?.seq, { interval: 10, timeout: 3000 }).toBe(4)
      expect(await connectionsOf(url, 'single')).toBe(1)
      await Promise.all([a?.close(), b?.close()])
      await after()
    }
  })

  test('break while they are idle, and are made again: no pool is harmed', async () => {
    const url = await freshDatabase(server)
    const pool = poolOf(url, { max: 3, application_name: 'pool' })
    pool.on('error', () => undefined)
    const [a] = await openAll(['a'], () => pool)
    const [b] = await openAll(['a'], () => as(url, 'own'))
    await a?.dispatch('take', hello)
    await expect.poll(() => b?.seq).toBe(1)
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('pool', 'own')",
    )
    await a?.dispatch('take', { name: 'y', by: 'a' })
    await b?.dispatch('take', { name: 'z', by: 'a' })
    await expect.poll(() => [a?.seq, b?.seq], { interval: 10, timeout: 3000 }).toEqual([3, 3])
  })

  test('of a pool that was ended say so at once', async () => {
    const pool = poolOf(await freshDatabase(server), { max: 3 })
    const [store] = await openAll(['a'], () => pool)
    await pool.end()
    await expect(store?.dispatch('take', hello)).rejects.toMatchObject({
      ...{ code: 'config', message: expect.stringContaining('was ended') },
    })
  })
})
