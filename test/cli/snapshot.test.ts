import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineStore } from 'ministore-ts'
import { type Table, table } from 'ministore-ts/table'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'
import { home } from './build.ts'
import { ministores } from './run.ts'
import { older, shelves } from './stores.ts'
import { tickets } from './tickets.ts'

const STORE = ['--store', 'test/cli/tickets.js']

async function write(): Promise<string> {
  const path = tempJournal()
  const store = await tickets.open(path)
  for (const id of ['a', 'b', 'c']) await store.dispatch('openTicket', { id, title: id })
  await store.close()
  return path
}

describe('ministore snapshot and compact', () => {
  test('write a snapshot, or an archive and a journal that begins with the state', async () => {
    const [one, two, three] = [await write(), await write(), await write()]
    const [snapshot, compact, noArchive] = await ministores(
      ['snapshot', one, ...STORE],
      ['compact', two, ...STORE, '--format', 'json'],
      ['compact', three, ...STORE, '--no-archive'],
    )
    for (const ran of [snapshot, compact, noArchive])
      expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(snapshot?.stdout).toContain(`ok ${one}.snapshot: the state at seq 3`)
    const bytes = readFileSync(two).length
    expect(JSON.parse(compact?.stdout ?? '')).toMatchObject({
      journal: two,
      seq: 3,
      bytes,
      archive: `${two}.3.archive`,
    })
    expect(noArchive?.stdout).toContain('3 records became the state')
    expect(readdirSync(dirname(three)).filter((name) => name.includes('archive'))).toEqual([])
    // What a program runs that loads the same file.
    const built: { tickets: typeof tickets } = await import(
      /* @vite-ignore */ pathToFileURL(join(home(), 'test/cli/tickets.js')).href
    )
    const store = await built.tickets.open(one)
    expect(store.recovery).toMatchObject({ records: 0, snapshot: { used: true, seq: 3 } })
    await store.close()
  })

  test('say what a snapshot by a TypeScript file is for; another compiler makes no use of it', async () => {
    const path = await write()
    const [ran] = await ministores(['snapshot', path, '--store', 'test/cli/tickets.ts#tickets'])
    expect(ran?.status).toBe(0)
    expect(ran?.stderr).toMatch(
      /^note: test\/cli\/tickets.ts#tickets was compiled for this command/,
    )
    const store = await tickets.open(path)
    expect(store.recovery).toMatchObject({
      records: 3,
      snapshot: { used: false, reason: expect.stringContaining('compiled in another way') },
    })
    await store.close()
  })

  test('refuse a journal that is open, and make none that is not there: exit code 2', async () => {
    const path = await write()
    const store = await tickets.open(path)
    const [open, missing] = await ministores(
      ['compact', path, ...STORE],
      ['snapshot', `${path}.none`, ...STORE],
    )
    await store.close()
    expect(open).toMatchObject({ status: 2, stderr: expect.stringContaining('is held by process') })
    expect(missing).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('the file does not exist'),
    })
    expect(readdirSync(dirname(path)).sort()).toEqual([basename(path), `${basename(path)}.lock`])
  })
})

