import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { ministores } from './run.ts'
import { tickets } from './tickets.ts'

const STORE = ['--store', fileURLToPath(new URL('tickets.ts', import.meta.url))]

async function write(): Promise<string> {
  const path = tempJournal()
  const store = await tickets.open(path)
  for (const id of ['a', 'b', 'c']) await store.dispatch('openTicket', { id, title: id })
  await store.close()
  return path
}

test('ministore snapshot writes one, ministore compact keeps the records in an archive', async () => {
  const [one, two, three] = [await write(), await write(), await write()]
  const ran = await ministores(
    ['snapshot', one, ...STORE],
    ['compact', two, ...STORE, '--format', 'json'],
    ['compact', three, ...STORE, '--no-archive'],
  )
  expect(ran.map(({ status, stderr }) => [status, stderr])).toEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ])
  expect(ran[0]?.stdout).toContain(`ok ${one}.snapshot: the state at seq 3`)
  const bytes = readFileSync(two).length
  expect(JSON.parse(ran[1]?.stdout ?? '')).toMatchObject({
    journal: two,
    seq: 3,
    bytes,
    archive: `${two}.3.archive`,
  })
  expect(ran[2]?.stdout).toContain('3 records became the state')
  expect(readdirSync(dirname(three)).filter((name) => name.includes('archive'))).toEqual([])
  const [first = ''] = readFileSync(`${one}.snapshot`, 'utf8').split('\n', 1)
  expect(JSON.parse(first)).toMatchObject({ store: 'tickets', seq: 3, base: 0 })
})

test('the other verbs read a compacted journal', async () => {
  const path = await write()
  const store = await tickets.open(path)
  await store.compact()
  await store.dispatch('closeTicket', { id: 'b' })
  await store.close()
  const damaged = tempJournal()
  writeFileSync(damaged, readFileSync(path, 'utf8').replace('"title":"a"', '"title":"A"'))
  const [verify, log, stats, repair, state, before, bad] = await ministores(
    ['verify', path],
    ['log', path, '--format', 'json'],
    ['stats', path, '--format', 'json'],
    ['repair', path],
    ['state', path, ...STORE, '--path', '/closed'],
    ['state', path, ...STORE, '--at', '2'],
    ['verify', damaged],
  )
  expect(verify).toMatchObject({ status: 0 })
  expect(JSON.parse(log?.stdout ?? '')).toMatchObject({ seq: 4, type: 'closeTicket' })
  expect(JSON.parse(stats?.stdout ?? '')).toMatchObject({
    records: 1,
    bytes: readFileSync(path).length,
  })
  expect(repair).toMatchObject({ status: 0 })
  expect(state).toMatchObject({ status: 0, stdout: '1\n' })
  expect(before?.status).not.toBe(0)
  expect(before?.stderr).toContain('was compacted')
  expect(bad).toMatchObject({ status: 1 })
  expect(bad?.stdout).toContain(`${basename(damaged)}:2`)
})

test('a journal that is open is refused, one that is not there is not made: exit code 2', async () => {
  const path = await write()
  const store = await tickets.open(path)
  const missing = `${path}.none`
  const ran = await ministores(
    ['compact', path, ...STORE],
    ['snapshot', path, ...STORE],
    ['compact', missing, ...STORE],
  )
  await store.close()
  expect(ran.map(({ status }) => status)).toEqual([2, 2, 2])
  expect(ran[0]?.stderr).toContain('is held by process')
  expect(ran[2]?.stderr).toContain('there is no such file')
  expect(readdirSync(dirname(path)).sort()).toEqual([basename(path), `${basename(path)}.lock`])
})
