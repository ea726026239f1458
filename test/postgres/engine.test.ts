import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { postgresEngine, postgresJournal } from 'ministore-ts/postgres'
import { describe, expect, test } from 'vitest'
import {
  engineOn,
  entry,
  failureOf,
  followAll,
  freshDatabase,
  freshName,
  ledger,
  notes,
  readAll,
  serverOfThisFile,
} from './journals.ts'

const server = await serverOfThisFile()
const has = server.isHere
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

async function opened(name = freshName()) {
  const engine = engineOn(server.url, name)
  return { name, engine, info: await engine.open('ledger') }
}

describe.skipIf(!has)('a journal in PostgreSQL', () => {
  test('is made by the first that opens it, and found by the next', async () => {
    const { name, engine, info } = await opened()
    expect(info).toEqual({
      epoch: expect.stringMatching(/^[0-9a-f-]{36}$/),
      head: 0,
      first: 1,
      created: true,
      features: '{}',
    })
    await engine.append(notes(3), 0)
    const { info: again } = await opened(name)
    expect(again).toEqual({ ...info, head: 3, created: false })
  })

  test('holds batches in order, and reads any part of them', async () => {
    const { engine } = await opened()
    const batch = notes(5)
    expect(await engine.append(batch.slice(0, 2), 0)).toEqual({ ok: true, seq: 2 })
    expect(await engine.append(batch.slice(2), 2)).toEqual({ ok: true, seq: 5 })
    const all = batch.map((one, index) => ({ ...one, seq: index + 1 }))
    expect(await readAll(engine)).toEqual(all)
    expect(await readAll(engine, 1, 3)).toEqual(all.slice(1, 3))
    expect(await readAll(engine, 3, 99)).toEqual(all.slice(3))
    expect(await readAll(engine, 5)).toEqual([])
  })

  test('takes the first part of a batch that is too long, and reads in batches of bounded size', async () => {
    const { engine } = await opened()
    const batch = notes(5000)
    const first = await engine.append(batch, 0)
    expect(first).toEqual({ ok: true, seq: 4096 })
    expect(await engine.append(batch.slice(4096), 4096)).toEqual({ ok: true, seq: 5000 })
    const lengths: number[] = []
    for await (const { length } of engine.read(0)) lengths.push(length)
    expect(lengths).toEqual([2048, 2048, 904])
    expect((await readAll(engine)).map(({ text }) => text)).toEqual(batch.map(({ text }) => text))
  })

  test('takes entries of 8 MiB, one at a time', async () => {
    const { engine } = await opened()
    const large = JSON.stringify('\u20ac'.repeat((2 ** 23 - 2) / 3))
    expect(await engine.append([entry(large), entry(large)], 0)).toEqual({ ok: true, seq: 1 })
    expect(await engine.append([entry('1'), entry(large)], 1)).toEqual({ ok: true, seq: 2 })
    await engine.append([entry(large)], 2)
    const sizes: number[] = []
    for await (const batch of engine.read(0)) {
      sizes.push(batch.length)
      expect(batch.every(({ text }) => text === large || text === '1')).toBe(true)
    }
    expect(sizes).toEqual([1, 1, 1])
  })

  test('gives back every text as it was', async () => {
    const { engine } = await opened()
    const odd = [
      '\u0000 \ud800 \udfff \ufeff \uffff \u2028 \u{10ffff} \u{1f600}',
      'NULL \\N {"a","b"} {} \\ \\\\ " \' $1 $$ %s \r\n\t\v\b',
      "'); DROP TABLE ministore_entries; --",
      '\u0001\u001f\u007f\u0080\u009f\u00a0 e\u0301 \u00e9 \u202e',
      '',
    ]
    const texts = [...odd.map((text) => JSON.stringify(text)), '', 'NULL', '{}', '\u{1f600}\u0001']
    const batch = texts.map((text) => entry(text, text.replaceAll('\u0000', '')))
    expect(await engine.append(batch, 0)).toEqual({ ok: true, seq: texts.length })
    expect((await readAll(engine)).map(({ id, text }) => ({ id, text }))).toEqual(batch)
  })

  test('refuses an entry that is too large, and writes nothing of its batch', async () => {
    const { engine } = await opened()
    const tooLarge = entry('x'.repeat(engine.maxEntryBytes + 1))
    const error = await failureOf(engine.append([entry('1'), tooLarge], 0))
    expect(error.code).toBe('too_large')
    expect(await readAll(engine)).toEqual([])
  })

  test('belongs to one store', async () => {
    const { name } = await opened()
    const error = await failureOf(engineOn(server.url, name).open(`"'; DROP TABLE x`))
    expect(error.code).toBe('wrong_store')
    expect(error.message).toContain('"ledger"')
  })

  test('has a name of small letters, digits, - and _; another is a TypeError, and nothing is connected', () => {
    const bad = [
      '',
      'A',
      '-a',
      'a b',
      "a'; DROP TABLE ministore_journals; --",
      'a\n',
      'ä',
      'a'.repeat(64),
    ]
    for (const name of bad) {
      expect(() => postgresJournal({ connection: server.url, name }), name).toThrow(TypeError)
    }
  })

  test('may have the longest name, and texts that try to be SQL are texts', async () => {
    const { engine } = await opened(`0_-${'z'.repeat(60)}`)
    const attack = entry("'); DELETE FROM ministore_journals; --", "x'), ($1, 2, 3, 4); --")
    await engine.append([attack], 0)
    expect(await readAll(engine)).toEqual([{ ...attack, seq: 1 }])
    const store = `o'"; DELETE FROM ministore_journals; --`
    const other = engineOn(server.url, freshName())
    await other.open(store)
    expect(await failureOf(other.open('another'))).toMatchObject({ code: 'wrong_store' })
    await other.open(store)
  })

  test('tells a conflict as a value, with its head', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    const { engine: other } = await opened(name)
    await other.append(notes(1), 3)
    for (const expected of [0, 3, 99]) {
      expect(await engine.append(notes(2), expected)).toEqual({ ok: false, head: 4 })
    }
    expect(await readAll(engine)).toHaveLength(4)
  })

  test('has neither a gap nor a duplicate after three have appended at once', async () => {
    const { name } = await opened()
    const writers = await Promise.all([1, 2, 3].map(() => opened(name)))
    const done = await Promise.all(
      writers.map(async ({ engine }) => {
        const mine: string[] = []
        for (let head = 0; mine.length < 40; ) {
          const batch = notes(1 + (head % 3))
          const result = await engine.append(batch, head)
          if (result.ok) mine.push(...batch.map(({ id }, index) => `${head + 1 + index} ${id}`))
          head = result.ok ? result.seq : result.head
        }
        return mine
      }),
    )
    const [first] = writers
    const all = first ? await readAll(first.engine) : []
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
    expect(all.map(({ seq, id }) => `${seq} ${id}`).sort()).toEqual(done.flat().sort())
  })

  test('is truncated for everybody: what was there is compacted, the head stays', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(5), 0)
    await engine.truncate(3)
    const { engine: other, info } = await opened(name)
    expect(info).toMatchObject({ head: 5, first: 4 })
    expect(await failureOf(readAll(other))).toMatchObject({ code: 'compacted', seq: 1 })
    expect(await failureOf(readAll(other, 2))).toMatchObject({ code: 'compacted' })
    expect((await readAll(other, 3)).map(({ seq }) => seq)).toEqual([4, 5])
    await engine.truncate(1)
    await engine.truncate(99)
    expect(await readAll(other, 5)).toEqual([])
    expect(await other.append(notes(1), 5)).toEqual({ ok: true, seq: 6 })
    expect(await engine.open('ledger')).toMatchObject({ head: 6, first: 6 })
    const left = 'SELECT seq::int FROM ministore_entries WHERE journal = $1'
    expect(await server.query(left, [name])).toEqual([{ seq: 6 }])
  })

  test('that is truncated while it is read says so, instead of leaving records out', async () => {
    const { engine } = await opened()
    await engine.append(notes(4000), 0)
    await engine.append(notes(4000, 4001), 4000)
    const read = async () => {
      for await (const _ of engine.read(0)) await engine.truncate(7000)
    }
    const error = await failureOf(read())
    expect(error.code).toBe('compacted')
    // The second batch was asked for before the first one was handed out.
    expect([2049, 4097]).toContain(error.seq)
  })

  test('with a record missing is corrupt', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    await server.query('DELETE FROM ministore_entries WHERE journal = $1 AND seq = 2', [name])
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 2 })
    await server.query('DELETE FROM ministore_entries WHERE journal = $1', [name])
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 1 })
  })

  test('with a record that is larger than any may be is corrupt, and is not brought here', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    const grow =
      "UPDATE ministore_entries SET data = repeat('x', 16777216) WHERE journal = $1 AND seq = 2"
    await server.query(grow, [name])
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 2 })
  })
})

