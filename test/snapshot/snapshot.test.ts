import fc from 'fast-check'
import { defineStore, memoryJournal, type StoreError } from 'ministore-ts'
import { digest } from 'ministore-ts/check'
import { fileJournal } from 'ministore-ts/file'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { faultyDisk } from '../file/faulty-disk.ts'
import { errno, MemoryDisk } from '../file/memory-disk.ts'
import { dispatchSome, openOn, PATH, replayed, tickets } from './tickets.ts'

const SNAPSHOT = `${PATH}.snapshot`

let disk: MemoryDisk
beforeEach(() => {
  disk = new MemoryDisk()
})

/** A journal of `before` records, a snapshot, and `after` records. */
async function prepare(before = 9, after = 3): Promise<void> {
  const store = await openOn(disk)
  await dispatchSome(store, before)
  await store.snapshot()
  await dispatchSome(store, after)
  await store.close()
}

const copyOf = (source: MemoryDisk, changes: Record<string, Uint8Array> = {}) => {
  const files = source.names.map((name) => [name, source.read(name) ?? Buffer.alloc(0)] as const)
  return new MemoryDisk({ ...Object.fromEntries(files), ...changes })
}

describe('opening from a snapshot', () => {
  test('gives the state of a full replay, and replays only what comes after it', async () => {
    await prepare()
    const store = await openOn(disk)
    expect(store.recovery).toEqual({
      created: false,
      records: 3,
      snapshot: { used: true, seq: 9 },
    })
    expect(store.seq).toBe(12)
    const full = (await replayed(disk)) as typeof store.state
    expect(store.state).toStrictEqual(full)
    expect(Object.keys(store.state.open)).toEqual(Object.keys(full.open))
    expect(Object.isFrozen(store.state.open['t1']?.tags)).toBe(true)
    await dispatchSome(store, 5)
    await store.close()
  })

  test('does not read the records that it covers', async () => {
    await prepare(400, 3)
    const watched = faultyDisk(disk)
    const { offset } = JSON.parse(String(disk.read(SNAPSHOT)).split('\n', 1).join()).record
    expect(offset).toBeGreaterThan(40_000)
    const real = watched.fileSystem
    const read: number[] = []
    const store = await tickets.open(
      fileJournal(PATH, {
        fileSystem: {
          ...real,
          async open(path, flags) {
            const file = await real.open(path, flags)
            const spied = (into: Uint8Array, position: number) => {
              if (path === PATH) read.push(position)
              return file.read(into, position)
            }
            return { ...file, read: spied }
          },
        },
      }),
    )
    expect(store.recovery.snapshot).toEqual({ used: true, seq: 400 })
    expect(read.filter((position) => position > 0 && position < offset)).toEqual([])
  })

  test('answers a key of a record that it covers with the first receipt', async () => {
    await prepare()
    const store = await openOn(disk)
    const again = { id: 't1', note: 'note 0', tags: ['t1'] }
    const receipt = await store.dispatch('open', again, { key: 'request t1' })
    expect(receipt).toMatchObject({ seq: 1, duplicate: true })
    const other = store.dispatch('open', { ...again, tags: [] }, { key: 'request t1' })
    await expect(other).rejects.toMatchObject({ code: 'key_reused', seq: 1 })
    expect(store.seq).toBe(12)
  })

  test('takes the long way through Immer from there, where a reducer asks for it', async () => {
    const odd = defineStore({
      name: 'odd',
      state: { values: [] as number[] },
      mutations: {
        add: {
          payload: z.number(),
          apply(draft, value) {
            if (value === 3) Object.defineProperty(draft, 'values', { value: [...draft.values] })
            draft.values.push(value)
          },
        },
        set: { payload: z.number(), apply: (_, value) => ({ values: Array.from([value]) }) },
      },
    })
    const path = '/data/odd.jsonl'
    const first = await odd.open(fileJournal(path, { fileSystem: disk }))
    await first.dispatch('add', 1)
    await first.snapshot()
    await first.dispatch('set', 2)
    await first.close()
    const second = await odd.open(fileJournal(path, { fileSystem: disk }))
    expect(second.state).toEqual({ values: [2] })
    expect(second.recovery).toMatchObject({ records: 1, snapshot: { used: true } })
  })

  test('gives any JSON state back as it was, with its digest in the header', async () => {
    const anything = defineStore({
      name: 'anything',
      state: { value: null as unknown as z.core.util.JSONType },
      mutations: {
        set: { payload: z.json(), apply: (_, value) => ({ value }) as never },
      },
    })
    const key = fc
      .string({ unit: 'binary' })
      .filter((name) => !/^(__proto__|constructor|prototype|toJSON)$/.test(name))
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
      fc.boolean(),
      fc.constant(null),
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree')), fc.dictionary(key, tie('tree'))),
    }))
    await fc.assert(
      fc.asyncProperty(tree, fc.nat(4), async (value, size) => {
        const here = new MemoryDisk()
        const journal = () => fileJournal('/j', { fileSystem: here })
        const first = await anything.open(journal())
        await first.dispatch(
          'set',
          (size === 0 ? [value, 'ü😀'.repeat(100_000), { value }] : value) as never,
        )
        await first.snapshot()
        const header = JSON.parse(String(here.read('/j.snapshot')).split('\n', 1).join())
        expect(header.digest).toBe(await digest(first.state))
        await first.close()
        const second = await anything.open(journal())
        expect(second.recovery).toMatchObject({ records: 0, snapshot: { used: true, seq: 1 } })
        expect(second.state).toStrictEqual(first.state)
        await second.close()
      }),
      { numRuns: 60 },
    )
  })

  test('splits what is large: containers, texts and keys of requests', async () => {
    const store = await openOn(disk)
    const many = Array.from({ length: 3000 }, (_, n) => `${n}`.padStart(100, 'x'))
    await store.dispatch('open', { id: 'large', tags: many }, { key: 'k'.repeat(1024) })
    await store.dispatch('open', { id: 'long', tags: ['😀'.repeat(300_000)] }, { key: 'long' })
    await store.snapshot()
    const lines = String(disk.read(SNAPSHOT)).split('\n')
    expect(lines.length).toBeGreaterThan(6)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2 ** 20)
    await store.close()
    const again = await openOn(disk)
    expect(again.recovery).toMatchObject({ records: 0, snapshot: { used: true } })
    expect(again.state).toStrictEqual(store.state)
    const repeated = await again.dispatch(
      'open',
      { id: 'long', tags: ['😀'.repeat(300_000)] },
      { key: 'long' },
    )
    expect(repeated).toMatchObject({ seq: 2, duplicate: true })
  })
})

