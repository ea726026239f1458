import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atNoon, broker } from '../store/broker.ts'
import { damagedAt } from './damaged.ts'
import { inShell, ministores } from './run.ts'
import { dated } from './stores.ts'

const NOON = '2026-11-22T12:00:00.000Z'
const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'broker.jsonl')
/** Its third record is not what was written. */
const damaged = join(directory, 'damaged.jsonl')
const large = join(directory, 'large.jsonl')
const dates = join(directory, 'dated.jsonl')
const long = 'x'.repeat(1000)

beforeAll(async () => {
  const opened = await broker.open(path, atNoon)
  await opened.dispatch('addTopic', { name: 'orders' })
  await opened.dispatchAll(
    [
      { type: 'addTopic', payload: { name: 'a\u009b31m' } },
      { type: 'setPartitions', payload: { name: 'orders', partitions: 2 } },
      { type: 'setPartitions', payload: { name: 'orders', partitions: 4 } },
    ],
    { key: 'req\u009b7' },
  )
  await opened.execute('createTopics', { names: ['x', 'y'] })
  await opened.dispatch('setPartitions', { name: 'orders', partitions: 4 })
  await opened.close()
  copyFileSync(path, damaged)
  damagedAt(damaged, 3)
  const full = await broker.open(large, atNoon)
  for (let index = 0; index < 100; index++)
    await full.dispatch('addTopic', { name: `${index} ${long}` })
  for (let index = 0; index < 20; index++)
    await full.dispatch('setPartitions', { name: `5 ${long}`, partitions: 1 })
  await full.close()
  const ticks = await dated.open(dates, atNoon)
  for (let count = 0; count < 4; count++) await ticks.dispatch('tick')
  await ticks.close()
})

const blame = (journal: string, ...args: string[]) => [
  ...['blame', journal, ...args],
  ...['--store', 'test/store/broker.js#broker'],
]
const inDated = ['--store', 'test/cli/stores.js#dated']
const parsed = (stdout = '') =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('ministore blame', () => {
  test('names the mutation that last changed a value, within its batch, and how', async () => {
    const [partitions, topic] = await ministores(
      blame(path, '/topics/orders/partitions'),
      blame(path, 'topics.y'),
    )
    // Record 4 set it to what it was: that is no change.
    expect(partitions).toEqual({
      status: 0,
      stdout: `seq 2  ${NOON}  setPartitions  part 3 of 3  key req\\u009b7
  payload {"name":"orders","partitions":4}
  /topics/orders/partitions: 2 → 4
`,
      stderr: '',
    })
    expect(topic?.stdout).toBe(`seq 3  ${NOON}  addTopic  part 2 of 2  command createTopics
  payload {"name":"y","partitions":1}
  /topics/y: nothing → {"name":"y","partitions":1,"createdAt":"${NOON}"}
`)
  })

  test('lists every change from the first on', async () => {
    const [pretty, json] = await ministores(
      blame(path, 'topics.orders.partitions', '--all'),
      blame(path, '/total', '--all', '--format', 'json'),
    )
    expect(pretty?.stdout.split('\n').filter((line) => line.includes('→'))).toEqual([
      '  /topics/orders/partitions: nothing → 1',
      '  /topics/orders/partitions: 1 → 2',
      '  /topics/orders/partitions: 2 → 4',
    ])
    const changes = parsed(json?.stdout)
    expect(changes.map(({ seq, part, before, after }) => [seq, part, before, after])).toEqual([
      [1, 1, 0, 1],
      [2, 1, 1, 2],
      [3, 1, 2, 3],
      [3, 2, 3, 4],
    ])
    expect(changes[1]).toEqual({
      ...{ seq: 2, at: NOON, key: 'req\u009b7', type: 'addTopic' },
      payload: { name: 'a\u009b31m', partitions: 1 },
      ...{ part: 1, parts: 3, path: '/total', before: 1, after: 2 },
    })
    expect(json?.stdout).not.toContain('\u009b')
  })

  test('finds the last change of what is large, and shows no more than that', async () => {
    const [topics, name] = await ministores(
      blame(large, '/topics'),
      blame(large, `/topics/5 ${long}`),
    )
    const lines = topics?.stdout.split('\n') ?? []
    expect(lines[0]).toContain('seq 100 ')
    expect(lines[2]).toBe('  /topics: it changed')
    expect(lines.filter((line) => /^[-+] /.test(line))).toHaveLength(5)
    expect(name?.stdout).toContain('seq 6 ')
    expect(name?.stdout).toMatch(
      /nothing → \{"name":"5 x+… \(1,\d\d\d characters: all of them with/,
    )
  })

  test('says what was meant by a path that never was, and what was never changed', async () => {
    const [never, initial, json] = await ministores(
      blame(path, '/topics/ordres'),
      ['blame', dates, 'name', ...inDated],
      ['blame', dates, 'name', '--format', 'json', ...inDated],
    )
    expect(never).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'ministore: there never was a /topics/ordres: /topics has no "ordres"; did you mean "orders"?\n',
    })
    const stdout = '/name is "clock", as it was initially: no record changed it\n'
    expect(initial).toEqual({ status: 0, stdout, stderr: '' })
    expect(json).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  test('shows what is before the damage, and exits with 1', async () => {
    const [shown, never] = await ministores(blame(damaged, '/total'), blame(damaged, '/topics/x'))
    expect(shown?.stdout).toMatch(/^seq 2 .*part 1 of 3/)
    expect(never?.stdout).toBe('')
    expect(never?.stderr).toContain('there never was a /topics/x')
    for (const ran of [shown, never]) {
      expect(ran?.status).toBe(1)
      expect(ran?.stderr).toContain(`${damaged}:4 (byte`)
    }
  })

  test('tells each change once, also where a reducer cannot be replayed in place', async () => {
    const args = ['--all', '--format', 'json', ...inDated]
    const [counts, last] = await ministores(
      ['blame', dates, 'count', ...args],
      ['blame', dates, 'last', ...args],
    )
    expect(parsed(counts?.stdout).map(({ seq, after }) => [seq, after])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ])
    expect(parsed(last?.stdout)).toMatchObject([{ seq: 3, before: 'never', after: NOON }])
  })

  test('ends where nobody reads on', () => {
    const args = blame(large, '/topics', '--all', '--format', 'json')
    const { status, stdout, stderr } = inShell('set -o pipefail; "$@" | head -n 1', ...args)
    expect(JSON.parse(stdout)).toMatchObject({ seq: 1 })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
})
