import { defineStore, type StoreError } from 'ministore-ts'
import { type FileSystem, fileJournal } from 'ministore-ts/file'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { faultyDisk } from '../file/faulty-disk.ts'
import { errno, MemoryDisk } from '../file/memory-disk.ts'
import { dispatchSome, openOn, PATH, replayed, tickets } from './tickets.ts'

let disk: MemoryDisk
beforeEach(() => {
  disk = new MemoryDisk()
})

const headerOf = (path = PATH) => JSON.parse(String(disk.read(path)).split('\n', 1).join())

describe('compacting', () => {
  test('gives a smaller journal with the same state, keys and next seq; its archive is the old one', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 40)
    const old = disk.read(PATH)
    const receipt = await store.compact()
    const archive = `${PATH}.40.archive`
    expect(receipt).toEqual({
      seq: 40,
      before: old?.length,
      bytes: disk.read(PATH)?.length,
      archive,
    })
    expect(disk.read(archive)).toEqual(old)
    await dispatchSome(store, 3)
    await store.close()
    expect(headerOf().base).toMatchObject({ seq: 40 })
    const again = await openOn(disk)
    expect(again.recovery).toEqual({ created: false, base: 40, records: 3 })
    expect(again.seq).toBe(43)
    expect(again.state).toStrictEqual(store.state)
    const first = { id: 't1', note: 'note 0', tags: ['t1'] }
    const repeated = await again.dispatch('open', first, { key: 'request t1' })
    expect(repeated).toMatchObject({ seq: 1, duplicate: true })
    await dispatchSome(again, 2)
    expect(again.state).toStrictEqual(await replayed(disk))
  })

  test('leaves an archive that is a journal by itself', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 8)
    const { archive = '' } = await store.compact()
    const before = store.state
    await dispatchSome(store, 4)
    await store.compact()
    await store.close()
    const opened = await openOn(disk, archive)
    expect(opened.state).toStrictEqual(before)
    expect((await opened.records().next()).value).toMatchObject({ seq: 1 })
    const second = await openOn(disk, `${PATH}.12.archive`)
    expect(second.state).toStrictEqual(store.state)
  })

  test('keeps no records with { archive: false }', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 8)
    const receipt = await store.compact({ archive: false })
    expect(receipt.archive).toBeUndefined()
    expect(disk.names).toEqual([PATH])
  })

  test('again without a new record does nothing; with one it goes on from there', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 8)
    await store.compact()
    const bytes = disk.read(PATH)
    expect(await store.compact()).toEqual({ seq: 8, before: bytes?.length, bytes: bytes?.length })
    expect(disk.read(PATH)).toEqual(bytes)
    await dispatchSome(store, 1)
    expect(await store.compact()).toMatchObject({ seq: 9 })
    await store.close()
    const again = await openOn(disk)
    expect(again.state).toStrictEqual(store.state)
    expect(again.recovery.records).toBe(0)
  })

  test('writes over no archive that is there', async () => {
    const path = `${PATH}.4.archive`
    const there = new MemoryDisk({ [path]: Buffer.from('mine') })
    const store = await openOn(there)
    await dispatchSome(store, 4)
    expect(await store.compact()).toMatchObject({ archive: `${path}.2` })
    expect(String(there.read(path))).toBe('mine')
  })

  test('goes on while others dispatch: all that was acknowledged is there afterwards', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 10)
    const others = dispatchSome(store, 60)
    for (let n = 0; n < 5; n++) await store.compact({ archive: false })
    await others
    await dispatchSome(store, 2)
    await store.close()
    const again = await openOn(disk)
    expect(again.seq).toBe(72)
    expect(again.state).toStrictEqual(store.state)
    expect(again.state).toStrictEqual(await replayed(disk))
  })

  test('removes the snapshot, which is of no use then; one that is put back is not used', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 4)
    await store.snapshot()
    const snapshot = disk.read(`${PATH}.snapshot`) ?? Buffer.alloc(0)
    await store.compact()
    expect(disk.read(`${PATH}.snapshot`)).toBeUndefined()
    await dispatchSome(store, 1)
    await store.close()
    const there = new MemoryDisk({
      [PATH]: disk.read(PATH) ?? Buffer.alloc(0),
      [`${PATH}.snapshot`]: snapshot,
    })
    const again = await openOn(there)
    expect(again.recovery.snapshot).toEqual({
      used: false,
      reason: 'the journal was compacted since',
    })
    expect(again.state).toStrictEqual(store.state)
  })

  test('does not take the records away from who is reading them', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 8)
    const records = store.records()
    const seqs = [(await records.next()).value?.seq]
    await store.compact()
    for await (const { seq } of records) seqs.push(seq)
    expect(seqs).toEqual([1, 2, 3, 3, 4, 5, 6, 7, 7, 8])
  })
})

