// What the verbs do with journals on real servers, named by their URLs.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileJournal } from 'ministore-ts/file'
import type { SharedJournal } from 'ministore-ts/shared'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startEngine } from '../engines/engines.ts'
import { tempJournal } from '../file/temp-journal.ts'
import { journalOf } from '../format/forge.ts'
import { ADMIN } from '../servers/nats.ts'
import { broker, NOON } from '../store/broker.ts'
import { home, installed } from './build.ts'
import { ministoreHere } from './here.ts'
import { type Ran, start } from './run.ts'

const postgres = await startEngine('PostgreSQL')
const sqlite = await startEngine('SQLite')
const nats = await startEngine('NATS R1')
const password = postgres ? new URL(postgres.url('x')).password : ''

/** What nobody may read anywhere. */
const SECRETS = [password, ADMIN.pass, 'wr0ng'].filter((secret) => secret !== '')
const tell = ({ stdout, stderr, ...rest }: Ran): Ran => {
  for (const secret of SECRETS) expect(`${stdout}${stderr}`).not.toContain(secret)
  return { stdout, stderr, ...rest }
}
const ministore = async (...args: string[]): Promise<Ran> => tell(await ministoreHere(...args))

let store = ''
beforeAll(() => {
  store = join(home(), 'test/store/broker.js#broker')
})
afterEach(() => void vi.unstubAllEnvs())

/** The same records in a file and on an engine. */
async function sameIn(path: string, journal: SharedJournal): Promise<void> {
  let hour = 0
  const now = () => NOON + hour++ * 3_600_000
  const written = await broker.open(path, { now })
  await written.dispatch('addTopic', { name: 'orders' })
  await written.dispatch('addTopic', { name: 'a\u009b31m\u202eb' }, { key: 'req 7' })
  await written.execute('createTopics', { names: ['x', 'y'] })
  await written.dispatch('setPartitions', { name: 'orders', partitions: 4 })
  await written.close()
  const file = fileJournal(path, { readOnly: true })
  await file.open('broker')
  await journal.open('broker')
  for await (const entries of file.read(0))
    await journal.append(entries, (entries[0]?.seq ?? 1) - 1)
  await journal.close()
  await file.close()
}

