import { statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { filesBeside, linesOf, tempJournal } from '../file/temp-journal.ts'
import { flip, header, journalOf, note, seal } from '../format/forge.ts'
import { broker, NOON } from '../store/broker.ts'
import { ministore, ministoreWith, writeLarge } from './run.ts'

/** A store that is open, with six records, one an hour; record 3 and 4 are one group commit. */
async function openSix(path: string) {
  let hour = 0
  const store = await broker.open(path, { now: () => NOON + hour++ * 3_600_000 })
  await store.dispatch('addTopic', { name: 'orders' })
  await store.dispatch('addTopic', { name: 'Zürich' }, { key: 'req-7' })
  await Promise.all([
    store.dispatch('setPartitions', { name: 'orders', partitions: 4 }),
    store.execute('createTopics', { names: ['x', 'y'] }),
  ])
  await store.dispatch('reset')
  await store.dispatch('reset')
  return store
}

describe('ministore stats', () => {
  test('counts what a store wrote, while it has the journal', async () => {
    const path = tempJournal()
    const store = await openSix(path)
    const before = filesBeside(path)
    const { status, stdout, stderr } = ministore('stats', path, '--format', 'json')
    const [first = '', ...records] = linesOf(path)
    const sizes = records.map((line) => Buffer.byteLength(line))
    const payloads = {
      addTopic: [
        '{"name":"orders","partitions":1}',
        '{"name":"Zürich","partitions":1}',
        '{"name":"x","partitions":1}',
        '{"name":"y","partitions":1}',
      ].map((text) => Buffer.byteLength(text)),
      setPartitions: Buffer.byteLength('{"name":"orders","partitions":4}'),
    }
    const sum = payloads.addTopic.reduce((one, other) => one + other)
    expect(JSON.parse(stdout)).toEqual({
      journal: path,
      store: 'broker',
      created: JSON.parse(first).created,
      bytes: statSync(path).size,
      records: 6,
      mutations: 7,
      batches: 1,
      withKey: 1,
      firstAt: '2026-11-22T12:00:00.000Z',
      lastAt: '2026-11-22T17:00:00.000Z',
      spanMs: 5 * 3_600_000,
      groups: { count: 5, meanRecords: 6 / 5, maxRecords: 2 },
      largest: { seq: 4, bytes: Math.max(...sizes) },
      types: [
        {
          type: 'addTopic',
          count: 4,
          share: 4 / 7,
          bytes: sum,
          meanBytes: sum / 4,
          maxBytes: Math.max(...payloads.addTopic),
          versions: { 1: 4 },
        },
        {
          type: 'reset',
          count: 2,
          share: 2 / 7,
          bytes: 0,
          meanBytes: 0,
          maxBytes: 0,
          versions: { 1: 2 },
        },
        {
          type: 'setPartitions',
          count: 1,
          share: 1 / 7,
          bytes: payloads.setPartitions,
          meanBytes: payloads.setPartitions,
          maxBytes: payloads.setPartitions,
          versions: { 1: 1 },
        },
      ],
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(filesBeside(path)).toEqual(before)
    await store.close()
  })

  test('prints it as a table for people', () => {
    const path = tempJournal()
    const at = '"at":"2026-11-22T12:00:00.000Z"'
    writeFileSync(
      path,
      Buffer.concat([
        header(),
        note(1),
        note(2, 'x'.repeat(2000), { b: 1 }),
        seal(`{"seq":3,${at},"type":"pay","v":2,"payload":{"cents":7}}`),
        seal(`{"seq":4,"at":"2026-11-24T13:00:00.000Z","type":"a\\u001b\\n","payload":1}`),
      ]),
    )
    const { status, stdout } = ministore('stats', path)
    expect(stdout.split('\n')).toEqual([
      `${path}: store "ledger", created 2026-11-22T12:00:00.000Z`,
      `  records    4, ${(statSync(path).size / 1024).toFixed(1)} KiB`,
      '  mutations  4, 0 batches',
      '  with key   0',
      '  groups     3, 1.3 records each, 2 at most',
      '  time       2026-11-22T12:00:00.000Z to 2026-11-24T13:00:00.000Z (2 d 1 h)',
      '  largest    record 2, 2.0 KiB',
      '',
      'count   share  payloads         mean       max  versions  mutation',
      '    2  50.0 %   2.0 KiB  1,005 bytes   2.0 KiB         1  note',
      '    1  25.0 %  11 bytes     11 bytes  11 bytes         2  pay',
      '    1  25.0 %    1 byte       1 byte    1 byte         1  a\\u001b\\u000a',
      '',
    ])
    expect(status).toBe(0)
  })

  test('counts a damaged journal up to the damage, and a torn one up to the torn write', () => {
    const path = tempJournal()
    const offset = header().length + 2 * note(1).length
    writeFileSync(path, flip(journalOf(5), offset + 40))
    const damaged = ministore('stats', path, '--format', 'json')
    expect(JSON.parse(damaged.stdout)).toMatchObject({ records: 2, bytes: offset })
    expect(damaged.stderr).toContain(`${path}:4 (byte ${offset}): expected record 3`)
    expect(damaged.status).toBe(1)
    writeFileSync(path, Buffer.concat([journalOf(5), note(6).subarray(0, 30)]))
    const torn = ministore('stats', path, '--format', 'json')
    expect(JSON.parse(torn.stdout)).toMatchObject({ records: 5, bytes: journalOf(5).length })
    expect(torn.stderr).toContain(`${path}:7 (byte ${journalOf(5).length}): 30 bytes of a write`)
    expect(torn.status).toBe(0)
  })

  test('needs little memory, also for a journal with a new name in each record', () => {
    const [large, many] = [tempJournal(), tempJournal()]
    writeLarge(large, 200_000)
    const little = ['--max-old-space-size=40']
    const counted = ministoreWith(little, 'stats', large, '--format', 'json')
    expect(JSON.parse(counted.stdout)).toMatchObject({ records: 200_000 })
    const at = '"at":"2026-11-22T12:00:00.000Z"'
    const records = Array.from({ length: 30_000 }, (_, index) =>
      seal(`{"seq":${index + 1},${at},"type":"${index}","v":${index + 1}}`),
    )
    writeFileSync(many, Buffer.concat([header(), ...records]))
    const named = JSON.parse(ministoreWith(little, 'stats', many, '--format', 'json').stdout)
    expect(named).toMatchObject({ records: 30_000, mutations: 30_000 })
    expect(named.types).toHaveLength(10_001)
    expect(named.types[0]).toMatchObject({ type: '(others)', count: 20_000 })
  })

  test('exits with 1 for a file that is no journal, with 2 where there is none', () => {
    const path = tempJournal()
    const missing = ministore('stats', path)
    expect(missing.stderr).toContain(`${path}: the file does not exist`)
    expect(missing).toMatchObject({ status: 2, stdout: '' })
    writeFileSync(path, 'Dear diary,\n')
    const foreign = ministore('stats', path)
    expect(foreign.stderr).toContain(`${path}:1: this is not a ministore journal`)
    expect(foreign).toMatchObject({ status: 1, stdout: '' })
  })

  test('explains itself', () => {
    expect(ministore('stats', '--help').stdout).toContain(
      'Examples:\n  $ npx ministore-ts stats data/',
    )
  })
})