describe('a compacted journal, with tables in its state,', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'whole.jsonl')
  const damaged = join(directory, 'damaged.jsonl')
  const torn = join(directory, 'torn.jsonl')
  const inStore = ['--store', 'test/cli/stores.js#shelves']

  beforeAll(async () => {
    const store = await shelves.open(path)
    await store.dispatch('put', { shelf: 'a/b', item: 'x' })
    await store.dispatch('put', { shelf: 'c', item: '__proto__' })
    await store.dispatch('put', { shelf: 'd', item: 'y' })
    await store.compact()
    await store.dispatch('put', { shelf: 'a/b', item: 'x' })
    await store.dispatch('take', { shelf: 'd' })
    await store.close()
    writeFileSync(damaged, readFileSync(path, 'utf8').replace('"x":1', '"x":2'))
    copyFileSync(path, torn)
    appendFileSync(torn, '{"seq":6,"at":"2026')
  })

  test('is verified with its state; what is found is told with its line', async () => {
    const [verify, log, stats] = await ministores(
      ['verify', path, damaged, torn],
      ['log', torn, '--format', 'json'],
      ['stats', torn, '--format', 'json'],
    )
    const lines = readFileSync(path, 'utf8').split('\n').length
    const place = `torn.jsonl:${lines} (byte ${readFileSync(path).length}): 19 bytes`
    expect(verify?.status).toBe(1)
    const [whole, bad, tornOne, warning] = (verify?.stdout ?? '').split('\n')
    expect(whole).toContain(`ok ${path}: 2 records`)
    expect(bad).toMatch(/^failed .*damaged\.jsonl:2 /)
    expect([tornOne, warning].join()).toContain('ok ')
    expect(verify?.stdout).toContain(place)
    expect(log?.stderr).toContain(place)
    expect(stats?.stderr).toContain(place)
    expect(JSON.parse(`[${log?.stdout.trim().replace('\n', ',')}]`)).toMatchObject([
      { seq: 4 },
      { seq: 5 },
    ])
    expect(JSON.parse(stats?.stdout ?? '')).toMatchObject({ records: 2 })
  })

  test('shows its state, and what it lacks', async () => {
    const [part, nothing, before] = await ministores(
      ['state', path, ...inStore, '--path', '/shelves/a~1b/items/x'],
      ['state', path, ...inStore, '--path', 'shelves.nothing'],
      ['state', path, ...inStore, '--at', '2'],
    )
    expect(part).toEqual({ status: 0, stdout: '2\n', stderr: '' })
    expect(nothing?.stderr).toContain('/shelves has a/b, c')
    expect(before).toMatchObject({ status: 2, stderr: expect.stringContaining('was compacted') })
  })

  test('is compared from where its states begin', async () => {
    const [diff, before] = await ministores(
      ['diff', path, '3', '5', ...inStore, '--format', 'json'],
      ['diff', path, '5', '2', ...inStore],
    )
    expect(JSON.parse(diff?.stdout ?? '')).toEqual([
      { op: 'replace', path: '/shelves/a~1b/items/x', value: 2, before: 1 },
      { op: 'remove', path: '/shelves/d', before: { items: { y: 1 } } },
      { op: 'add', path: '/taken/0', value: { y: 1 } },
    ])
    expect(before).toMatchObject({ status: 2, stdout: '' })
    expect(before?.stderr).toContain(
      'its states begin at seq 3, so the state at 2 is not available',
    )
  })

  test('names the record that changed a part of it, if it has it', async () => {
    const [all, unchanged, never, unknown] = await ministores(
      ['blame', path, '/shelves', '--all', ...inStore, '--format', 'json'],
      ['blame', path, '/shelves/c/items/__proto__', ...inStore],
      ['blame', path, '/shelves/nothing', ...inStore],
      ['blame', damaged, '/shelves', ...inStore],
    )
    const before = { 'a/b': { items: { x: 1 } }, c: { items: JSON.parse('{"__proto__":1}') } }
    const d = { items: { y: 1 } }
    const after = { ...before, 'a/b': { items: { x: 2 } } }
    const rows = (all?.stdout ?? '').trim().split('\n')
    expect(rows.map((row) => JSON.parse(row))).toMatchObject([
      { seq: 4, before: { ...before, d }, after: { ...after, d } },
      { seq: 5, before: { ...after, d }, after },
    ])
    expect(unchanged?.stdout).toBe(
      '/shelves/c/items/__proto__ is 1, as it was at seq 3, when the journal was compacted: no record changed it\n',
    )
    expect(unknown?.stderr).toMatch(/^ministore: .*the state at seq 3 is damaged/)
    expect([never?.status, unknown?.status]).toEqual([1, 1])
    expect(never?.stderr).toContain(
      'there never was a /shelves/nothing since seq 3, to which the journal was compacted: /shelves has a/b, c',
    )
  })

  test('has what the definition has gained since, for each verb', async () => {
    const grown = tempJournal()
    const before = defineStore({
      name: 'shelves',
      state: { shelves: table<{ items: Table<number> }>() },
      mutations: {
        put: {
          payload: z.object({ shelf: z.string() }),
          apply: ({ shelves }, { shelf }) => void shelves.set(shelf, { items: table([['x', 1]]) }),
        },
      },
    })
    const old = await before.open(grown)
    await old.dispatch('put', { shelf: 'a' })
    await old.compact()
    await old.close()
    const check = ['check', grown, ...inStore, '--format', 'json']
    const [state, first, unchanged] = await ministores(['state', grown, ...inStore], check, [
      'blame',
      grown,
      '/taken',
      ...inStore,
    ])
    expect(JSON.parse(state?.stdout ?? '')).toEqual({
      shelves: { a: { items: { x: 1 } } },
      taken: [],
    })
    expect(first).toMatchObject({ status: 0 })
    expect(unchanged?.stdout).toContain('/taken is []')
    const today = await shelves.open(grown)
    await today.dispatch('take', { shelf: 'a' })
    await today.close()
    const [diff, blame, end, digest, second] = await ministores(
      ['diff', grown, '1', '2', ...inStore, '--format', 'json'],
      ['blame', grown, '/taken', ...inStore, '--format', 'json'],
      ['state', grown, ...inStore, '--path', '/taken/0/x'],
      ['state', grown, ...inStore, '--digest'],
      check,
    )
    expect(JSON.parse(diff?.stdout ?? '')).toEqual([
      { op: 'remove', path: '/shelves/a', before: { items: { x: 1 } } },
      { op: 'add', path: '/taken/0', value: { x: 1 } },
    ])
    expect(JSON.parse(blame?.stdout ?? '')).toMatchObject({
      ...{ seq: 2, type: 'take', before: [], after: [{ x: 1 }] },
    })
    expect(end).toEqual({ status: 0, stdout: '1\n', stderr: '' })
    const { digest: replayed } = await shelves.replay(grown)
    expect(digest?.stdout).toBe(`${replayed}\n`)
    expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining(replayed) })
  })

  test('is not shrunk, and says why', async () => {
    const failing = tempJournal()
    const store = await older.open(failing)
    await store.dispatch('addTopic', { name: 'orders' })
    await store.compact()
    await store.dispatch('archive')
    await store.close()
    const [check] = await ministores([
      ...['check', failing, '--store', 'test/store/broker.js', '--shrink'],
    ])
    expect(check?.status).toBe(1)
    expect(check?.stderr).toContain(
      `not shrunk: ${failing} was compacted: its records stand on the state at seq 1`,
    )
  })
})