describe.skipIf(!has)('rewound', () => {
  const change = {
    'removed and made again': `WITH j AS (DELETE FROM ministore_journals WHERE name = $1 RETURNING *)
      INSERT INTO ministore_journals SELECT name || '-', store, epoch, head, first FROM j`,
    'given another epoch':
      'UPDATE ministore_journals SET epoch = gen_random_uuid() WHERE name = $1',
    'restored to an older head': `WITH e AS (DELETE FROM ministore_entries WHERE journal = $1 AND seq = 3)
      UPDATE ministore_journals SET head = 2 WHERE name = $1`,
  }
  test.each(Object.entries(change))('a journal that was %s', async (what, statement) => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    await server.query(statement, [name])
    if (what.startsWith('removed')) await opened(name)
    const calls = {
      append: () => engine.append(notes(1), 3),
      read: () => readAll(engine),
      follow: () => engine.follow(3, new AbortController().signal)[Symbol.asyncIterator]().next(),
    }
    for (const [call, run] of Object.entries(calls)) {
      expect(await failureOf(run()), call).toMatchObject({ code: 'rewound' })
    }
    if (what.startsWith('restored')) {
      // One that was opened since does not know, but who follows does.
      const follower = (await opened(name)).engine.follow(3, new AbortController().signal)
      expect(await failureOf(follower[Symbol.asyncIterator]().next())).toMatchObject({
        code: 'rewound',
      })
      return
    }
    expect(await failureOf(engine.truncate(1))).toMatchObject({ code: 'rewound' })
    expect(await engine.open('ledger')).toMatchObject({ head: what.startsWith('given') ? 3 : 0 })
  })

  test('a journal that was restored to an older head, and has gone on since: who has seen the other end is told', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    await server.query(change['restored to an older head'], [name])
    const other = (await opened(name)).engine
    await other.append(notes(3), 2)
    for (const call of [
      () => readAll(engine, 3),
      () => engine.append(notes(1), 5),
      () => engine.append(notes(1), 3),
      () => engine.truncate(2),
      () => followAll(engine, 3).done,
    ])
      expect(await failureOf(call())).toMatchObject({ code: 'rewound', seq: 3 })
    expect(await readAll(other)).toHaveLength(5)
  })

  /** $1: the journal. A client that only looks at epoch and head sees no difference. */
  const refill = `UPDATE ministore_entries SET id = gen_random_uuid(), data = '"other"' WHERE journal = $1`

  test('another history of the same length is found by the next call, and nothing is appended to it', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    const reader = (await opened(name)).engine
    await readAll(reader)
    const idle = (await opened(name)).engine
    const following = followAll((await opened(name)).engine, 3)
    const followed = failureOf(following.done)
    await server.query(refill, [name])
    const calls = {
      append: () => engine.append(notes(1), 3),
      // It has only seen where the journal ended when it was opened.
      'append of one that has read nothing': () => idle.append(notes(1), 3),
      'another append': () => reader.append(notes(2), 3),
      'a conflict': () => engine.append(notes(1), 2),
      read: () => readAll(reader),
      'read of what comes next': () => readAll(reader, 3),
      truncate: () => engine.truncate(1),
    }
    for (const [call, run] of Object.entries(calls))
      expect(await failureOf(run()), call).toMatchObject({ code: 'rewound', seq: 3 })
    expect(await followed).toMatchObject({ code: 'rewound', seq: 3 })
    expect((await readAll((await opened(name)).engine)).map(({ text }) => text)).toEqual(
      Array(3).fill('"other"'),
    )
  })

  test('a store on another history of the same length stops before its next acknowledgement', async () => {
    const name = freshName()
    const stops: string[] = []
    const open = () =>
      ledger.open(postgresJournal({ connection: server.url, name }), {
        onStop: ({ code }) => void stops.push(code),
      })
    const [busy, idle] = [await open(), await open()]
    await busy.dispatch('add', 1)
    await expect.poll(() => idle.seq).toBe(1)
    const data = '{"at":"2026-01-01T00:00:00.000Z","type":"add","payload":1000}'
    const other = `UPDATE ministore_entries SET id = 'other', data = $2 WHERE journal = $1`
    await server.query(other, [name, data])
    await expect(busy.dispatch('add', 1)).rejects.toMatchObject({ code: 'rewound' })
    await expect.poll(() => stops, { timeout: 5_000 }).toEqual(['rewound', 'rewound'])
    expect([busy.state, idle.state]).toEqual([{ sum: 1 }, { sum: 1 }])
    await Promise.all([busy.close(), idle.close()])
    const again = await open()
    expect([again.seq, again.state]).toEqual([1, { sum: 1000 }])
    await again.close()
  })

  test('records that were removed without the journal are corrupt before the next is appended', async () => {
    const { name, engine } = await opened()
    await engine.append(notes(3), 0)
    await server.query('DELETE FROM ministore_entries WHERE journal = $1', [name])
    expect(await failureOf(engine.append(notes(1), 3))).toMatchObject({ code: 'corrupt', seq: 3 })
    expect(await server.query('SELECT FROM ministore_entries WHERE journal = $1', [name])).toEqual(
      [],
    )
  })
})

