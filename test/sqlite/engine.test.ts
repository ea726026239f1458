// The engine in SQLite, under each driver: what it keeps, what it refuses, and what it notices.
import { setTimeout as sleep } from 'node:timers/promises'
import { type SqliteDriver, sqliteJournal } from 'ministore-ts/sqlite'
import { describe, expect, test, vi } from 'vitest'
import {
  engineOn,
  entry,
  failureOf,
  followAll,
  freshFile,
  notes,
  rawOn,
  readAll,
} from './databases.ts'
import { DRIVERS } from './drivers.ts'

test('there is a driver to be tested', () => {
  expect(DRIVERS).not.toEqual([])
})

describe.each(DRIVERS)('a journal in SQLite by %s', (_, driver) => {
  const opened = async (file = freshFile(), name = 'orders') => {
    const engine = engineOn(file, driver, name)
    return { file, engine, info: await engine.open('ledger') }
  }

  test('is made by the first that opens it, and found by the next', async () => {
    const { file, engine, info } = await opened()
    const epoch = expect.stringMatching(/^[0-9a-f-]{36}$/)
    expect(info).toMatchObject({ epoch, head: 0, first: 1, created: true, features: '{}' })
    await engine.append(notes(3), 0)
    const { info: again } = await opened(file)
    expect(again).toEqual({ ...info, head: 3, created: false })
  })

  test('is one of many in a file', async () => {
    const { file, engine } = await opened()
    const { engine: other } = await opened(file, 'others')
    await engine.append(notes(3), 0)
    await other.append(notes(1), 0)
    expect(await readAll(engine)).toHaveLength(3)
    expect(await readAll(other)).toHaveLength(1)
    await engine.truncate(3)
    expect(await readAll(other)).toHaveLength(1)
    const third = engineOn(file, driver, 'others')
    expect(await failureOf(third.open('x'))).toMatchObject({ code: 'wrong_store' })
  })

  test('lives beside the tables of an application', async () => {
    const file = freshFile()
    const raw = rawOn(file, driver)
    raw.exec('CREATE TABLE users (name TEXT); INSERT INTO users VALUES (1)')
    const { engine } = await opened(file)
    await engine.append(notes(2), 0)
    expect(raw.prepare('SELECT name FROM users').all()).toHaveLength(1)
    expect(raw.prepare('SELECT seq FROM ministore_entries').all()).toHaveLength(2)
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
    expect(await engine.append(batch, 0)).toEqual({ ok: true, seq: 4096 })
    expect(await engine.append(batch.slice(4096), 4096)).toEqual({ ok: true, seq: 5000 })
    const lengths: number[] = []
    for await (const { length } of engine.read(0)) lengths.push(length)
    expect(lengths).toEqual([2048, 2048, 904])
    expect((await readAll(engine)).map(({ text }) => text)).toEqual(batch.map(({ text }) => text))
  })

  test('takes and reads entries of 8 MiB one at a time, and refuses one that is too large', async () => {
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
    const tooLarge = entry('x'.repeat(engine.maxEntryBytes + 1))
    expect(await failureOf(engine.append([entry('1'), tooLarge], 3))).toMatchObject({
      code: 'too_large',
    })
    expect(await engine.append([], 3)).toEqual({ ok: true, seq: 3 })
  })

  test('gives back every text as it was', async () => {
    const { engine } = await opened(undefined, `0_-${'z'.repeat(60)}`)
    const odd = [
      '\ud800 \udfff \ufeff \uffff \u2028 \u{10ffff} \u{1f600}',
      'NULL \\N {"a","b"} {} \\ \\\\ " \' $1 ? :a @b %s \r\n\t\v\b',
      "'); DROP TABLE ministore_entries; --",
      '\u0001\u001f\u007f\u0080\u009f\u00a0 e\u0301 \u00e9 \u202e',
      '',
    ]
    const texts = [...odd.map((text) => JSON.stringify(text)), '', 'NULL', '{}', '\u{1f600}\u0001']
    const batch = texts.map((text) => entry(text, text))
    expect(await engine.append(batch, 0)).toEqual({ ok: true, seq: texts.length })
    expect((await readAll(engine)).map(({ id, text }) => ({ id, text }))).toEqual(batch)
  })

  test('tells a conflict as a value, with its head', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(3), 0)
    const { engine: other } = await opened(file)
    await other.append(notes(1), 3)
    for (const expected of [0, 3, 99])
      expect(await engine.append(notes(2), expected)).toEqual({ ok: false, head: 4 })
    expect(await readAll(engine)).toHaveLength(4)
  })

  test('is truncated for everybody: what was there is compacted, the head stays', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(5), 0)
    await engine.truncate(3)
    const { engine: other, info } = await opened(file)
    expect(info).toMatchObject({ head: 5, first: 4 })
    expect(await failureOf(readAll(other))).toMatchObject({ code: 'compacted', seq: 1 })
    expect(await failureOf(readAll(other, 2))).toMatchObject({ code: 'compacted' })
    expect((await readAll(other, 3)).map(({ seq }) => seq)).toEqual([4, 5])
    await engine.truncate(1)
    await engine.truncate(99)
    expect(await readAll(other, 5)).toEqual([])
    expect(await failureOf(readAll(other, 4))).toMatchObject({ code: 'compacted' })
    expect(await other.append(notes(1), 5)).toEqual({ ok: true, seq: 6 })
    expect(await engine.open('ledger')).toMatchObject({ head: 6, first: 6 })
  })

  test('that is truncated while it is read says so, instead of leaving records out', async () => {
    const { engine } = await opened()
    await engine.append(notes(4000), 0)
    const read = async () => {
      for await (const _ of engine.read(0)) await engine.truncate(3000)
    }
    expect(await failureOf(read())).toMatchObject({ code: 'compacted', seq: 2049 })
  })

  test('with a record that is missing or larger than any may be is corrupt', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(4), 0)
    const raw = rawOn(file, driver)
    raw.exec('UPDATE ministore_entries SET data = hex(zeroblob(8388608)) WHERE seq = 3')
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 3 })
    raw.exec('DELETE FROM ministore_entries WHERE seq = 2')
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 2 })
    raw.exec('DELETE FROM ministore_entries WHERE seq = 1')
    expect(await failureOf(readAll(engine))).toMatchObject({ code: 'corrupt', seq: 1 })
  })

  const other = "UPDATE ministore_entries SET id = 'other' WHERE seq = 3"
  test.each([
    ['removed', 'DELETE FROM ministore_journals; DELETE FROM ministore_entries'],
    ['given another epoch', "UPDATE ministore_journals SET epoch = 'other'"],
    ['set back', 'DELETE FROM ministore_entries WHERE seq = 3'],
    ['given another last record', other],
    [
      'given another history',
      `${other}; INSERT INTO ministore_entries VALUES ('orders', 4, 'x', '{}')`,
    ],
  ])('that was %s is rewound before anything is appended, read or followed', async (_, change) => {
    const { file, engine } = await opened()
    await engine.append(notes(3), 0)
    const raw = rawOn(file, driver)
    raw.exec(change)
    const count = () => raw.prepare('SELECT * FROM ministore_entries').all().length
    const before = count()
    const next = () => engine.follow(3, new AbortController().signal)[Symbol.asyncIterator]().next()
    for (const run of [() => engine.append(notes(1), 3), () => readAll(engine, 3), next])
      expect(await failureOf(run())).toMatchObject({ code: 'rewound' })
    expect(await failureOf(engine.truncate(2))).toMatchObject({ code: 'rewound' })
    expect(count()).toBe(before)
    if (change === other) expect(await engine.open('ledger')).toMatchObject({ head: 3 })
  })

  test('is looked at without being made', async () => {
    const { file, engine, info } = await opened()
    await engine.append(notes(2), 0)
    const reader = engineOn(file, driver)
    expect(await reader.look()).toEqual({ ...info, head: 2, created: false, store: 'ledger' })
    expect(await readAll(reader)).toHaveLength(2)
    expect(await failureOf(reader.append(notes(1), 2))).toMatchObject({ code: 'config' })
    expect(await engineOn(file, driver, 'typo').look()).toBeUndefined()
    const raw = rawOn(file, driver)
    expect(raw.prepare('SELECT name FROM ministore_journals').all()).toHaveLength(1)
  })

  test('is followed by others, and from its beginning', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(3), 0)
    const reader = engineOn(file, driver)
    await reader.look()
    const { all } = followAll(reader)
    const { all: late } = followAll((await opened(file)).engine, 3)
    await vi.waitFor(() => expect(all).toHaveLength(3))
    await engine.append(notes(3000), 3)
    await vi.waitFor(() => expect(all).toHaveLength(3003))
    await vi.waitFor(() => expect(late).toHaveLength(3000))
    expect(all).toEqual(await readAll(engine))
  })

  test('ends its followers when it is closed, and refuses calls afterwards', async () => {
    const { engine } = await opened()
    const { done } = followAll(engine)
    await sleep(5)
    await engine.close()
    await done
    for (const run of [engine.append(notes(1), 0), readAll(engine), engine.truncate(1)])
      expect(await failureOf(run)).toMatchObject({ code: 'closed' })
  })

  test('waits for the lock without stopping the process, and gives up when the time is over', async () => {
    const { file } = await opened()
    const engine = engineOn(file, driver, 'orders', 100)
    await engine.open('ledger')
    const raw = rawOn(file, driver)
    raw.exec('BEGIN IMMEDIATE')
    let ticks = 0
    const ticking = setInterval(() => (ticks += 1), 1)
    const failed = await failureOf(engine.append(notes(1), 0))
    clearInterval(ticking)
    expect(failed).toMatchObject({ code: 'unavailable' })
    expect(failed.message).toMatch(/another process holds the lock.*end its transaction/)
    expect(ticks).toBeGreaterThan(0)
    const appended = engine.append(notes(1), 0)
    await sleep(5)
    raw.exec('COMMIT')
    expect(await appended).toEqual({ ok: true, seq: 1 })
  })

  test('learns of a conflict while another process holds the lock', async () => {
    const { file, engine } = await opened()
    const { engine: other } = await opened(file)
    await other.append(notes(1), 0)
    rawOn(file, driver).exec('BEGIN IMMEDIATE')
    expect(await engine.append(notes(1), 0)).toEqual({ ok: false, head: 1 })
  })

  test('gives up waiting for the lock when it is closed', async () => {
    const { file, engine } = await opened()
    rawOn(file, driver).exec('BEGIN IMMEDIATE')
    const appended = failureOf(engine.append(notes(1), 0))
    await sleep(5)
    await engine.close()
    expect(await appended).toMatchObject({ code: 'closed' })
  })
})