describe('a snapshot is not used, and all is replayed,', () => {
  const counter = (change: object = {}, name = 'counter', state: object = { count: 0 }) =>
    defineStore({
      name,
      state: state as { count: number },
      mutations: {
        add: {
          payload: z.number(),
          apply: (draft, by) => void Object.assign(draft, { count: draft.count + by }),
          ...change,
        },
      },
    })
  const journal = () => fileJournal('/j', { fileSystem: disk })

  test.each([
    [
      'another reducer',
      counter({ apply: ({ count }: { count: number }, by: number) => ({ count: count + 2 * by }) }),
      6,
    ],
    ['another schema', counter({ payload: z.number().min(0) }), 3],
    [
      'another payload version',
      counter({ upcast: { 1: z.number().transform((n) => n * 10) } }),
      30,
    ],
    ['another initial state', counter({}, 'counter', { count: 100 }), 103],
    [
      'a mutation more',
      defineStore({
        name: 'counter',
        state: { count: 0 },
        mutations: {
          add: {
            payload: z.number(),
            apply: (draft, by) => void Object.assign(draft, { count: draft.count + by }),
          },
          reset: { apply: () => ({ count: 0 }) },
        },
      }),
      3,
    ],
  ])('since the definition has %s', async (_, changed, count) => {
    const store = await counter().open(journal())
    await store.dispatch('add', 1)
    await store.dispatch('add', 2)
    await store.snapshot()
    await store.close()
    const again = await changed.open(journal())
    expect(again.state.count).toBe(count)
    expect(again.recovery).toMatchObject({ records: 2, snapshot: { used: false } })
    await again.close()
    const back = await counter().open(journal())
    expect(back.recovery).toMatchObject({ records: 0, snapshot: { used: true, seq: 2 } })
  })

  test('with a flipped bit in any of its bytes', async () => {
    await prepare(2, 1)
    const bytes = disk.read(SNAPSHOT) ?? Buffer.alloc(0)
    const { state } = await openOn(copyOf(disk))
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      const store = await openOn(copyOf(disk, { [SNAPSHOT]: damaged }))
      expect(store.recovery.snapshot?.used, `byte ${at}`).toBe(false)
      expect(store.recovery.records).toBe(3)
      expect(store.state).toStrictEqual(state)
    }
  })

  test('cut off anywhere, or with more behind it', async () => {
    await prepare(2, 1)
    const bytes = disk.read(SNAPSHOT) ?? Buffer.alloc(0)
    const lengths = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length))
    for (const damaged of [...lengths, Buffer.concat([bytes, Buffer.from('\n')])]) {
      const store = await openOn(copyOf(disk, { [SNAPSHOT]: damaged }))
      expect(store.recovery.snapshot?.used, `${damaged.length} bytes`).toBe(false)
      expect(store.recovery.records).toBe(3)
    }
  })

  test('of another journal, of a newer format, or where something else has its name', async () => {
    await prepare(2, 1)
    const other = new MemoryDisk()
    const store = await openOn(other)
    await dispatchSome(store, 2)
    await store.snapshot()
    const text = String(disk.read(SNAPSHOT))
    for (const wrong of [
      String(other.read(SNAPSHOT)),
      text.replace('"version":1', '"version":2'),
      'mine',
    ]) {
      const opened = await openOn(copyOf(disk, { [SNAPSHOT]: Buffer.from(wrong) }))
      expect(opened.recovery).toMatchObject({ records: 3, snapshot: { used: false } })
    }
  })

  test('or removed', async () => {
    await prepare()
    disk.unlink(SNAPSHOT)
    const store = await openOn(disk)
    expect(store.recovery).toEqual({ created: false, records: 12 })
  })
})