describe.skipIf(!has)('opening', () => {
  test('ten at once on an empty database: all do, and one has made the journal', async () => {
    const url = await freshDatabase(server)
    const names = Array.from({ length: 10 }, (_, index) => (index < 5 ? 'same' : `other-${index}`))
    const all = await Promise.all(names.map((name) => engineOn(url, name).open('ledger')))
    expect(all.filter(({ created }) => created)).toHaveLength(6)
    expect(new Set(all.map(({ epoch }) => epoch)).size).toBe(6)
  })

  test('again after it was closed, which leaves no socket behind', async () => {
    const { engine } = await opened()
    await engine.append(notes(1), 0)
    await readAll(engine)
    await engine.close()
    expect(await failureOf(engine.append(notes(1), 1))).toMatchObject({ code: 'closed' })
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'closed' })
    const busy = process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap')
    expect(busy).toEqual([])
    expect(await engine.open('ledger')).toMatchObject({ head: 1 })
  })

  test('looking makes and changes nothing', async () => {
    const url = await freshDatabase(server)
    const engine = engineOn(url, 'a')
    expect(await engine.look()).toBeUndefined()
    const tables = "SELECT 1 FROM pg_class WHERE relname LIKE 'ministore%'"
    expect(await server.query(tables, [], url)).toEqual([])
    await engine.open('ledger')
    await engine.append(notes(3), 0)
    const rows = 'SELECT xmin, * FROM ministore_journals'
    const before = await server.query(rows, [], url)
    const looking = engineOn(url, 'a')
    const { epoch } = await engine.open('ledger')
    const after = await server.query(rows, [], url)
    expect(after).not.toEqual(before)
    expect(await looking.look()).toEqual({
      ...{ epoch, store: 'ledger', head: 3, first: 1, created: false, features: '{}' },
    })
    expect(await readAll(looking)).toHaveLength(3)
    expect(await engineOn(url, 'b').look()).toBeUndefined()
    expect(await server.query(rows, [], url)).toEqual(after)
  })

  test.runIf(server.isOwn)(
    'needs the rights that the documentation grants, and no more',
    async () => {
      const text = readFileSync(new URL('../../docs/engines/postgres.md', import.meta.url), 'utf8')
      const [tables = '', rights = '', more = '', select] = [
        ...text.matchAll(/```sql\n([\s\S]*?)```/g),
      ].map(([, sql = '']) => sql)
      const url = await freshDatabase(server)
      const owner = (sql: string) => server.query(sql, [], url)
      const role = `app_${freshName().replace('-', '_')}`
      await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'of the role'`)
      await owner('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
      const asRole = new URL(url)
      asRole.username = role
      asRole.password = 'of the role'
      const engine = engineOn(asRole.href, 'a')
      const open = () => engine.open('ledger')

      // It may not create them.
      expect(await failureOf(open(), 'of the role')).toMatchObject({ code: 'config' })
      await owner(tables)
      const denied = await failureOf(open(), 'of the role')
      expect(denied).toMatchObject({ code: 'config' })
      expect(denied.message).toContain('docs/engines/postgres.md')
      expect(denied.message).toContain(`GRANT INSERT ON ministore_entries TO ${role};`)
      await owner(rights.replaceAll(/\bapp\b/g, role))
      expect(await open()).toMatchObject({ head: 0, created: true })
      expect(await engine.append(notes(3), 0)).toEqual({ ok: true, seq: 3 })
      expect(await readAll(engine)).toHaveLength(3)
      expect(await failureOf(engine.truncate(1))).toMatchObject({ code: 'config' })
      expect(await open()).toMatchObject({ head: 3, first: 1 })
      await owner(more.replaceAll(/\bapp\b/g, role))
      await engine.truncate(1)
      expect(await open()).toMatchObject({ head: 3, first: 2, created: false })
      await engine.close()
      await owner(`DROP OWNED BY ${role}`)
      await owner((select ?? '').replaceAll(/\breader\b/g, role))
      const reader = engineOn(asRole.href, 'a')
      expect(await reader.look()).toMatchObject({ head: 3, first: 2, store: 'ledger' })
      expect(await readAll(reader, 1)).toHaveLength(2)
      const { all } = followAll(reader, 2)
      await expect.poll(() => all).toHaveLength(1)
      expect(await failureOf(reader.open('ledger'))).toMatchObject({ code: 'config' })
      // So do stores that only read, replays and checks: by URL and by journal.
      const writer = await ledger.open(postgresJournal({ connection: url, name: 'sums' }))
      await writer.dispatch('add', 1)
      const store = await ledger.open(`${asRole.href}#sums`, { readOnly: true })
      await writer.dispatch('add', 2)
      await expect.poll(() => store.state, { interval: 10 }).toEqual({ sum: 3 })
      await Promise.all([store.close(), writer.close()])
      const read = () => postgresJournal({ connection: asRole.href, name: 'sums' })
      for (const source of [read, () => `${asRole.href}#sums`]) {
        expect((await ledger.replay(source())).state).toEqual({ sum: 3 })
        expect(await ledger.replayCheck(source())).toMatchObject({ ok: true, records: 2 })
      }
      // A name with a slip creates nothing, and the message has the name that was meant.
      for (const source of [`${asRole.href}#summs`, `${url}#summs`]) {
        for (const slip of [
          () => ledger.open(source, { readOnly: true }),
          () => ledger.replay(source),
          () => ledger.replayCheck(source),
        ])
          expect(await failureOf(slip(), 'of the role')).toMatchObject({
            ...{ code: 'io', message: expect.stringContaining('did you mean "sums"?') },
          })
      }
      const journals = await owner('SELECT name FROM ministore_journals ORDER BY name')
      expect(journals).toEqual([{ name: 'a' }, { name: 'sums' }])
      // The tables are those that the code would have made.
      const other = await freshDatabase(server)
      await engineOn(other, 'a').open('ledger')
      const columns = `SELECT table_name, column_name, data_type, is_nullable, column_default
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`
      expect(await server.query(columns, [], url)).toEqual(await server.query(columns, [], other))
    },
  )
})

