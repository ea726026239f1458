import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { filesBeside, linesOf, tempJournal } from '../file/temp-journal.ts'
import { atNoon, broker } from '../store/broker.ts'
import { damagedAt } from './damaged.ts'
import { inShell, ministore, ministores } from './run.ts'
import { older } from './stores.ts'

const store = 'test/store/broker.js#broker'
const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'broker.jsonl')
/** Its third record is not what was written. */
const damaged = join(directory, 'damaged.jsonl')
const large = join(directory, 'large.jsonl')

beforeAll(async () => {
  const opened = await broker.open(path, atNoon)
  await opened.dispatch('addTopic', { name: 'orders' })
  await opened.dispatch('addTopic', { name: 'a/b~c.d\u009b31m' })
  await opened.execute('createTopics', { names: ['x', 'y'] })
  await opened.dispatch('setPartitions', { name: 'orders', partitions: 4 })
  await opened.close()
  copyFileSync(path, damaged)
  damagedAt(damaged, 3)
  const full = await broker.open(large, atNoon)
  const names = Array.from({ length: 200 }, (_, index) => `topic ${index} ${'x'.repeat(1000)}`)
  await full.execute('createTopics', { names })
  await full.close()
})

const state = (journal: string, ...args: string[]) => [
  ...['state', journal, '--store', store],
  ...args,
]

describe('ministore state', () => {
  test('prints the state as JSON: the last one, or the one at any seq', async () => {
    const [last, second, initial] = await ministores(
      state(path),
      state(path, '--at', '2'),
      state(path, '--at', '0'),
    )
    const { state: whole } = await broker.replay(path)
    expect(last).toEqual({ status: 0, stdout: expect.stringMatching(/^\{\n {2}"/), stderr: '' })
    expect(JSON.parse(last?.stdout ?? '')).toEqual(whole)
    // Nothing that a terminal would obey is in it.
    expect(last?.stdout).toContain('d\\u009b31m"')
    expect(JSON.parse(second?.stdout ?? '').total).toBe(2)
    expect(JSON.parse(initial?.stdout ?? '')).toEqual(broker.initial)
  })

  test('prints one part of it, or its digest', async () => {
    const [pointer, dotted, digest] = await ministores(
      state(path, '--path', '/topics/a~1b~0c.d\u009b31m/partitions'),
      state(path, '--path', 'topics.orders', '--at', '1'),
      state(path, '--digest'),
    )
    expect(pointer?.stdout).toBe('1\n')
    expect(JSON.parse(dotted?.stdout ?? '')).toMatchObject({ name: 'orders', partitions: 1 })
    expect(digest?.stdout).toBe(`${(await broker.replay(path)).digest}\n`)
  })

  test('says what was meant by a path that is not there, and exits with 1', async () => {
    const all = await ministores(
      state(path, '--path', '/topics/ordres/partitions'),
      state(path, '--path', 'nothing', '--at', '3'),
      state(path, '--path', '/total/of'),
    )
    expect(all).toEqual(
      [
        'there is no /topics/ordres/partitions at seq 4: /topics has no "ordres"; did you mean "orders"?',
        'there is no /nothing at seq 3: the state has topics, total',
        'there is no /total/of at seq 4: /total is 4',
      ].map((message) => ({ status: 1, stdout: '', stderr: `ministore: ${message}\n` })),
    )
  })

  test('prints a state before the damage only when asked for it, and never as the last one', async () => {
    const [before, last, behind] = await ministores(
      state(damaged, '--at', '2', '--path', '/total'),
      state(damaged),
      state(damaged, '--at', '3'),
    )
    expect(before).toMatchObject({ status: 1, stdout: '2\n' })
    for (const ran of [before, last, behind]) {
      expect(ran?.status).toBe(1)
      expect(ran?.stderr).toContain(`${damaged}:4 (byte`)
      expect(ran?.stderr).toContain('`npx ministore-ts state --at 2` prints the state there')
    }
    expect(last?.stdout).toBe('')
    expect(behind?.stdout).toBe('')
  })

  test('stops before the record that does not fit the definition any more', async () => {
    const lost = tempJournal()
    const opened = await older.open(lost)
    await opened.dispatch('addTopic', { name: 'orders' })
    await opened.dispatch('archive')
    await opened.close()
    const [whole, before] = await ministores(
      state(lost),
      state(lost, '--at', '1', '--path', 'total'),
    )
    expect(whole).toMatchObject({ status: 1, stdout: '' })
    expect(whole?.stderr).toContain(`${lost}: record 2: "archive" is not in mutations`)
    expect(before).toEqual({ status: 0, stdout: '1\n', stderr: '' })
  })

  test('gives a large state whole to a slow pipe, and is quiet where the pipe is closed', () => {
    const whole = inShell('"$@" | wc -l', ...state(large))
    expect(whole).toMatchObject({ stdout: `${5 * 200 + 5}\n`, stderr: '' })
    const head = inShell('set -o pipefail; "$@" | head -1', ...state(large))
    expect(head).toEqual({ status: 0, stdout: '{\n', stderr: '' })
  })

  test('only reads, also what a store has open', async () => {
    const live = tempJournal()
    const opened = await broker.open(live)
    await opened.dispatch('addTopic', { name: 'orders' })
    const before = filesBeside(live)
    expect(ministore(...state(live, '--path', 'total'))).toMatchObject({ status: 0, stdout: '1\n' })
    expect(filesBeside(live)).toEqual(before)
    await opened.dispatch('reset')
    await opened.close()
    expect(linesOf(live)).toHaveLength(3)
  })

  test('exits with 2 where it is used wrongly', async () => {
    const all = await ministores(
      state(path, '--at', '9'),
      state(path, '--at', '1.5'),
      state(join(directory, 'none.jsonl')),
      ['state', path, '--store', 'test/cli/stores.js#dated'],
      ['state', path],
    )
    expect(all.map(({ status }) => status)).toEqual([2, 2, 2, 2, 2])
    expect(all.map(({ stderr }) => stderr)).toEqual([
      `ministore: ${path} has no record 9: its last one is 4\n`,
      expect.stringContaining('A seq is a whole number'),
      expect.stringContaining('none.jsonl'),
      expect.stringContaining('the journal of "broker", not of "dated"'),
      expect.stringContaining("required option '--store"),
    ])
  })
})