describe('a compacted journal', () => {
  const counter = (by = 1, count = 0) =>
    defineStore({
      name: 'counter',
      state: { count },
      mutations: {
        add: { payload: z.number(), apply: (state, n) => ({ count: state.count + by * n }) },
      },
    })
  const open = (definition = counter()) => definition.open(fileJournal('/c', { fileSystem: disk }))

  test('keeps its state whatever the definition is; what comes after is replayed', async () => {
    const store = await open()
    await store.dispatch('add', 5)
    await store.compact()
    await store.dispatch('add', 1)
    await store.snapshot()
    await store.close()
    const changed = await open(counter(10, 1000))
    expect(changed.state).toEqual({ count: 15 })
    expect(changed.recovery).toMatchObject({ records: 1, snapshot: { used: false } })
    await changed.close()
    expect((await open()).recovery).toMatchObject({ records: 0, snapshot: { used: true } })
  })

  test('upcasts the keys of records that it does not have any more', async () => {
    const store = await open()
    await store.dispatch('add', 5, { key: 'request' })
    await store.compact()
    await store.close()
    const newer = defineStore({
      name: 'counter',
      state: { count: 0 },
      mutations: {
        add: {
          payload: z.object({ by: z.number() }),
          upcast: { 1: z.number().transform((by) => ({ by })) },
          apply: (state, { by }) => ({ count: state.count + by }),
        },
      },
    })
    const again = await newer.open(fileJournal('/c', { fileSystem: disk }))
    const repeated = await again.dispatch('add', { by: 5 }, { key: 'request' })
    expect(repeated).toMatchObject({ seq: 1, duplicate: true })
    await again.close()
    const other = defineStore({ name: 'counter', state: { count: 0 }, mutations: {} })
    expect((await other.open(fileJournal('/c', { fileSystem: disk }))).state).toEqual({ count: 5 })
  })

  test('says `compacted` to who asks for what it does not have any more', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 6)
    await store.compact()
    await dispatchSome(store, 3)
    const gone = { code: 'compacted', message: expect.stringContaining(`${PATH}.6.archive`) }
    await expect(store.records().next()).rejects.toMatchObject(gone)
    await expect(store.records({ after: 5 }).next()).rejects.toMatchObject(gone)
    expect((await store.records({ after: 6 }).next()).value).toMatchObject({ seq: 7 })
    const journal = () => fileJournal(PATH, { fileSystem: disk, readOnly: true })
    await expect(tickets.replay(journal(), { until: 5 })).rejects.toMatchObject({
      code: 'compacted',
    })
    expect(await tickets.replay(journal(), { until: 6 })).toMatchObject({ seq: 6, records: 0 })
    expect(await tickets.replay(journal(), { until: 8 })).toMatchObject({ seq: 8, records: 2 })
  })

  test('with a flipped bit in any of its bytes is refused', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 3)
    await store.compact()
    await dispatchSome(store, 1)
    await store.close()
    const bytes = disk.read(PATH) ?? Buffer.alloc(0)
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      const opened = await openOn(new MemoryDisk({ [PATH]: damaged })).catch((error) => error)
      expect(opened.code, `byte ${at}`).toMatch(/^(corrupt|foreign|newer_format|wrong_store)$/)
    }
  })

  test('that ends in its state is refused, not taken for a new one', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 3)
    await store.compact()
    await store.close()
    const bytes = disk.read(PATH) ?? Buffer.alloc(0)
    const first = bytes.indexOf('\n') + 1
    for (let length = first; length < bytes.length; length += 11) {
      const there = new MemoryDisk({ [PATH]: bytes.subarray(0, length) })
      await expect(openOn(there), `${length} bytes`).rejects.toMatchObject({ code: 'corrupt' })
    }
  })
})

describe('a disk that fails while compacting', () => {
  const prepare = async (fileSystem: FileSystem) => {
    const store = await openOn(fileSystem)
    await dispatchSome(store, 6)
    return store
  }

  test('at any operation loses nothing: the old journal goes on, or the store says to open it again', async () => {
    const outcomes: string[] = []
    for (let nth = 0; ; nth++) {
      const there = new MemoryDisk()
      const faulty = faultyDisk(there)
      const store = await prepare(faulty.fileSystem)
      const before = faulty.calls.length
      faulty.fault = () => (faulty.calls.length === before + nth + 1 ? errno('EIO') : undefined)
      const failure = await store.compact().catch((error: StoreError) => error)
      const isThrough = faulty.calls.length <= before + nth
      const operation = faulty.calls[before + nth]?.operation
      faulty.fault = undefined
      const outcome = failure instanceof Error ? failure.code : 'compacted'
      outcomes.push(`${operation}: ${outcome}`)
      const next = await store.dispatch('close', { id: 't1' }).catch((error: StoreError) => error)
      // Only where it is not certain which file a power cut would leave.
      expect(next instanceof Error, operation).toBe(outcome === 'unknown')
      await store.close()
      const again = await openOn(there)
      expect(again.seq).toBe(outcome === 'unknown' ? 6 : 7)
      expect(again.state).toStrictEqual(store.state)
      expect(there.names.filter((name) => name.endsWith('.new'))).toEqual([])
      if (isThrough) break
    }
    expect(outcomes).toContain('rename: io')
    expect(outcomes).toContain('link: io')
    expect(outcomes).toContain('syncDir: unknown')
  })
})
