// One writer, where a second one comes by another way than opening the same path in another process
// (lock.test.ts has that), and readers beside it.
import { once } from 'node:events'
import type { StoreOf } from 'ministore-ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ledger } from './ledger.ts'
import { start, startThread } from './processes.ts'
import { sizes } from './sizes.ts'
import { tempJournal } from './temp-journal.ts'

describe('a worker thread of this process', () => {
  test('is refused while the journal is open here, and gets in once it is closed', async () => {
    const path = tempJournal()
    const store = await ledger.open(path)
    const refused = await startThread('dispatch', path).next()
    expect(refused).toMatchObject({ code: 'locked' })
    expect(refused?.['message']).toContain(`process ${process.pid} on`)
    await store.dispatch('note', 'undisturbed')
    await store.close()
    expect(await startThread('dispatch', path).next()).toMatchObject({ ok: true, seq: 2 })
    expect((await ledger.replay(path)).state.notes).toEqual(['undisturbed', 'of the child'])
  })

  test('keeps this one out while it has the journal, until it closes it', async () => {
    const path = tempJournal()
    const thread = startThread('hold', path)
    expect(await thread.next()).toEqual({ seq: 0 })
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    thread.worker.stdin?.end()
    expect(await once(thread.worker, 'exit')).toEqual([0])
    await (await ledger.open(path)).close()
  })

  test('that is terminated in the middle of writing loses the lock and nothing else', async () => {
    const path = tempJournal()
    const thread = startThread('write', path)
    let acknowledged = 0
    while (acknowledged < 200) acknowledged = Number((await thread.next())?.['seq'] ?? Infinity)
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    await thread.worker.terminate()
    const store = await ledger.open(path)
    expect(store.seq).toBeGreaterThanOrEqual(acknowledged)
    await store.close()
  })
})

describe('a forked child of the process that has the journal', () => {
  test('is refused, and its parent goes on writing', async () => {
    const path = tempJournal()
    const parent = start('fork', path)
    const refused = await parent.next()
    expect(refused).toMatchObject({ code: 'locked' })
    expect(refused?.['message']).toContain(`process ${parent.process.pid} on`)
    expect(await parent.next()).toMatchObject({ ok: true, seq: 1 })
    expect(await parent.ended).toBe(0)
    expect((await ledger.replay(path)).state.notes).toEqual(['of the parent'])
  })

  test('does not inherit the lock: killed, its parent lets go of it though the child lives on', async () => {
    const path = tempJournal()
    const parent = start('outlived', path)
    const { pid } = (await parent.next()) ?? {}
    onTestFinished(() => void process.kill(Number(pid), 'SIGKILL'))
    await expect(ledger.open(path)).rejects.toMatchObject({ code: 'locked' })
    parent.process.kill('SIGKILL')
    expect(await parent.ended).toBe('SIGKILL')
    const store = await ledger.open(path)
    expect(process.kill(Number(pid), 0)).toBe(true)
    await store.dispatch('note', 'mine')
    await store.close()
  })
})

describe('readers beside a writer under load', () => {
  /** `1:413 2:7 …`: of each record that it reads, its seq and how long its payload is. */
  async function read({ records }: StoreOf<typeof sizes>): Promise<string[]> {
    const read: string[] = []
    for await (const { seq, payload } of records()) read.push(`${seq}:${payload.length}`)
    return read
  }

  test('see an unbroken run from the first record on, with all that was acknowledged before', async () => {
    const path = tempJournal()
    const writer = start('load', path)
    let acknowledged = Number((await writer.next())?.['seq'])
    const listening = (async () => {
      for (let said = await writer.next(); said; said = await writer.next()) {
        acknowledged = Number(said['seq'])
      }
    })()
    const seen: { before: number; seq: number; bytes: number; records: string[] }[] = []
    for (let opening = 0; opening < 30; opening++) {
      const before = acknowledged
      const reader = await sizes.open(path, { readOnly: true })
      const { seq, state } = reader
      seen.push({ before, seq, bytes: state.bytes, records: await read(reader) })
      await reader.close()
    }
    writer.process.kill('SIGKILL')
    expect(await writer.ended).toBe('SIGKILL')
    await listening
    const last = await sizes.open(path, { readOnly: true })
    expect(last.seq).toBeGreaterThanOrEqual(acknowledged)
    const all = await read(last)
    const sumOf = (records: string[]) =>
      records.reduce((sum, record) => sum + Number(record.split(':')[1]), 0)
    expect(all.every((record, index) => record.startsWith(`${index + 1}:`))).toBe(true)
    for (const { before, seq, bytes, records } of seen) {
      expect(seq).toBeGreaterThanOrEqual(before)
      expect(records.join()).toBe(all.slice(0, seq).join())
      expect(bytes).toBe(sumOf(records))
    }
    // It did go on writing.
    expect(new Set(seen.map(({ seq }) => seq)).size).toBeGreaterThan(10)
    await last.close()
  })
})
