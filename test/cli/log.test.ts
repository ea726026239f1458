import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf, tempJournal } from '../file/temp-journal.ts'
import { flip, header, journalOf, note, seal } from '../format/forge.ts'
import { broker, NOON } from '../store/broker.ts'
import { inShell, ministore, ministores, ministoreWith, start, writeLarge } from './run.ts'

const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
/** One record an hour, from noon on. */
const path = join(directory, 'broker.jsonl')
const large = join(directory, 'large.jsonl')

beforeAll(async () => {
  let hour = 0
  const store = await broker.open(path, { now: () => NOON + hour++ * 3_600_000 })
  await store.dispatch('addTopic', { name: 'orders' })
  await store.dispatch('addTopic', { name: 'a\u009b31m\u202eb\n' }, { key: 'req 7' })
  await Promise.all([
    store.dispatch('setPartitions', { name: 'orders', partitions: 4 }, { key: 'req-8' }),
    store.execute('createTopics', { names: ['x', 'y'] }),
  ])
  await store.dispatchAll([{ type: 'addTopic', payload: { name: 'z' } }, { type: 'reset' }])
  await store.dispatch('reset')
  await store.close()
  writeLarge(large, 200_000)
})

const logged = (...args: string[]) => ministore('log', path, ...args)
/** The seqs of JSON lines. */
const seqsOf = (stdout: string): number[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).seq)