describe.skipIf(!has)('config', () => {
  test('a right that is missing is named when the journal is opened, with the GRANT that gives it', async () => {
    const url = await freshDatabase(server)
    await engineOn(url, 'a').open('ledger')
    const owner = (sql: string) => server.query(sql, [], url)
    const role = `Role of ${freshName()}`
    await owner(`CREATE ROLE "${role}" LOGIN PASSWORD 'of the role'`)
    const asRole = Object.assign(new URL(url), { username: role, password: 'of the role' }).href
    const rights = [
      ...['SELECT ON ministore_schema', 'SELECT ON ministore_journals'],
      ...['SELECT ON ministore_entries', 'INSERT ON ministore_journals'],
      ...['UPDATE (head) ON ministore_journals', 'INSERT ON ministore_entries'],
    ].map((right) => `GRANT ${right} TO "${role}";`)
    const grant = rights.join('\n')
    for (const right of rights) {
      await owner(grant)
      await owner(right.replace('GRANT', 'REVOKE').replace(' TO "', ' FROM "'))
      const opened = () => engineOn(asRole, 'a').open('ledger')
      const error = await failureOf(opened(), 'of the role')
      expect(error.code, right).toBe('config')
      // As it stands in the message, it is what the owner has to run.
      const advice = error.message.match(/GRANT [^;]*;/g) ?? []
      expect(advice).toEqual([right])
      const looked = engineOn(asRole, 'a').look()
      if (right.includes('SELECT')) expect((await failureOf(looked)).message).toContain(right)
      else expect(await looked).toMatchObject({ store: 'ledger' })
      await owner(advice.join(''))
      expect(await opened()).toMatchObject({ created: false })
    }
    await owner(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`)
  })

  test('tables that were made by hand without their version', async () => {
    const url = await freshDatabase(server)
    await engineOn(url, 'a').open('ledger')
    await server.query('DELETE FROM ministore_schema', [], url)
    const error = await failureOf(engineOn(url, 'a').open('ledger'))
    expect(error.code).toBe('config')
    const [advice = ''] = /INSERT INTO.*/.exec(error.message) ?? []
    await server.query(advice, [], url)
    expect(await engineOn(url, 'a').open('ledger')).toMatchObject({ created: false })
  })

  test('a wrong password, a missing user and a missing database', async () => {
    const change = {
      password: (url: URL) => Object.assign(url, { password: 'a wrong secret' }),
      user: (url: URL) => Object.assign(url, { username: 'nobody', password: 'a wrong secret' }),
      database: (url: URL) => Object.assign(url, { pathname: '/missing' }),
    }
    for (const [what, make] of Object.entries(change)) {
      const { href, password } = make(new URL(server.url))
      const error = await failureOf(engineOn(href, 'a').open('ledger'), password)
      expect(error.code, what).toBe('config')
      expect(error.message).toContain(`${new URL(server.url).host}/`)
    }
  })

  test('TLS with a server that has none', async () => {
    const connection = { connectionString: server.url, ssl: { rejectUnauthorized: false } }
    const error = await failureOf(engineOn(connection, 'a').open('ledger'), server.password)
    expect(error.code).toBe('config')
  })

  test.runIf(server.isOwn && hasOpenssl)(
    'TLS: a certificate that is trusted, and one that is not',
    async () => {
      // The server makes its own, where it looks for them.
      const make =
        'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test ' +
        '-addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.crt 2>&1'
      await server.query(`COPY (SELECT 1) TO PROGRAM '${make}'`)
      const [row] = await server.query("SELECT pg_read_file('server.crt') AS ca")
      await server.query('ALTER SYSTEM SET ssl = on')
      await server.query('SELECT pg_reload_conf()')
      const isOn = async () => (await server.query('SHOW ssl'))[0]?.['ssl']
      await expect.poll(isOn, { interval: 10 }).toBe('on')
      const [name, connection] = [freshName(), { connectionString: server.url }]
      const untrusted = engineOn({ ...connection, ssl: true }, name)
      expect(await failureOf(untrusted.open('ledger'), server.password)).toMatchObject({
        code: 'config',
      })
      const ssl = { ca: String(row?.['ca']) }
      // It is trusted, but it is the certificate of another host.
      const elsewhere = server.url.replace('127.0.0.1', 'localhost')
      const misnamed = engineOn({ connectionString: elsewhere, ssl }, name)
      expect(await failureOf(misnamed.open('ledger'), server.password)).toMatchObject({
        ...{ code: 'config', message: expect.stringContaining('localhost') },
      })
      const engine = engineOn({ ...connection, ssl }, name)
      await engine.open('ledger')
      expect(await engine.append(notes(1), 0)).toEqual({ ok: true, seq: 1 })
      const encrypted = `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
      WHERE application_name = 'ministore' AND ssl`
      expect(await server.query(encrypted)).toHaveLength(1)
    },
  )

  test('a password is not shown, whoever says it', async () => {
    const secret = 'gr=33n p@ss/word'
    for (const password of [secret, async () => secret]) {
      // A user of that name, so that the server itself says it.
      const { hostname: host, port } = new URL(server.url)
      const connection = { host, port: Number(port), user: secret, database: 'x', password }
      const error = await failureOf(engineOn(connection, 'a').open('ledger'), secret)
      expect(error).toMatchObject({ code: 'config', message: expect.stringContaining('"***"') })
    }
    for (const raw of ['p@ss/word', 'pass/word', '1#pass@word', '1?password', 'pass word/']) {
      const thrown = await failureOf(
        (async () => postgresEngine({ connection: `postgres://user:${raw}@host/x`, name: 'a' }))(),
      ).catch((error: unknown) => error)
      expect(thrown, raw).toBeInstanceOf(TypeError)
      expect(inspect(thrown)).not.toContain(raw)
    }
    expect(postgresEngine({ connection: `${server.url}?application_name=x`, name: 'a' }).name).toBe(
      `postgres://${new URL(server.url).host}${new URL(server.url).pathname}#a`,
    )
  })

  test('a database in another encoding, tables that a crash would empty, and newer ones', async () => {
    const latin = await freshDatabase(server, "ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    const encoded = await failureOf(engineOn(latin, 'a').open('ledger'))
    expect(encoded).toMatchObject({ code: 'config', message: expect.stringContaining('UTF8') })
    const url = await freshDatabase(server)
    await engineOn(url, 'a').open('ledger')
    await server.query('ALTER TABLE ministore_entries SET UNLOGGED', [], url)
    const lossy = await failureOf(engineOn(url, 'a').open('ledger'))
    expect(lossy).toMatchObject({ code: 'config', message: expect.stringContaining('UNLOGGED') })
    await server.query('ALTER TABLE ministore_entries SET LOGGED', [], url)
    await server.query('INSERT INTO ministore_schema VALUES (2)', [], url)
    const newer = await failureOf(engineOn(url, 'a').open('ledger'))
    expect(newer).toMatchObject({ code: 'config', message: expect.stringContaining('version 2') })
  })

  test('tables that were removed', async () => {
    const url = await freshDatabase(server)
    const engine = engineOn(url, 'a')
    await engine.open('ledger')
    await server.query(
      'DROP TABLE ministore_entries, ministore_journals, ministore_schema',
      [],
      url,
    )
    expect(await failureOf(engine.append(notes(1), 0))).toMatchObject({ code: 'config' })
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'config' })
    expect(await engine.open('ledger')).toMatchObject({ created: true })
  })

  test.runIf(server.isOwn)('a server that does not sync', async () => {
    const set = async (value: string) => {
      await server.query(`ALTER SYSTEM SET fsync = ${value}`)
      await server.query('SELECT pg_reload_conf()')
      const now = async () => (await server.query('SHOW fsync'))[0]?.['fsync']
      await expect.poll(now, { interval: 10 }).toBe(value)
    }
    await set('off')
    const error = await failureOf(engineOn(server.url, 'a').open('ledger'))
    await set('on')
    expect(error).toMatchObject({ code: 'config', message: expect.stringContaining('fsync') })
  })
})

