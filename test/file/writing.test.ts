import { readFileSync, statSync } from 'node:fs'
import { fileJournal, nodeFileSystem } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { faultyDisk } from './faulty-disk.ts'
import { atNoon, ledger, openOn, writeNotes } from './ledger.ts'
import { MemoryDisk } from './memory-disk.ts'
import { linesOf, tempJournal } from './temp-journal.ts'

const PATH = '/data/ledger.journal'
const MEBIBYTE = 2 ** 20

const recordsIn = (bytes: Buffer | undefined) =>
  String(bytes)
    .split('\n')
    .slice(1, -1)
    .map((line) => JSON.parse(line) as { seq: number; b?: number })

describe('group commit on a disk', () => {
  test('1,000 concurrent dispatches take one write and one sync', async () => {
    const path = tempJournal()
    const disk = faultyDisk()
    const store = await openOn(disk.fileSystem, path)
    const before = { write: disk.count('write', path), datasync: disk.count('datasync', path) }
    const all = Array.from({ length: 1000 }, (_, index) => store.dispatch('note', `${index}`))
    await Promise.all(all)
    expect(disk.count('write', path) - before.write).toBe(1)
    expect(disk.count('datasync', path) - before.datasync).toBe(1)
    const records = recordsIn(readFileSync(path))
    expect(records.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
    expect(records.map(({ b = 0 }) => b)).toEqual(all.map((_, index) => index))
    await store.close()
  })

  test('every group is one write and then one sync, one of them in the air at a time', async () => {
    const path = tempJournal()
    const disk = faultyDisk()
    const store = await openOn(disk.fileSystem, path)
    const from = disk.calls.length
    let overlaps = 0
    disk.fault = ({ operation }) => {
      if (operation !== 'sizeAt' && disk.syncing > 0) overlaps += 1
      return undefined
    }
    const pending: Promise<unknown>[] = []
    for (let turn = 0; turn < 200; turn++) {
      for (let index = 0; index < 5; index++) {
        pending.push(store.dispatch('note', `${turn}.${index}`))
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(pending)
    const operations = disk.calls.slice(from).map(({ operation }) => operation)
    const groups = operations.length / 3
    const group = ['sizeAt', 'write', 'datasync']
    expect(operations).toEqual(Array.from({ length: groups }, () => group).flat())
    expect(overlaps).toBe(0)
    expect(groups).toBeLessThanOrEqual(200)
    const records = recordsIn(readFileSync(path))
    expect(records).toHaveLength(1000)
    expect(records.filter(({ b }) => b === undefined)).toHaveLength(groups)
    await store.close()
  })

  test('nothing is shown, and no dispatch resolves, before the sync is through', async () => {
    const path = tempJournal()
    const real = nodeFileSystem()
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const journal = fileJournal(path, {
      fileSystem: {
        ...real,
        async open(name, flags) {
          const file = await real.open(name, flags)
          return { ...file, datasync: () => gate }
        },
      },
    })
    const store = await ledger.open(journal)
    let resolved = false
    const pending = store.dispatch('note', 'a').then(() => {
      resolved = true
    })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(linesOf(path)).toHaveLength(2)
    expect({ resolved, seq: store.seq, notes: store.state.notes }).toEqual({
      resolved: false,
      seq: 0,
      notes: [],
    })
    release()
    await pending
    expect(store.state.notes).toEqual(['a'])
    await store.close()
  })

  test('an idle store asks nothing of the disk', async () => {
    const path = tempJournal()
    const disk = faultyDisk()
    const store = await openOn(disk.fileSystem, path)
    await writeNotes(store, ['a'])
    const before = disk.calls.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(disk.calls).toHaveLength(before)
    await store.close()
  })
})

describe('a group', () => {
  test('is no larger than what one record may be, and each of them proves the one before', async () => {
    const memory = new MemoryDisk()
    const disk = faultyDisk(memory)
    const store = await openOn(disk.fileSystem, PATH)
    const from = disk.calls.length
    const texts = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(MEBIBYTE, 'ü'))
    await Promise.all(texts.map((text) => store.dispatch('note', text)))
    const writes = disk.calls.slice(from).filter(({ operation }) => operation === 'write')
    expect(writes.length).toBeGreaterThan(3)
    expect(Math.max(...writes.map(({ bytes }) => bytes))).toBeLessThanOrEqual(2 ** 24)
    expect(disk.calls.slice(from).filter(({ operation }) => operation === 'datasync')).toHaveLength(
      writes.length,
    )
    const records = recordsIn(memory.read(PATH))
    expect(records.filter(({ b }) => b === undefined)).toHaveLength(writes.length)
    const starts = records.map(({ seq, b = 0 }) => seq - b)
    expect(starts).toEqual([...starts].sort((one, other) => one - other))
    expect(store.state.notes).toEqual(texts)
    await store.close()
    const again = await openOn(memory, PATH)
    expect(again.state.notes).toEqual(texts)
    await again.close()
  })
})

describe('the largest record', () => {
  const { maxEntryBytes } = fileJournal(PATH)
  const overhead = Buffer.byteLength('{"at":"2026-11-22T12:00:00.000Z","type":"note","payload":""}')

  test('is just under 16 MiB and can be read again', async () => {
    expect(maxEntryBytes).toBeGreaterThan(2 ** 24 - 1024)
    const path = tempJournal()
    const store = await ledger.open(path, atNoon)
    const text = `${'ü'.repeat((maxEntryBytes - overhead) / 2)}`
    expect(Buffer.byteLength(text) + overhead).toBe(maxEntryBytes)
    expect(await store.dispatch('note', text)).toMatchObject({ seq: 1 })
    expect(await store.dispatch('note', 'behind it')).toMatchObject({ seq: 2 })
    await store.close()
    const { state, seq } = await ledger.replay(path)
    expect(seq).toBe(2)
    expect(state.notes[0] === text).toBe(true)
  })

  test('and one byte more is too_large, with nothing written and the store unharmed', async () => {
    const path = tempJournal()
    const store = await ledger.open(path, atNoon)
    await store.dispatch('note', 'a')
    const before = readFileSync(path)
    for (const text of ['x'.repeat(maxEntryBytes - overhead + 1), 'ü'.repeat(2 ** 23)]) {
      await expect(store.dispatch('note', text)).rejects.toMatchObject({ code: 'too_large' })
    }
    const half = { type: 'note', payload: 'x'.repeat(2 ** 23) } as const
    await expect(store.dispatchAll([half, half])).rejects.toMatchObject({ code: 'too_large' })
    expect(readFileSync(path)).toEqual(before)
    expect(store.seq).toBe(1)
    expect(await store.dispatch('note', 'b')).toMatchObject({ seq: 2 })
    await store.close()
    expect((await ledger.replay(path)).state.notes).toEqual(['a', 'b'])
  })
})

describe('the ways to sync', () => {
  test('blocking writes the same file', async () => {
    const path = tempJournal()
    const store = await ledger.open(path, { sync: 'blocking' })
    await writeNotes(store, ['a', 'b'])
    await store.close()
    expect((await ledger.replay(path)).state.notes).toEqual(['a', 'b'])
    expect(statSync(path).size).toBe(readFileSync(path).length)
  })

  test('durability: os never syncs a record', async () => {
    const path = tempJournal()
    const disk = faultyDisk()
    const journal = fileJournal(path, { fileSystem: disk.fileSystem, durability: 'os' })
    const store = await ledger.open(journal)
    const before = disk.calls.length
    await writeNotes(store, ['a', 'b'])
    const operations = disk.calls.slice(before).map(({ operation }) => operation)
    expect(operations.filter((one) => one === 'write')).toHaveLength(2)
    expect(operations.filter((one) => one.endsWith('sync'))).toEqual([])
    await store.close()
    expect((await ledger.replay(path)).state.notes).toEqual(['a', 'b'])
  })
})

describe('a file journal', () => {
  test('touches nothing before it is opened', () => {
    const disk = faultyDisk()
    fileJournal(tempJournal(), { fileSystem: disk.fileSystem })
    expect(disk.calls).toEqual([])
  })

  test('takes no entry that does not follow the last', async () => {
    const journal = fileJournal(PATH, { fileSystem: new MemoryDisk() })
    await journal.open('ledger')
    expect(await journal.append([{ text: '{"at":""}' }], 1)).toEqual({ ok: false, head: 0 })
    expect(await journal.append([{ text: '{"at":""}' }], 0)).toEqual({ ok: true, seq: 1 })
    expect(await journal.append([{ text: '{"at":""}' }], 0)).toEqual({ ok: false, head: 1 })
    await journal.close()
    await expect(journal.append([], 1)).rejects.toMatchObject({ code: 'closed' })
  })

  test('gives back exactly the texts that were appended', async () => {
    const journal = fileJournal(PATH, { fileSystem: new MemoryDisk() })
    await journal.open('ledger')
    const texts = ['{"at":"x"}', '{"b":7,"at":"x"}', '{"seq":9,"crc":"00000000"}', '{"ü":"\u2028"}']
    await journal.append(
      texts.map((text) => ({ text })),
      0,
    )
    const read: unknown[] = []
    for await (const entries of journal.read(0)) read.push(...entries)
    expect(read).toEqual(texts.map((text, index) => ({ seq: index + 1, text, line: index + 2 })))
    await journal.close()
  })
})