describe('ministore log', () => {
  test('prints one line for each mutation, without what a terminal would obey', () => {
    const { status, stdout, stderr } = logged()
    expect(stdout.split('\n')).toEqual([
      '1  2026-11-22T12:00:00.000Z  addTopic  {"name":"orders","partitions":1}',
      '2  2026-11-22T13:00:00.000Z  key="req 7"  addTopic  {"name":"a\\u009b31m\\u202eb\\n","partitions":1}',
      '3  2026-11-22T14:00:00.000Z  key=req-8  setPartitions  {"name":"orders","partitions":4}',
      '4  2026-11-22T15:00:00.000Z  1/2  command=createTopics  addTopic  {"name":"x","partitions":1}',
      '4  2026-11-22T15:00:00.000Z  2/2  command=createTopics  addTopic  {"name":"y","partitions":1}',
      '5  2026-11-22T16:00:00.000Z  1/2  addTopic  {"name":"z","partitions":1}',
      '5  2026-11-22T16:00:00.000Z  2/2  reset',
      '6  2026-11-22T17:00:00.000Z  reset',
      '',
    ])
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('prints records as JSON lines: all that is on their line, but crc and b', () => {
    const { status, stdout } = logged('--format', 'json')
    const printed = stdout.split('\n').slice(0, -1)
    const expected = linesOf(path)
      .slice(1)
      .map((line) => {
        const { crc, b, ...record } = JSON.parse(line)
        expect(crc).toHaveLength(8)
        return record
      })
    expect(printed.map((line) => JSON.parse(line))).toEqual(expected)
    expect(Object.keys(JSON.parse(printed[0] ?? ''))).toEqual(['seq', 'at', 'type', 'payload'])
    expect(stdout).not.toMatch(/[\u007f-\u009f\u202e]/)
    expect(status).toBe(0)
  })

  test('shows the records that were asked for', async () => {
    const asked: [wanted: number[], ...args: string[]][] = [
      [[3, 5, 6], '--type', 'setPartitions', '--type', 'reset'],
      [[3, 4], '--after', '2', '--until', '4'],
      [[2, 3], '--since', '2026-11-22T13:00', '--before', '2026-11-22T16:00:00+01:00'],
      [[1, 2], '--type', 'addTopic', '--limit', '2'],
      [[4, 5], '--type', 'addTopic', '--last', '2'],
    ]
    const ran = await ministores(
      ...asked.map(([, ...args]) => ['log', path, '--format', 'json', ...args]),
      ['log', path, '--type', 'reset', '--last', '7'],
    )
    for (const [index, [wanted, ...args]] of asked.entries()) {
      expect(ran[index], args.join(' ')).toMatchObject({ status: 0, stderr: '' })
      expect(seqsOf(ran[index]?.stdout ?? ''), args.join(' ')).toEqual(wanted)
    }
    // Of a batch, only the mutations with that name.
    expect(ran.at(-1)?.stdout).toBe(
      '5  2026-11-22T16:00:00.000Z  2/2  reset\n6  2026-11-22T17:00:00.000Z  reset\n',
    )
  })

  test('says which name was probably meant where nothing was found', () => {
    const { status, stdout, stderr } = logged('--type', 'addTopc', '--type', 'unheard-of')
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toContain('no record has "addTopc"; did you mean "addTopic"?\n')
    expect(stderr).toContain('no record has "unheard-of"\n')
  })

  test('exits with 2 and says why where it is used wrongly', async () => {
    const wrong: [message: RegExp, ...args: string[]][] = [
      [/--after <seq>' argument '-1' is invalid.*a whole number/, '--after', '-1'],
      [/--limit <n>' argument '0' is invalid/, '--limit', '0'],
      [/--since <time>' argument '22.11.2026' is invalid.*2026-11-22/, '--since', '22.11.2026'],
      [/--before <time>' argument '2026-11-31' is invalid/, '--before', '2026-11-31'],
      [/cannot be used with option '--limit/, '--last', '3', '--limit', '3'],
      [/Did you mean --follow/, '--folow'],
    ]
    const ran = await ministores(...wrong.map(([, ...args]) => ['log', path, ...args]))
    for (const [index, [message]] of wrong.entries()) {
      expect(ran[index]).toMatchObject({ status: 2, stdout: '' })
      expect(ran[index]?.stderr).toMatch(message)
    }
  })

  test('shows a damaged journal up to the damage, and tells it on standard error', () => {
    const damaged = tempJournal()
    const offset = header().length + 2 * note(1).length
    writeFileSync(damaged, flip(journalOf(5), offset + 40))
    for (const args of [[], ['--last', '2']]) {
      const { status, stdout, stderr } = ministore('log', damaged, '--format', 'json', ...args)
      expect(seqsOf(stdout)).toEqual([1, 2])
      expect(stderr).toContain(`${damaged}:4 (byte ${offset}): expected record 3`)
      expect(status).toBe(1)
    }
    // Fits its checksum, and is none.
    writeFileSync(damaged, Buffer.concat([journalOf(2), seal('{"seq":3,"at":"now"}'), note(4)]))
    const { status, stdout, stderr } = ministore('log', damaged)
    expect(stdout.match(/"note \d"/g)).toEqual(['"note 1"', '"note 2"'])
    expect(stderr).toContain(`${damaged}:4 (byte ${offset}): record 3 fits its checksum, but`)
    expect(status).toBe(1)
  })

  test('shows all records before a torn write, which is a note and no error', () => {
    const torn = tempJournal()
    writeFileSync(torn, Buffer.concat([journalOf(2), note(3).subarray(0, 30)]))
    const { status, stdout, stderr } = ministore('log', torn)
    expect(stdout.split('\n')).toHaveLength(3)
    expect(stderr).toContain(`${torn}:4 (byte ${journalOf(2).length}): 30 bytes of a write`)
    expect(status).toBe(0)
  })

  test('ends quietly when its reader leaves', () => {
    const { status, stdout, stderr } = inShell('set -o pipefail; "$@" | head -n 1', 'log', large)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^1 {2}.*\n$/)
    expect(status).toBe(0)
  })

  test('fails where its output cannot be written', () => {
    const { status, stderr } = inShell('"$@" > /dev/full', 'log', path)
    expect(stderr).toContain('standard output cannot be written: ENOSPC')
    expect(status).toBe(2)
  })

  test('needs little memory for the last records of a large journal, or for all of them', () => {
    const little = ['--max-old-space-size=40']
    const { status, stdout } = ministoreWith(little, 'log', large, '--last', '3')
    expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      '199998',
      '199999',
      '200000',
      '',
    ])
    expect(status).toBe(0)
    const all = ministoreWith(little, 'log', large, '--format', 'json')
    expect(all.stdout.split('\n')).toHaveLength(200_001)
    expect(all.status).toBe(0)
  })

  test('ends with 130 when interrupted, and never in the middle of a line', async () => {
    const log = start('log', large, '--format', 'json')
    let printed = ''
    log.stdout.on('data', (text) => {
      // Most of it is still to come.
      if (printed === '') log.process.kill('SIGINT')
      printed += text
    })
    const { status, stderr } = await log.ended
    expect({ status, stderr }).toEqual({ status: 130, stderr: '' })
    expect(printed.endsWith('}\n')).toBe(true)
    const lines = printed.split('\n').slice(0, -1)
    expect(lines.length).toBeLessThan(200_000)
    expect(JSON.parse(lines.at(-1) ?? '').seq).toBe(lines.length)
  })
})