describe('a journal that lost what a snapshot proves', () => {
  test('is refused, wherever it was cut, and nothing is changed', async () => {
    await prepare(6, 3)
    const bytes = disk.read(PATH) ?? Buffer.alloc(0)
    const { offset } = JSON.parse(String(disk.read(SNAPSHOT)).split('\n', 1).join()).record
    const end = bytes.indexOf('\n', offset)
    const header = bytes.indexOf('\n') + 1
    for (let length = header; length <= bytes.length; length += length < end - 5 ? 7 : 1) {
      const there = copyOf(disk, { [PATH]: bytes.subarray(0, length) })
      const names = there.names
      const opened = await openOn(there).catch((error: StoreError) => error)
      if (length >= end) expect(opened).toMatchObject({ recovery: { snapshot: { used: true } } })
      else {
        expect(opened, `${length} bytes`).toMatchObject({ code: 'corrupt', seq: 6 })
        expect(String(opened)).toContain(`remove ${SNAPSHOT}`)
        expect(there.names).toEqual(names)
        expect(there.read(PATH)?.length).toBe(length)
      }
    }
  })

  test('is refused too where an older one was put back, and opens when the snapshot is removed', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 4)
    const older = disk.read(PATH) ?? Buffer.alloc(0)
    await dispatchSome(store, 4)
    await store.compact()
    await dispatchSome(store, 4)
    await store.snapshot()
    await store.close()
    const there = copyOf(disk, { [PATH]: older })
    await expect(openOn(there)).rejects.toMatchObject({ code: 'corrupt', seq: 12 })
    there.unlink(SNAPSHOT)
    expect((await openOn(there)).seq).toBe(4)
  })

  test('in bytes that it covers opens; whoever reads those is refused', async () => {
    await prepare()
    const bytes = disk.read(PATH) ?? Buffer.alloc(0)
    const at = bytes.indexOf('note 0')
    bytes[at] = 'N'.charCodeAt(0)
    const there = copyOf(disk, { [PATH]: bytes })
    const store = await openOn(there)
    expect(store.seq).toBe(12)
    await expect(store.records().next()).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
    await expect(replayed(there)).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
  })
})

