// Tables in snapshots and below compacted journals: whatever the way to a state, it is the same state.
import fc from 'fast-check'
import { defineStore } from 'ministore-ts'
import { canonicalText, digest } from 'ministore-ts/check'
import { fileJournal } from 'ministore-ts/file'
import { isTable, type Table, table, tablePaths } from 'ministore-ts/table'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryDisk } from '../file/memory-disk.ts'
import { forged } from './forge.ts'

const PATH = '/data/shelf.jsonl'
const SNAPSHOT = `${PATH}.snapshot`

interface Node {
  n: number
  note: string | undefined
  inner: Table<Node>
}
interface Shelf {
  top: Table<Node>
  list: Table<Node>[]
  record: Record<string, { odd: Table<Node> }>
  deep: Table<Table<number>>
}
/** What a Table and a Map both have: the same reducer runs on both. */
type Keyed<V> = Pick<Map<string, V>, 'get' | 'has' | 'delete' | 'keys' | 'size'> & {
  set(key: string, value: V): unknown
}
interface AnyNode extends Omit<Node, 'inner'> {
  inner: Keyed<AnyNode>
}
interface AnyShelf {
  top: Keyed<AnyNode>
  list: Keyed<AnyNode>[]
  record: Record<string, { odd: Keyed<AnyNode> }>
  deep: Keyed<Keyed<number>>
}

const KEYS = [
  'a',
  'b',
  'c',
  '__proto__',
  'constructor',
  'toString',
  '',
  '/',
  '~',
  'a/b~1',
  '10',
  '9',
  'ü😀',
]
const step = z.object({
  do: z.enum(['set', 'nest', 'bump', 'delete', 'push', 'record', 'deep', 'move', 'large', 'many']),
  key: z.enum(KEYS),
  to: z.enum(KEYS),
  n: z.int(),
})
type Step = z.output<typeof step>

/** Longer than a line of a snapshot. */
const LARGE = 'x ü'.repeat(100_000)

function obey(shelf: AnyShelf, { do: what, key, to, n }: Step, empty: <V>() => Keyed<V>): void {
  const make = (inner = empty<AnyNode>()): AnyNode => ({ n, note: undefined, inner })
  const node = shelf.top.get(key)
  if (what === 'set') shelf.top.set(key, make())
  if (what === 'nest') node?.inner.set(to, make())
  if (what === 'bump' && node) node.n += n
  if (what === 'delete') (n % 2 ? shelf.top : (node?.inner ?? shelf.deep)).delete(to)
  if (what === 'push') {
    const pushed = empty<AnyNode>()
    if (n % 3) pushed.set(key, make())
    shelf.list.push(pushed)
  }
  if (what === 'record') {
    shelf.record[`r${key}`] = { odd: empty() }
    shelf.record[`r${to}`]?.odd.set(key, make())
  }
  if (what === 'deep') {
    const inner = shelf.deep.get(key)
    if (inner) inner.set(to, n)
    else shelf.deep.set(key, empty())
  }
  if (what === 'move' && node) {
    shelf.top.delete(key)
    shelf.top.set(to, node)
  }
  if (what === 'large' && node) node.note = LARGE
  if (what === 'many')
    for (let each = 0; each < 400; each++)
      node?.inner.set(`${to}${n} ${'y'.repeat(700)} ${each}`, make())
}

const shelf = defineStore({
  name: 'shelf',
  state: { top: table(), list: [], record: {}, deep: table() } as Shelf,
  mutations: {
    step: { payload: step, apply: (draft, each) => obey(draft as never, each, table as never) },
  },
})

/** With what a table may not remember, the order of keys, but in the order of a table. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  const entries =
    value instanceof Map ? [...value].sort(([a], [b]) => (a < b ? -1 : 1)) : Object.entries(value)
  return Object.fromEntries(entries.map(([key, each]) => [key, plain(each)]))
}

/** Every key in the order in which somebody who walks the state meets it. */
function walk(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const entries = isTable(value) ? [...value] : Object.entries(value)
  return entries.map(([key, each]) => [key, walk(each)])
}

let disk: MemoryDisk
beforeEach(() => {
  disk = new MemoryDisk()
})
const journal = (readOnly = false) => fileJournal(PATH, { fileSystem: disk, readOnly })