const [, driver = expect.unreachable()] = DRIVERS[0] ?? []
const unset = undefined as never
test.each<[string, Parameters<typeof sqliteJournal>[0], RegExp]>([
  ['an unset file', { file: unset, name: 'j' }, /file: is undefined.*variable set/],
  ['an empty file', { file: '', name: 'j' }, /file: is an empty string/],
  ['a database in memory', { file: ':memory:', name: 'j' }, /is a database in memory/],
  ['an object', { file: {} as never, name: 'j' }, /file: is a object/],
  ['a URL as a string', { file: 'file:///tmp/x.db', name: 'j' }, /URL as a string/],
  ['a URL of the web', { file: new URL('https://u:s3cret@h/x'), name: 'j' }, /begins with https:/],
  ['a NUL byte', { file: 'a\0b', name: 'j' }, /NUL/],
  ['an unset name', { file: 'x.db', name: unset }, /name: must match/],
  ['a name in capitals', { file: 'x.db', name: 'A' }, /name: must match/],
  ['a name with a quote', { file: 'x.db', name: "a'; DROP TABLE x; --" }, /name: must match/],
  ['a connection as a driver', { file: 'x.db', name: 'j', driver: {} as never }, /driver: must be/],
  ['a timeout of nothing', { file: 'x.db', name: 'j', timeout: 0 }, /timeout/],
])('%s is a TypeError, and nothing is opened', (_, options, message) => {
  expect(() => sqliteJournal(options)).toThrow(TypeError)
  expect(() => sqliteJournal(options)).toThrow(message)
  expect(() => sqliteJournal(options)).not.toThrow(/s3cret/)
})