describe('taking a snapshot', () => {
  test('goes on while others dispatch, and is of the moment of the call', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 6)
    const taken = store.snapshot()
    const others = dispatchSome(store, 20)
    expect(await taken).toEqual({ seq: 6, bytes: disk.read(SNAPSHOT)?.length, path: SNAPSHOT })
    await others
    await store.close()
    const again = await openOn(disk)
    expect(again.recovery).toMatchObject({ records: 20, snapshot: { used: true, seq: 6 } })
    expect(again.state).toStrictEqual(await replayed(disk))
  })

  test('in a listener, in the middle of a group commit, is of the record that it hears of', async () => {
    const store = await openOn(disk)
    const taken: Promise<{ seq: number }>[] = []
    store.subscribe((_, __, [record]) => {
      if (record?.seq === 2) taken.push(store.snapshot())
    })
    const ids = ['a', 'b', 'c', 'd']
    await Promise.all(ids.map((id) => store.dispatch('open', { id, tags: [] }, { key: id })))
    expect((await taken[0])?.seq).toBe(2)
    await store.close()
    const again = await openOn(disk)
    expect(again.recovery).toMatchObject({ records: 2, snapshot: { used: true, seq: 2 } })
    expect(again.state).toStrictEqual(store.state)
    expect(await again.dispatch('open', { id: 'd', tags: [] }, { key: 'd' })).toMatchObject({
      seq: 4,
      duplicate: true,
    })
  })

  test('several at once are taken one after the other, and closing waits for them', async () => {
    const store = await openOn(disk)
    await dispatchSome(store, 2)
    const first = store.snapshot()
    await dispatchSome(store, 2)
    const all = [first, store.compact(), store.snapshot()]
    const seqs = Promise.all(all).then((receipts) => receipts.map(({ seq }) => seq))
    await store.close()
    expect(await seqs).toEqual([2, 4, 4])
    await expect(store.snapshot()).rejects.toMatchObject({ code: 'closed' })
    expect((await openOn(disk)).recovery).toMatchObject({ snapshot: { used: true, seq: 4 } })
  })

  test('of an empty store, and again without a change, is as good', async () => {
    const store = await openOn(disk)
    expect(await store.snapshot()).toMatchObject({ seq: 0 })
    expect(await store.snapshot()).toMatchObject({ seq: 0 })
    await store.close()
    expect((await openOn(disk)).recovery).toMatchObject({ records: 0, snapshot: { used: true } })
  })

  test('is refused where the state is not JSON, naming the place; the store goes on', async () => {
    const odd = defineStore({
      name: 'odd',
      state: { value: {} as Record<string, unknown> as Record<string, string> },
      mutations: { set: { apply: () => ({ value: { when: Number.NaN as never } }) } },
    })
    const store = await odd.open(fileJournal('/odd', { fileSystem: disk }))
    await store.dispatch('set')
    const refused = { code: 'invalid_state', message: expect.stringContaining('state.value.when') }
    await expect(store.snapshot()).rejects.toMatchObject(refused)
    await expect(store.compact()).rejects.toMatchObject(refused)
    await store.dispatch('set')
    expect(disk.names.filter((name) => name.includes('new'))).toEqual([])
  })

  test('is a TypeError on a journal that keeps none, and read_only on one that is only read', async () => {
    const inMemory = await tickets.open(memoryJournal())
    await expect(inMemory.snapshot()).rejects.toThrow(TypeError)
    await expect(inMemory.compact()).rejects.toThrow('cannot keep snapshots')
    await prepare()
    const reader = await tickets.open(fileJournal(PATH, { fileSystem: disk, readOnly: true }))
    expect(reader.recovery.snapshot).toEqual({ used: true, seq: 9 })
    await expect(reader.snapshot()).rejects.toMatchObject({ code: 'read_only' })
    await expect(reader.compact()).rejects.toMatchObject({ code: 'read_only' })
  })

  test('writes over what a crash left of an unfinished one', async () => {
    const there = copyOf(disk, {
      [`${SNAPSHOT}.new`]: Buffer.from('half'),
      [`${PATH}.compact.new`]: Buffer.from('half'),
    })
    const store = await openOn(there)
    await dispatchSome(store, 3)
    await store.snapshot()
    await store.compact()
    expect(there.names.filter((name) => name.endsWith('new'))).toEqual([])
  })

  test('on a disk that fails at any operation fails alone: the store goes on, the old one stays', async () => {
    for (let nth = 0; ; nth++) {
      const there = new MemoryDisk()
      const faulty = faultyDisk(there)
      const store = await openOn(faulty.fileSystem)
      await dispatchSome(store, 3)
      await store.snapshot()
      await dispatchSome(store, 3)
      const before = faulty.calls.length
      faulty.fault = () => (faulty.calls.length === before + nth + 1 ? errno('ENOSPC') : undefined)
      const failure = await store.snapshot().catch((error: StoreError) => error)
      const isThrough = faulty.calls.length <= before + nth
      faulty.fault = undefined
      if (failure instanceof Error) expect(failure).toMatchObject({ code: 'io' })
      await dispatchSome(store, 1)
      await store.close()
      const again = await openOn(there)
      expect(again.recovery.snapshot?.used, `operation ${nth}`).toBe(true)
      expect(again.state).toStrictEqual(await replayed(there))
      if (isThrough) return expect(nth).toBeGreaterThan(6)
    }
  })
})