describe('a state with tables', () => {
  test('is the same live, replayed in place and by Immer, from a snapshot, and from a compacted journal', async () => {
    const steps = fc.array(
      fc.record({
        do: fc.constantFrom(...step.shape.do.options, 'set', 'set', 'nest', 'deep'),
        key: fc.constantFrom(...KEYS),
        to: fc.constantFrom(...KEYS),
        n: fc.integer({ min: 1, max: 9 }),
      }),
      { maxLength: 40, size: '+1' },
    )
    let met = 0
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(40), fc.boolean(), async (program, at, isCompacted) => {
        disk = new MemoryDisk()
        const model: AnyShelf = { top: new Map(), list: [], record: {}, deep: new Map() }
        const store = await shelf.open(journal())
        const cut = Math.min(at, program.length)
        for (const each of program.slice(0, cut)) await store.dispatch('step', each as Step)
        const kept = await (isCompacted ? store.compact() : store.snapshot())
        expect(kept.seq).toBe(cut)
        for (const each of program.slice(cut)) await store.dispatch('step', each as Step)
        await store.close()
        for (const each of program) obey(model, each as Step, () => new Map())
        const live = store.state
        met += tablePaths(live).length
        expect(canonicalText(live)).toBe(canonicalText(plain(model)))

        const opened = await shelf.open(journal(true))
        if (!isCompacted) expect(opened.recovery.snapshot).toEqual({ used: true, seq: cut })
        expect(opened.recovery).toMatchObject({ records: program.length - cut })
        expect(opened.recovery.fallback).toBeUndefined()
        await opened.close()
        const replayed = await shelf.replay(journal(true))
        const report = await shelf.replayCheck(journal(true))
        expect(report).toMatchObject({ ok: true, findings: [], digest: await digest(live) })
        for (const { state } of [opened, replayed]) {
          expect(await digest(state)).toBe(await digest(live))
          expect(walk(state)).toEqual(walk(live))
          expect(tablePaths(state)).toEqual(tablePaths(live))
        }
        const [header = ''] = String(disk.read(isCompacted ? PATH : SNAPSHOT)).split('\n', 1)
        const { state: then } = await shelf.replay(journal(true), { until: cut })
        const { digest: named = '' } = isCompacted
          ? (JSON.parse(header).base ?? {})
          : JSON.parse(header)
        if (named !== '') expect(named).toBe(await digest(then))
      }),
      { numRuns: 60 },
    )
    // Each state has two of them from the beginning.
    expect(met).toBeGreaterThan(2 * 60)
  })

  test.each(['snapshot', 'compact'] as const)(
    'goes on after %s: what a dispatch leaves alone is the same object, what it changes is a table',
    async (how) => {
      const store = await shelf.open(journal())
      for (const key of KEYS) {
        await store.dispatch('step', { do: 'set', key, to: key, n: 1 })
        await store.dispatch('step', { do: 'nest', key, to: '__proto__', n: 2 })
      }
      await store[how]()
      await store.close()
      const again = await shelf.open(journal())
      const before = again.state
      await again.dispatch('step', { do: 'bump', key: '__proto__', to: '', n: 5 })
      const { state } = again
      expect(state.top.get('__proto__')).toMatchObject({ n: 6 })
      expect(before.top.get('__proto__')).toMatchObject({ n: 1 })
      expect(isTable(state.top.get('__proto__')?.inner)).toBe(true)
      expect(state.top.get('__proto__')?.inner).toBe(before.top.get('__proto__')?.inner)
      for (const [key, node] of state.top)
        if (key !== '__proto__') expect(node).toBe(before.top.get(key))
      expect(state.deep).toBe(before.deep)
      expect(() => (state.top as Table<Node>).delete('a')).toThrow('part of a state')
      await again.close()
      expect((await shelf.replayCheck(journal(true))).findings).toEqual([])
    },
  )

  test('may be a table itself', async () => {
    const counts = defineStore({
      name: 'counts',
      state: table<number>(),
      mutations: {
        add: {
          payload: z.string(),
          apply: (draft, key) => draft.set(key, (draft.get(key) ?? 0) + 1),
        },
      },
    })
    for (const how of ['snapshot', 'compact'] as const) {
      disk = new MemoryDisk()
      const store = await counts.open(journal())
      await store[how]()
      await store.dispatch('add', '__proto__')
      await store[how]()
      await store.dispatch('add', '')
      await store.close()
      const again = await counts.open(journal())
      expect(again.recovery.records).toBe(1)
      expect([...again.state]).toEqual([
        ['', 1],
        ['__proto__', 1],
      ])
      await again.close()
    }
  })
})

