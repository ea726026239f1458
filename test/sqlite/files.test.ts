// The files of a database: which may be used, who may read them, and what happens if they are changed under an open journal.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SqliteDriver } from 'ministore-ts/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { home } from '../cli/build.ts'
import { strace, whyNoStrace } from '../trust/strace.ts'
import {
  engineOn,
  failureOf,
  freshDirectory,
  freshFile,
  notes,
  rawOn,
  readAll,
} from './databases.ts'
import { DRIVERS } from './drivers.ts'

const modeOf = (path: string) => (fs.statSync(path).mode & 0o777).toString(8)

describe.each(DRIVERS)('the files of a journal in SQLite by %s', (_, driver) => {
  const opened = async (file = freshFile()) => {
    const engine = engineOn(file, driver)
    await engine.open('ledger')
    return { file, engine }
  }
  const refusal = (file: string) => failureOf(engineOn(file, driver).open('ledger'))

  test('are readable by nobody else if they are new, and keep their rights if they are not', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(1), 0)
    for (const each of ['', '-wal', '-shm']) expect(modeOf(`${file}${each}`)).toBe('600')
    const shared = freshFile()
    fs.writeFileSync(shared, '')
    fs.chmodSync(shared, 0o640)
    await opened(shared)
    for (const each of ['', '-wal']) expect(modeOf(`${shared}${each}`)).toBe('640')
  })

  test('are switched to a log that is synced with each commit, whatever they were before', async () => {
    const file = freshFile()
    const raw = new driver(file, { timeout: 0 })
    raw.exec('PRAGMA journal_mode = DELETE; CREATE TABLE users (name TEXT)')
    raw.close()
    const { engine } = await opened(file)
    await engine.append(notes(1), 0)
    expect(rawOn(file, driver).prepare('PRAGMA journal_mode').get()).toEqual({
      journal_mode: 'wal',
    })
  })

  test('wait for a transaction that keeps them in another mode', async () => {
    const file = freshFile()
    const raw = rawOn(file, driver)
    raw.exec('CREATE TABLE users (name TEXT); BEGIN IMMEDIATE')
    const opening = engineOn(file, driver).open('ledger')
    await sleep(5)
    raw.exec('COMMIT')
    expect(await opening).toMatchObject({ created: true })
  })

  test('are found by a link, and are one journal under all its names', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(2), 0)
    const link = join(freshDirectory(), 'link.db')
    fs.symlinkSync(file, link)
    const { engine: other } = await opened(link)
    expect(await other.append(notes(1), 2)).toEqual({ ok: true, seq: 3 })
    expect(await readAll(engine)).toHaveLength(3)
    expect(fs.existsSync(`${link}-wal`)).toBe(false)
  })

  test('are refused if they cannot be shared: what it is, and what to do', async () => {
    const directory = freshDirectory()
    const path = (name: string) => join(directory, name)
    fs.symlinkSync(path('nowhere/app.db'), path('dangling.db'))
    fs.writeFileSync(path('text.db'), '{"format":"ministore"}\n'.repeat(99))
    fs.writeFileSync(path('one.db'), '')
    fs.linkSync(path('one.db'), path('two.db'))
    spawnSync('mkfifo', [path('pipe.db')])
    const cases: [string, string, RegExp][] = [
      [directory, 'config', /is a directory: name a file/],
      [path('absent/app.db'), 'config', /directory .*absent does not exist: make it first/],
      [path('dangling.db'), 'config', /cannot be created|does not exist/],
      [path('text.db'), 'foreign', /is not a database.*check the path/],
      [path('one.db'), 'config', /hard link.*remove the other name/],
      [path('pipe.db'), 'config', /is not a file/],
    ]
    for (const [file, code, message] of cases) {
      const error = await refusal(file)
      expect(error, file).toMatchObject({ code })
      expect(error.message).toMatch(message)
    }
    expect(fs.readdirSync(directory).sort()).toEqual(
      ['dangling.db', 'one.db', 'pipe.db', 'text.db', 'two.db'].sort(),
    )
  })

  test('are refused on a network file system', async () => {
    const { statfsSync } = fs
    onTestFinished(() => {
      fs.statfsSync = statfsSync
      syncBuiltinESMExports()
    })
    const file = freshFile()
    fs.statfsSync = ((path: string) => ({ ...statfsSync(path), type: 0x6969 })) as never
    syncBuiltinESMExports()
    const error = await refusal(file)
    expect(error).toMatchObject({ code: 'config' })
    expect(error.message).toMatch(/is on NFS.*use a local disk, or PostgreSQL or NATS/)
    expect(fs.existsSync(file)).toBe(false)
  })

  test('of a newer version of the tables are refused, also under an open journal', async () => {
    const { file, engine } = await opened()
    rawOn(file, driver).exec('UPDATE ministore_schema SET version = 2')
    const all = [engine.append(notes(1), 0), readAll(engine), engineOn(file, driver).look()]
    for (const call of [...all, engineOn(file, driver).open('ledger')]) {
      const error = await failureOf(call)
      expect(error).toMatchObject({ code: 'config' })
      expect(error.message).toMatch(/version 2, not 1: update ministore/)
    }
  })

  test('are not made by a reader, nor are tables', async () => {
    const directory = freshDirectory()
    const absent = join(directory, 'typo.db')
    expect(await engineOn(absent, driver).look()).toBeUndefined()
    const empty = join(directory, 'empty.db')
    fs.writeFileSync(empty, '')
    expect(await engineOn(empty, driver).look()).toBeUndefined()
    expect(fs.readdirSync(directory)).toEqual(['empty.db'])
    expect(fs.statSync(empty).size).toBe(0)
    const app = join(directory, 'app.db')
    const raw = rawOn(app, driver)
    raw.exec('CREATE TABLE users (name TEXT)')
    expect(await engineOn(app, driver).look()).toBeUndefined()
    expect(raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()).toHaveLength(1)
  })

  test.each([
    ['removed', (file: string) => fs.rmSync(file)],
    ['moved', (file: string) => fs.renameSync(file, `${file}.old`)],
    [
      'replaced',
      (file: string) => {
        fs.copyFileSync(file, `${file}.copy`)
        fs.renameSync(`${file}.copy`, file)
      },
    ],
    ['robbed of its log', (file: string) => fs.rmSync(`${file}-wal`)],
  ])('that are %s under an open journal stop it before it acknowledges', async (_, change) => {
    const { file, engine } = await opened()
    await engine.append(notes(2), 0)
    const reader = engineOn(file, driver)
    await reader.look()
    const followed = reader.follow(2, new AbortController().signal)[Symbol.asyncIterator]().next()
    await sleep(20)
    change(file)
    const error = await failureOf(engine.append(notes(1), 2))
    expect(error).toMatchObject({ code: 'rewound' })
    expect(error.message).toMatch(/removed or replaced|moved/)
    expect(await failureOf(readAll(reader))).toMatchObject({ code: 'rewound' })
    expect(await failureOf(followed)).toMatchObject({ code: 'rewound' })
    // Nothing is made in its place by who goes on.
    if (_ === 'removed') expect(fs.existsSync(file)).toBe(false)
  })

  test('that were restored under an open journal stop it', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(1), 0)
    const backup = `${file}.backup`
    rawOn(file, driver).exec(`VACUUM INTO '${backup}'`)
    await engine.append(notes(3), 1)
    // As `.restore` of the sqlite3 shell does it: in a transaction.
    const raw = rawOn(file, driver)
    raw.exec(`ATTACH '${backup}' AS backup; BEGIN IMMEDIATE; DELETE FROM ministore_entries;
      INSERT INTO ministore_entries SELECT * FROM backup.ministore_entries; COMMIT`)
    expect(await failureOf(engine.append(notes(1), 4))).toMatchObject({ code: 'rewound' })
    expect(await engine.open('ledger')).toMatchObject({ head: 1 })
  })

  test('are read from a backup, which is in another mode', async () => {
    const { file, engine } = await opened()
    await engine.append(notes(3), 0)
    const backup = `${file}.backup`
    rawOn(file, driver).exec(`VACUUM INTO '${backup}'`)
    const reader = engineOn(backup, driver)
    expect(await reader.look()).toMatchObject({ head: 3 })
    expect(await readAll(reader)).toHaveLength(3)
    expect(fs.existsSync(`${backup}-wal`)).toBe(false)
  })

  test('that are opened by a process with an SQLite that loses commits are refused', async () => {
    class Old extends (driver as SqliteDriver) {
      override prepare(sql: string) {
        return super.prepare(sql.replace('sqlite_version()', "'3.46.1'"))
      }
    }
    const error = await failureOf(engineOn(freshFile(), Old).open('ledger'))
    expect(error).toMatchObject({ code: 'config' })
    expect(error.message).toMatch(/SQLite 3\.46\.1 can lose commits.*3\.51\.3 or newer/)
  })
})

