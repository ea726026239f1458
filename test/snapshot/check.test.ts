import { readFileSync, writeFileSync } from 'node:fs'
import { defineStore } from 'ministore-ts'
import { expect, test } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { forged } from './forge.ts'
import { dispatchSome, tickets } from './tickets.ts'

const forge = (path: string, change: (line: string) => string): void =>
  writeFileSync(path, forged(readFileSync(path), change))

async function write(compact: boolean): Promise<string> {
  const path = tempJournal()
  const store = await tickets.open(path)
  await dispatchSome(store, 9)
  if (compact) await store.compact()
  await dispatchSome(store, 5)
  await store.snapshot()
  await dispatchSome(store, 3)
  await store.close()
  return path
}

test('the replay check replays a compacted journal from its state, and finds nothing', async () => {
  const path = await write(true)
  const report = await tickets.replayCheck(path, { record: true })
  expect(report.findings).toEqual([])
  expect(report).toMatchObject({ ok: true, records: 8, seq: 17 })
  const { digest } = await tickets.replay(path)
  expect(report.digest).toBe(digest)
  const { recording } = report
  expect((await tickets.replayCheck(path, { recording })).findings).toEqual([])
  const changed = { ...recording, digests: recording?.digests.map((each) => ({ ...each, digest })) }
  const again = await tickets.replayCheck(path, { recording: changed as never })
  expect(again.findings.map(({ rule }) => rule)).toEqual(['digest_mismatch'])
})

test('digests that were recorded before are still met behind what was compacted', async () => {
  const path = tempJournal()
  const store = await tickets.open(path)
  await dispatchSome(store, 30)
  const { recording } = await tickets.replayCheck(path, { record: true })
  await store.compact()
  await dispatchSome(store, 3)
  await store.close()
  expect(await tickets.replayCheck(path, { recording })).toMatchObject({ ok: true, findings: [] })
})

test.each([[false], [true]])(
  'the replay check compares the snapshot with the records (compacted: %s)',
  async (compact) => {
    const path = await write(compact)
    expect((await tickets.replayCheck(path)).findings).toEqual([])
    forge(`${path}.snapshot`, (line) => line.replace('"log":"+t1', '"log":"+T1'))
    const { ok, findings } = await tickets.replayCheck(path)
    expect(ok).toBe(false)
    expect(findings).toMatchObject([{ rule: 'snapshot_mismatch', severity: 'error', seq: 14 }])
    expect(findings[0]?.diff?.changes).toHaveLength(1)
    const { recovery } = await tickets.open(path, { readOnly: true })
    expect(recovery.snapshot).toEqual({ used: true, seq: 14 })
  },
)

test('the state of a compacted journal that is not what its header names is found', async () => {
  const path = await write(true)
  forge(path, (line) => line.replace('"log":"+t1', '"log":"+T1'))
  const { findings } = await tickets.replayCheck(path)
  expect(findings[0]).toMatchObject({ rule: 'digest_mismatch', severity: 'error', seq: 9 })
})

test('a snapshot of another definition, or a damaged one, is only a note', async () => {
  const path = await write(false)
  const text = readFileSync(`${path}.snapshot`, 'utf8')
  writeFileSync(`${path}.snapshot`, text.replace('+t1', '+T1'))
  const note = { rule: 'snapshot_mismatch', severity: 'note' }
  expect(await tickets.replayCheck(path)).toMatchObject({ ok: true, findings: [note] })
  writeFileSync(`${path}.snapshot`, text)
  const counter = (apply: (state: { count: number }) => { count: number }) =>
    defineStore({ name: 'counter', state: { count: 0 }, mutations: { add: { apply } } })
  const other = tempJournal()
  const store = await counter(({ count }) => ({ count: count + 1 })).open(other)
  await store.dispatch('add')
  await store.snapshot()
  await store.close()
  expect(
    (await counter(({ count }) => ({ count: count + 2 })).replayCheck(other)).findings,
  ).toMatchObject([note])
})
