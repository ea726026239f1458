import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atNoon, broker } from '../store/broker.ts'
import { damagedAt } from './damaged.ts'
import { inShell, ministores } from './run.ts'
import { dated } from './stores.ts'

const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'broker.jsonl')
/** Its third record is not what was written. */
const damaged = join(directory, 'damaged.jsonl')

beforeAll(async () => {
  const opened = await broker.open(path, atNoon)
  await opened.dispatch('addTopic', { name: 'orders' })
  await opened.dispatchAll([
    { type: 'addTopic', payload: { name: 'a\u009b31m' } },
    { type: 'setPartitions', payload: { name: 'orders', partitions: 4 } },
  ])
  await opened.dispatch('reset')
  await opened.close()
  copyFileSync(path, damaged)
  damagedAt(damaged, 3)
})

const diff = (...args: string[]) => ['diff', ...args, '--store', 'test/store/broker.js']

describe('ministore diff', () => {
  test('prints what changed as a unified diff, in both directions', async () => {
    const [there, back] = await ministores(diff(path, '1', '2'), diff(path, '2', '1'))
    expect(there).toMatchObject({ status: 0, stderr: '' })
    const lines = there?.stdout.split('\n') ?? []
    expect(lines.slice(0, 2)).toEqual(['--- seq 1', '+++ seq 2'])
    expect(lines).toContain('-      "partitions": 1')
    expect(lines).toContain('+      "partitions": 4')
    // Nothing that a terminal would obey is in it.
    expect(lines).toContain('+    "a\\u009b31m": {')
    expect(lines.slice(-2)).toEqual(['3 changes', ''])
    expect(back?.stdout.split('\n').slice(0, 2)).toEqual(['--- seq 2', '+++ seq 1'])
    expect(back?.stdout).toContain('\n+      "partitions": 1\n')
  })

  test('prints a JSON patch for programs', async () => {
    const [there, back, same] = await ministores(
      diff(path, '0', '1', '--format', 'json'),
      diff(path, '3', '2', '--format', 'json'),
      diff(path, '0', '3', '--format', 'json'),
    )
    const topic = { name: 'orders', partitions: 1, createdAt: '2026-11-22T12:00:00.000Z' }
    expect(JSON.parse(there?.stdout ?? '')).toEqual([
      { op: 'add', path: '/topics/orders', value: topic },
      { op: 'replace', path: '/total', value: 1, before: 0 },
    ])
    expect(JSON.parse(back?.stdout ?? '')).toMatchObject([
      { op: 'add', path: '/topics/orders', value: { partitions: 4 } },
      { op: 'add', path: '/topics/a\u009b31m' },
      { op: 'replace', path: '/total', value: 2, before: 0 },
    ])
    expect(same).toEqual({ status: 0, stdout: '[]\n', stderr: '' })
  })

  test('prints nothing where nothing changed', async () => {
    const [same, other] = await ministores(diff(path, '2', '2'), diff(path, '3', '0'))
    expect(same).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(other).toEqual({ status: 0, stdout: '', stderr: '' })
  })

  test('is coloured on request', () => {
    const { stdout } = inShell('NO_COLOR= FORCE_COLOR=1 "$@"', ...diff(path, '1', '2'))
    expect(stdout).toContain('\u001b[31m-      "partitions": 1\u001b[39m')
    expect(stdout).toContain('\u001b[32m+      "partitions": 4\u001b[39m')
  })

  test('knows the states before the damage, and says that there is one', async () => {
    const [before, behind] = await ministores(
      diff(damaged, '0', '1', '--format', 'json'),
      diff(damaged, '1', '3'),
    )
    expect(JSON.parse(before?.stdout ?? '')).toHaveLength(2)
    expect(behind?.stdout).toBe('')
    for (const ran of [before, behind]) {
      expect(ran?.status).toBe(1)
      expect(ran?.stderr).toContain(`${damaged}:4 (byte`)
    }
  })

  test('shows what a reducer did that cannot be replayed in place', async () => {
    const dates = join(directory, 'dated.jsonl')
    const opened = await dated.open(dates, atNoon)
    for (let count = 0; count < 4; count++) await opened.dispatch('tick')
    await opened.close()
    const [ran] = await ministores([
      ...['diff', dates, '2', '4', '--format', 'json'],
      ...['--store', 'test/cli/stores.js#dated'],
    ])
    expect(JSON.parse(ran?.stdout ?? '')).toEqual([
      { op: 'replace', path: '/count', value: 4, before: 2 },
      { op: 'replace', path: '/last', value: '2026-11-22T12:00:00.000Z', before: 'never' },
    ])
  })

  test('exits with 2 where it is used wrongly', async () => {
    const all = await ministores(diff(path, '1', '9'), diff(path, '1'), diff(path, '1', '-1'))
    expect(all.map(({ status }) => status)).toEqual([2, 2, 2])
    expect(all.map(({ stderr }) => stderr)).toEqual([
      `ministore: ${path} has no record 9: its last one is 3\n`,
      expect.stringContaining("missing required argument 'to'"),
      expect.stringContaining('ministore: '),
    ])
  })
})