for (const engine of [postgres, nats, sqlite]) {
  if (!engine) continue
  describe(`a journal on ${engine.label}`, () => {
    const on = engine

    test('is shown, replayed and checked as a file with the same records is', async () => {
      const path = tempJournal()
      const url = on.url('read')
      await sameIn(path, on.journal('read'))
      const shown = on.journal('read').name
      for (const args of [
        ['log', '--format', 'json'],
        ['log'],
        ['log', '--last', '2', '--type', 'addTopic'],
        ['log', '--after', '1', '--until', '3', '--limit', '1', '--type', 'nothing'],
        ['state', '--store', store, '--digest'],
        ['state', '--store', store, '--at', '2'],
        ['diff', '1', '3', '--store', store],
        ['blame', '/topics/orders/partitions', '--store', store],
        ['state', '--store', store, '--at', '9'],
      ]) {
        const [verb = '', ...rest] = args
        const [file, shared] = [
          await ministore(verb, path, ...rest),
          await ministore(verb, url, ...rest),
        ]
        expect(shared, args.join(' ')).toEqual({
          ...file,
          stderr: file.stderr.replaceAll(path, shown),
        })
      }
      const { digest, seq } = await broker.replay(path)
      const checked = await ministore('check', url, '--store', store, '--digest', digest)
      expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining(shown) })
      expect(await ministore('check', url, '--store', store, '--digest', 'sha256:0')).toMatchObject(
        {
          status: 1,
          stdout: expect.stringContaining('expected sha256:0'),
        },
      )
      const [verdict] = JSON.parse((await ministore('verify', url, '--format', 'json')).stdout)
      expect(verdict).toMatchObject({ journal: shown, ok: true, records: seq, store: 'broker' })
      expect((await ministore('verify', url)).stdout).toContain('no checksums')
      const stats = async (journal: string) =>
        JSON.parse((await ministore('stats', journal, '--format', 'json')).stdout)
      const { journal, created, groups, bytes, largest, ...same } = await stats(path)
      const shared = await stats(url)
      expect(shared).toMatchObject(same)
      expect(shared).toMatchObject({ journal: shown, largest: { seq: largest.seq } })
      expect(shared.bytes).toBeLessThan(bytes)
      expect(await ministore('stats', url)).toMatchObject({ status: 0 })
    })

    test('is followed until Ctrl-C', async () => {
      const open = await broker.open(on.journal('followed'))
      for (const name of ['a', 'b', 'c']) await open.dispatch('addTopic', { name })
      const log = start('log', on.url('followed'), '--follow', '--last', '1', '--format', 'json')
      const next = async () => JSON.parse((await log.next()) ?? 'null')
      expect(await next()).toMatchObject({ seq: 3, payload: { name: 'c' } })
      await open.dispatch('reset')
      expect(await next()).toMatchObject({ seq: 4, type: 'reset' })
      log.process.kill('SIGINT')
      expect(await log.ended).toEqual({ status: 130, stderr: '' })
      await open.close()
    })

    test('that is not there, is another store’s, or is damaged', async () => {
      const missing = await ministore('log', on.url('missing'))
      expect(missing).toMatchObject({ status: 2, stderr: expect.stringMatching(/does not exist/) })
      expect(await on.journal('missing').look()).toBeUndefined()
      const journal = on.journal('others')
      await journal.open('others')
      const text = `{"at":"2026-11-22T12:00:00.000Z","type":"note"}`
      await journal.append([{ text }, { text }, { text: '{"type":"note"}' }], 0)
      const url = on.url('others')
      const other = await ministore('state', url, '--store', store)
      expect(other).toMatchObject({ status: 2, stderr: expect.stringMatching(/"others"/) })
      const found = await ministore('check', url, '--store', store)
      expect(found).toMatchObject({ status: 1, stdout: expect.stringMatching(/"others"/) })
      // The third one is no record.
      const damaged = /record 3 "at" is not a time/
      expect(await ministore('verify', url)).toMatchObject({
        ...{ status: 1, stdout: expect.stringMatching(damaged) },
      })
      const log = await ministore('log', url)
      expect(log).toMatchObject({ status: 1, stderr: expect.stringMatching(damaged) })
      expect(log.stdout.split('\n')).toHaveLength(3)
      await journal.truncate(1)
      await journal.close()
      const rest = await ministore('log', url, '--until', '2')
      expect(rest).toMatchObject({ status: 0, stderr: expect.stringMatching(/begin with seq 2/) })
      expect(rest.stdout.split('\n')).toHaveLength(2)
    })

    test('that was truncated has no state any more', async () => {
      const open = await broker.open(on.journal('short'))
      for (const name of ['a', 'b', 'c']) await open.dispatch('addTopic', { name })
      await open.close()
      const journal = on.journal('short')
      await journal.open('broker')
      await journal.truncate(2)
      await journal.close()
      for (const verb of ['state', 'check'])
        expect(await ministore(verb, on.url('short'), '--store', store)).toMatchObject({
          ...{ status: 2, stdout: '', stderr: expect.stringMatching(/truncated.* seq 3/) },
        })
    })

    test.skipIf(on === sqlite)('needs the right password, and a server', async () => {
      vi.stubEnv('MINISTORE_TIMEOUT', '150')
      const url = new URL(on.url('read'))
      url.password = 'wr0ng'
      const gone = new URL(url)
      gone.port = '1'
      for (const each of [url.href, gone.href])
        for (const args of [
          ['log', each],
          ['stats', each],
          ['verify', each],
          ['state', each, '--store', store],
          ['check', each, '--store', store],
          ['copy', each, tempJournal()],
          ['copy', tempFile(), each],
        ]) {
          const { status, stdout, stderr } = await ministore(...args)
          expect(status, args[0]).toBe(2)
          expect(`${stdout}${stderr}`).toContain(new URL(each).host)
        }
      // As main.ts prints it.
      const { status, stderr } = await start('log', url.href).ended
      expect(tell({ status, stdout: '', stderr }).status).toBe(2)
    })
  })
}

