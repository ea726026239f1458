// Journals through PgBouncer, which gives the session of the server to another client after each transaction, or
// after each statement.
import { postgresJournal } from 'ministore-ts/postgres'
import { journalContract } from 'ministore-ts/testing'
import { Client } from 'pg'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { startPgBouncer } from '../servers/pgbouncer.ts'
import { names } from '../shared/names.ts'
import { freshDatabase, freshName, serverOfThisFile } from './journals.ts'

const server = await serverOfThisFile()

/** What a session has that is not as the server gave it. */
const LEFT = `SELECT pg_backend_pid() AS pid,
  (SELECT coalesce(json_object_agg(name, setting), '{}') FROM pg_settings
    WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')) AS settings,
  (SELECT count(*)::int FROM pg_prepared_statements) AS statements,
  (SELECT count(*)::int FROM pg_listening_channels()) AS channels,
  (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks`

async function clientOf(url: string): Promise<Client> {
  const client = new Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

for (const mode of ['transaction', 'statement'] as const) {
  const pooler = server.isOwn ? await startPgBouncer(server, mode) : undefined
  afterAll(() => pooler?.stop())

  describe.skipIf(!pooler)(
    `the contract of a shared journal through PgBouncer in ${mode} mode`,
    () => {
      const create = () => {
        const name = freshName()
        return { journal: () => postgresJournal({ connection: pooler?.url ?? '', name }) }
      }
      for (const { name, run } of journalContract({ create, shared: true })) test(name, run)
    },
  )

  describe.skipIf(!pooler)(`PgBouncer in ${mode} mode`, () => {
    test('within needs a transaction: the transaction mode has them', async () => {
      const name = freshName()
      const journal = postgresJournal({ connection: pooler?.url ?? '', name })
      const store = await names.open(journal)
      const within = (client: Pick<Client, 'query'>) =>
        client.query(`CREATE TABLE made_by_${mode} AS SELECT 1`)
      const dispatched = store.dispatch('take', { name: 'x', by: 'a' }, { within })
      const made = `SELECT FROM pg_class WHERE relname = 'made_by_${mode}'`
      if (mode === 'transaction') expect(await dispatched).toMatchObject({ seq: 1 })
      else
        await expect(dispatched).rejects.toMatchObject({
          ...{ code: 'config', message: expect.stringContaining('statement') },
        })
      expect(await server.query(made)).toHaveLength(mode === 'transaction' ? 1 : 0)
      await store.close()
    })

    test('two stores follow each other, and leave nothing in the sessions of other programs', async () => {
      const url = new URL(await freshDatabase(server))
      url.port = new URL(pooler?.url ?? '').port
      const name = freshName()
      // Of two pools, as two processes have them.
      const open = (parameter: string) =>
        names.open(
          postgresJournal({ connection: `${url.href}?application_name=${parameter}`, name }),
        )
      const [a, b] = [await open('a'), await open('b')]
      await a.dispatch('take', { name: 'x', by: 'a' })
      await expect.poll(() => b.state.taken, { interval: 10, timeout: 3000 }).toEqual({ x: 'a' })
      const both = ['y', 'z'].map((each) =>
        [a, b].map((store) => store.dispatch('take', { name: each, by: 'c' }).safe()),
      )
      const codes = (await Promise.all(both.flat())).map((answer) =>
        answer.ok ? 'ok' : answer.code,
      )
      expect(codes.toSorted()).toEqual(['ok', 'ok', 'taken', 'taken'])
      expect(await a.refresh()).toEqual(await b.refresh())
      const client = await clientOf(url.href)
      const seen = new Map<unknown, unknown>()
      for (let turn = 0; turn < 10; turn++) {
        const [{ pid, ...left } = {}] = (await client.query(LEFT)).rows
        seen.set(pid, left)
        await b.dispatch('take', { name: `n${turn}`, by: 'b' })
      }
      const nothing = { settings: {}, statements: 0, channels: 0, locks: 0 }
      expect([...seen.values()]).toEqual(Array(seen.size).fill(nothing))
      await Promise.all([a.close(), b.close()])
      expect((await client.query(LEFT)).rows).toMatchObject([nothing])
    })
  })
}