describe('in the lines of a snapshot', () => {
  const trees = defineStore({
    name: 'trees',
    state: {
      tree: table<Table<number>>(),
      vals: table<{ text: string }>(),
      list: [] as Table<number>[],
      alongside: {} as Record<string, Table<number>[]>,
    },
    mutations: {
      plant: {
        payload: z.object({ count: z.int(), width: z.int() }),
        apply(draft, { count, width }) {
          const name = (n: number) => `${n} ${'/~'.repeat(width)}`
          for (let n = 0; n < count; n++) {
            draft.tree.set(name(n), table([[name(n), n]]))
            draft.list.push(table(), table([['n', n]]))
          }
        },
      },
      bundle: {
        payload: z.object({ count: z.int(), width: z.int() }),
        apply(draft, { count, width }) {
          draft.alongside['k'.repeat(width)] = Array.from({ length: count }, () => table())
        },
      },
      write: {
        payload: z.int(),
        apply(draft, count) {
          draft.vals = table(
            Array.from({ length: count }, (_, n) => [
              `key ${n}`,
              { text: `${n} ${'😀'.repeat(20)}` },
            ]),
          )
          draft.vals.set('long', { text: LARGE })
        },
      },
    },
  })
  const open = () => trees.open(journal())
  const lengths = () =>
    String(disk.read(SNAPSHOT))
      .split('\n')
      .map(({ length }) => length)

  test.each([
    [20_000, 1],
    [300, 2_000],
    [3, 200_000],
  ])(
    '%i tables with keys of %i characters twice are many lines, none of them long',
    async (count, width) => {
      const store = await open()
      await store.dispatch('plant', { count, width })
      await store.snapshot()
      await store.close()
      expect(lengths().length).toBeGreaterThan(3)
      expect(Math.max(...lengths())).toBeLessThan(4 * 2 ** 20)
      if (width < 100_000) expect(Math.max(...lengths())).toBeLessThan(2 ** 19)
      const again = await open()
      expect(again.recovery.snapshot?.used).toBe(true)
      expect(tablePaths(again.state)).toEqual(tablePaths(store.state))
      expect(await digest(again.state)).toBe(await digest(store.state))
    },
  )

  test('a long key is not told again for each of the tables behind it', async () => {
    const store = await open()
    await store.dispatch('bundle', { count: 2_000, width: 100_000 })
    await store.snapshot()
    await store.close()
    expect(Math.max(...lengths())).toBeLessThan(2 ** 19)
    const again = await open()
    expect(again.recovery.snapshot?.used).toBe(true)
    expect(tablePaths(again.state)).toHaveLength(2_002)
  })

  test('a large table is filled line by line', async () => {
    const store = await open()
    await store.dispatch('write', 30_000)
    await store.snapshot()
    await store.close()
    expect(lengths().length).toBeGreaterThan(8)
    expect(Math.max(...lengths())).toBeLessThan(2 ** 19)
    const again = await open()
    expect(again.recovery.snapshot?.used).toBe(true)
    expect(again.state.vals.size).toBe(30_001)
    expect(again.state.vals.get('long')?.text).toBe(LARGE)
    expect(await digest(again.state)).toBe(await digest(store.state))
  })

  test('its JSON is what it would be as a plain object, and where it is, is told beside it', async () => {
    const store = await open()
    await store.dispatch('plant', { count: 1, width: 1 })
    await store.snapshot()
    await store.close()
    const [, first = ''] = String(disk.read(SNAPSHOT)).split('\n')
    expect(JSON.parse(first)).toMatchObject({
      at: [],
      put: { state: { tree: { '0 /~': { '0 /~': 0 } }, vals: {}, list: [{}, { n: 0 }] } },
      tables: [
        ['state', 'list', 0],
        ['state', 'list', 1],
        ['state', 'tree'],
        ['state', 'tree', '0 /~'],
        ['state', 'vals'],
      ],
    })
  })

  test.each([
    ['that is a list', '["state","tree"]', '["state","list"]'],
    ['that is not there', '["state","tree"]', '["state","none"]'],
    ['twice', '["state","vals"]', '["state","tree"]'],
    [
      'inside of one that comes later',
      '["state","tree"],["state","tree","0 /~"]',
      '["state","tree","0 /~"],["state","tree"]',
    ],
  ])('a table %s makes it useless: all is replayed', async (_, from, to) => {
    const store = await open()
    await store.dispatch('plant', { count: 1, width: 1 })
    await store.snapshot()
    await store.close()
    disk = new MemoryDisk({
      [PATH]: disk.read(PATH) ?? Buffer.alloc(0),
      [SNAPSHOT]: forged(disk.read(SNAPSHOT), (line) => line.replace(from, to)),
    })
    const again = await open()
    expect(again.recovery).toMatchObject({ records: 1, snapshot: { used: false } })
    expect(again.recovery.snapshot).toHaveProperty('reason', expect.stringContaining('no table at'))
    expect(tablePaths(again.state)).toEqual(tablePaths(store.state))
  })

  test('`__proto__` is a key of tables alone', async () => {
    const store = await open()
    await store.dispatch('write', 1)
    await store.snapshot()
    await store.close()
    disk = new MemoryDisk({
      [PATH]: disk.read(PATH) ?? Buffer.alloc(0),
      [SNAPSHOT]: forged(disk.read(SNAPSHOT), (line) =>
        line.replace('"alongside":', '"__proto__":'),
      ),
    })
    const again = await open()
    expect(again.recovery.snapshot).toMatchObject({
      used: false,
      reason: expect.stringContaining('__proto__'),
    })
  })
})