test.skipIf(!has)(
  'an append waits for the disk, whatever the database says; stricter settings stay',
  async () => {
    const url = await freshDatabase(server)
    const database = new URL(url).pathname.slice(1)
    const first = engineOn(url, 'a')
    await first.open('ledger')
    await first.close()
    // At the very end of the transaction: what counts is the setting with which it commits.
    await server.query(
      `CREATE TABLE seen (value text);
    CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER look AFTER INSERT ON ministore_entries
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look();`,
      undefined,
      url,
    )
    for (const [index, value] of ['off', 'local', 'remote_write', 'on', 'remote_apply'].entries()) {
      await server.query(`ALTER DATABASE ${database} SET synchronous_commit = ${value}`)
      const engine = engineOn(url, 'a')
      await engine.open('ledger')
      await engine.append(notes(1), index)
      // The next one connects again, since nobody shares its connections.
      await engine.close()
    }
    const seen = await server.query('SELECT value FROM seen', [], url)
    expect(seen.map(({ value }) => value)).toEqual(['on', 'on', 'on', 'on', 'remote_apply'])
  },
)

test.skipIf(!has)(
  'ERROR is certain: nothing was appended, and the code says whether to try again',
  async () => {
    const url = await freshDatabase(server)
    const engine = engineOn(url, 'a')
    await engine.open('ledger')
    await server.query(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = NEW.data; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON ministore_entries FOR EACH ROW EXECUTE FUNCTION fail();`,
      undefined,
      url,
    )
    const codes = {
      unavailable: [
        '40001',
        '40P01',
        '55P03',
        '53100',
        '53200',
        '53300',
        '57014',
        '57P03',
        '25006',
        '58030',
        'XX000',
      ],
      config: ['42501', '42P01', '28000', '3D000', 'P0001', '0A000'],
      corrupt: ['XX001', 'XX002', '23505'],
    }
    for (const [code, states] of Object.entries(codes)) {
      for (const state of states) {
        const error = await failureOf(engine.append([entry('XX000'), entry(state)].slice(1), 0))
        expect(error.code, state).toBe(code)
      }
    }
    await server.query('DROP TRIGGER fail ON ministore_entries', [], url)
    expect(await engine.append([entry('1')], 0)).toEqual({ ok: true, seq: 1 })
  },
)