/** A journal with a record. */
function tempFile(): string {
  const path = tempJournal()
  writeFileSync(path, journalOf(1))
  return path
}

describe('a URL', () => {
  test('that is none, or misread, is not shown', async () => {
    const wrong = [
      ...['mysql://u:s3cret@h/x#a', 'postgres://u:a#s3cret@h/db', 'postgres://u:s3cret@h/db'],
      ...[
        'postgres://u:77/s3cret@h/db#j',
        'postgres://u:s@h:s3cret/db#j',
        'postgres://u:s3cret@h#J',
      ],
      ...['nats://u:77,s3cret@h#j', 'nats://u:77/s3cret@h#j', 'nats://u:77?s3cret@h#j'],
      ...['nats://s3cret@h:999999#j', 'nats://u:s3cret@h?replicas=9#j', 'tls://u:s3cret@h?x=y#j'],
    ]
    for (const url of wrong) {
      const { status, stdout, stderr } = await ministoreHere('verify', url)
      expect(status, url).toBe(2)
      expect(`${stdout}${stderr}`, url).not.toMatch(/s3cret|77/)
    }
  })

  test('is refused, and not shown, by what works on files', async () => {
    const url = 'postgres://u:s3cret@h/db#j'
    for (const args of [
      ['repair', url],
      ['snapshot', url, '--store', store],
      ['compact', url, '--store', store],
      ['import', url, '--from', 'mini-rs', '--to', tempJournal(), '--store', store],
      ['import', tempFile(), '--from', 'mini-rs', '--to', url, '--store', store],
      ['check', url, '--store', store, '--update'],
      ['check', url, '--store', store, '--shrink'],
    ]) {
      const { status, stderr } = await ministoreHere(...args)
      expect(status, args[0]).toBe(2)
      expect(stderr).toMatch(/file/)
      expect(stderr).not.toContain('s3cret')
    }
    expect(readdirSync(process.cwd())).not.toContain('postgres:')
  })

  test('without the client of its engine says what to install', () => {
    const project = join(dirname(tempJournal()), 'node_modules')
    mkdirSync(project)
    cpSync(installed(), join(project, 'ministore-ts'), { recursive: true })
    const root = fileURLToPath(new URL('../../node_modules/', import.meta.url))
    const { dependencies } = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8'))
    for (const name of [...Object.keys(dependencies), 'zod']) {
      // The scope of a name is a directory.
      mkdirSync(dirname(join(project, name)), { recursive: true })
      symlinkSync(join(root, name), join(project, name))
    }
    const main = join(project, 'ministore-ts/dist/cli/main.js')
    for (const [url, client] of [
      ['postgres://u:s3cret@h/db#j', 'pg'],
      ['nats://u:s3cret@h#j', '@nats-io/transport-node'],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [main, 'log', url], {
        encoding: 'utf8',
      })
      const told = `ministore: the package ${client} is not installed: npm install ${client}\n`
      expect({ status, stderr }).toEqual({ status: 2, stderr: told })
    }
    if (isBuiltin('node:sqlite')) return
    const { status, stderr } = spawnSync(process.execPath, [main, 'log', 'sqlite:x.db#j'], {
      encoding: 'utf8',
    })
    expect(status).toBe(2)
    expect(stderr).toMatch(/no node:sqlite.*Node 22\.13 or newer.*npm install better-sqlite3@12/)
  })
})