/** Runs the appender in a process of its own, as the user `uid`. Returns what it printed. */
function appender(args: readonly string[], { wrapper = [] as readonly string[], uid = 0 } = {}) {
  const [command = '', ...rest] = [...wrapper, process.execPath]
  const program = join(home(), 'test/sqlite/appender.js')
  const user = uid === 0 ? {} : { uid, gid: uid }
  const { stdout, stderr } = spawnSync(command, [...rest, program, ...args], {
    encoding: 'utf8',
    ...user,
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

const NOBODY = 65_534
describe.runIf(process.getuid?.() === 0)('without the right to write', () => {
  async function readable() {
    const directory = freshDirectory()
    for (const each of [directory, home()]) fs.chmodSync(each, 0o755)
    const file = join(directory, 'app.db')
    fs.writeFileSync(file, '')
    fs.chmodSync(file, 0o644)
    appender([file, '2'])
    return { directory, file }
  }

  test('to the file, opening is refused, and reading is not', async () => {
    const { directory, file } = await readable()
    fs.chmodSync(directory, 0o777)
    const refused = appender([file, '1'], { uid: NOBODY })
    expect(refused).toMatchObject({ code: 'config' })
    expect(refused.message).toMatch(/EACCES.*open with \{ readOnly: true \}/)
    expect(appender([file, '0', 'read'], { uid: NOBODY })).toEqual({ records: 2 })
  })

  test('to its directory, a database is read while a process has it open, and says what it needs otherwise', async () => {
    const { file } = await readable()
    const refused = appender([file, '0', 'read'], { uid: NOBODY })
    expect(refused).toMatchObject({ code: 'config' })
    expect(refused.message).toMatch(/right to write.*directory/)
    const [, driver = expect.unreachable()] = DRIVERS[0] ?? []
    await engineOn(file, driver).open('ledger')
    expect(appender([file, '0', 'read'], { uid: NOBODY })).toEqual({ records: 2 })
  })

  test('to the file by its mode, nothing is read either', async () => {
    const { file } = await readable()
    fs.chmodSync(file, 0o600)
    const refused = appender([file, '0', 'read'], { uid: NOBODY })
    expect(refused).toMatchObject({ code: 'config' })
    expect(refused.message).toMatch(/EACCES.*right to read/)
  })
})

const whyNot = whyNoStrace()
if (whyNot) console.log(`skipped, because ${whyNot}: counting syncs`)
test.skipIf(whyNot)('each append is one sync of the log', () => {
  const syncs = (count: number) => {
    const file = freshFile()
    appender([file, '1'])
    const { wrapper, readCalls } = strace(`${file}-wal`, [])
    appender([file, String(count)], { wrapper })
    return readCalls().filter((call) => call === 'fsync' || call === 'fdatasync').length
  }
  expect(syncs(9) - syncs(2)).toBe(7)
})