describe('a commit that fails', () => {
  /** Fails the next commit as the system would, before or after it is done. */
  function failing(when: 'before' | 'after', code: string) {
    const state = { isArmed: false }
    class Failing extends (driver as SqliteDriver) {
      override exec(sql: string): unknown {
        if (sql !== 'COMMIT' || !state.isArmed) return super.exec(sql)
        state.isArmed = false
        if (when === 'after') super.exec(sql)
        throw Object.assign(new Error('disk I/O error'), { code })
      }
    }
    return { state, Failing }
  }

  test.each(['before', 'after'] as const)(
    'on the disk is unknown, and is settled (%s it was done)',
    async (when) => {
      const file = freshFile()
      const { state, Failing } = failing(when, 'SQLITE_IOERR_FSYNC')
      const engine = engineOn(file, Failing)
      await engine.open('ledger')
      state.isArmed = true
      expect(await failureOf(engine.append(notes(1), 0))).toMatchObject({ code: 'unknown' })
      await engine.close()
      const journal = sqliteJournal({ file, name: 'orders', driver: Failing })
      const { head } = await journal.open('ledger')
      state.isArmed = true
      expect(await journal.append(notes(2), head)).toEqual({ ok: true, seq: head + 2 })
      await journal.close()
      expect(await readAll(await reopened(file))).toHaveLength(head + 2)
    },
  )

  test('since the disk is full is certainly not written, and is tried again', async () => {
    const file = freshFile()
    const { state, Failing } = failing('before', 'SQLITE_FULL')
    const engine = engineOn(file, Failing)
    await engine.open('ledger')
    state.isArmed = true
    const error = await failureOf(engine.append(notes(1), 0))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(error.message).toMatch(/disk is full: free some space/)
    expect(await engine.append(notes(1), 0)).toEqual({ ok: true, seq: 1 })
  })

  const reopened = async (file: string) => {
    const engine = engineOn(file, driver as SqliteDriver)
    await engine.open('ledger')
    return engine
  }
})
