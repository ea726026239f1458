// Tables in a store: live through Immer, replayed in place, taken apart as JSON and put together again.
import fc from 'fast-check'
import { defineStore, memoryJournal } from 'ministore-ts'
import { canonicalText, digest, InPlaceReplay } from 'ministore-ts/check'
import { restoreTables, type Table, table, tablePaths } from 'ministore-ts/table'
import { scenarios } from 'ministore-ts/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { collidingKeys } from './collisions.ts'

type Value = number | { n: number; list: number[]; inner: { n: number } }
interface Tables {
  one: Table<Value>
  other: Table<Value>
  record: { [key: string]: Value }
  nested: Table<Table<Value>>
}
/** What a Table and a Map both have: the same reducer runs on both. */
type Keyed = Pick<Table<Value>, 'get' | 'has' | 'delete' | 'keys'> & {
  set(key: string, value: Value): unknown
  update?: Table<Value>['update']
}

const NAMES = [...collidingKeys(3), ...Array.from({ length: 24 }, (_, n) => `k${n}`)]
const KEYS = [...NAMES, 'constructor', '__proto__', '']
const DOINGS = [
  'set',
  'delete',
  'change',
  'update',
  'replace',
  'same',
  'copy',
  'move',
  'toRecord',
  'fromRecord',
  'late',
  'neighbours',
  'each',
  'count',
  'many',
  'empty',
  'renew',
  'nest',
] as const
const step = z.object({
  do: z.enum(DOINGS),
  from: z.enum(['one', 'other']),
  key: z.string(),
  to: z.string(),
  n: z.int(),
})
type Step = z.output<typeof step>

const make = (n: number): Value => (n % 5 === 0 ? n : { n, list: [n], inner: { n } })
const touch = (value: Value | undefined, n: number) => {
  if (typeof value !== 'object') return
  value.n += n
  value.list.push(n)
  value.inner.n = n
}

interface Draft {
  one: Keyed
  other: Keyed
  record: { [key: string]: Value }
  nested: { get(key: string): Keyed | undefined; set(key: string, inner: never): unknown }
}

function obey(draft: Draft, { do: what, from, key, to, n }: Step, empty: () => Keyed): void {
  const [source, target] = [draft[from], draft[from === 'one' ? 'other' : 'one']]
  const value = source.get(key)
  // What is a key like any other in a table is none in a record.
  const recordKey = to === '__proto__' || to === 'constructor' ? 'special' : to
  if (what === 'set') source.set(key, make(n))
  if (what === 'delete') source.delete(key)
  if (what === 'change') touch(value, n)
  if (what === 'update' && value !== undefined) {
    const change = (old: Value): Value | void => (n % 2 ? make(n) : touch(old, n))
    if (source.update) source.update(key, change)
    else source.set(key, change(value) ?? value)
  }
  if (what === 'replace' && source.has(key)) source.set(key, make(n))
  if (value !== undefined) {
    if (what === 'same') source.set(key, value)
    if (what === 'copy') target.set(to, value)
    if (what === 'copy' && n % 2) touch(value, n)
    if (what === 'move') {
      source.delete(key)
      source.set(to, value)
      touch(source.get(to), n)
    }
    if (what === 'toRecord') draft.record[recordKey] = value
  }
  if (what === 'fromRecord') {
    const other = Object.hasOwn(draft.record, recordKey) ? draft.record[recordKey] : undefined
    if (other !== undefined) source.set(key, other)
    if (n % 2) delete draft.record[recordKey]
  }
  if (what === 'late') {
    const late = { n, list: [] as number[], inner: { n } }
    source.set(key, late)
    late.list.push(n)
  }
  if (what === 'neighbours') {
    // A new key moves its neighbours to another node; they are drafts all the same.
    source.set(key, make(n))
    for (const each of KEYS) touch(source.get(each), 1)
  }
  if (what === 'each') for (const each of [...source.keys()].sort()) touch(source.get(each), n)
  if (what === 'count') draft.record['count'] = [...source.keys()].length
  if (what === 'many') for (let at = 0; at < n % 40; at++) source.set(`many ${at}`, make(at))
  if (what === 'empty')
    for (const each of [...source.keys()].sort().slice(n % 9)) source.delete(each)
  if (what === 'renew') {
    const renewed = empty()
    renewed.set(key, make(n))
    if (value !== undefined) renewed.set(to, value)
    draft[from] = renewed
  }
  if (what === 'nest') {
    if (!draft.nested.get(to)) draft.nested.set(to, empty() as never)
    draft.nested.get(to)?.set(key, value ?? make(n))
    touch(draft.nested.get(to)?.get(key), n)
  }
}

const tables = defineStore({
  name: 'tables',
  state: {
    one: table<Value>(),
    other: table<Value>(NAMES.slice(0, 20).map((key, n) => [key, make(n)])),
    record: {},
    nested: table<Table<Value>>(),
  } as Tables,
  mutations: {
    obey: {
      payload: z.object({ steps: z.array(step) }),
      apply(draft, { steps }) {
        for (const each of steps) obey(draft as never, each, () => table<Value>() as Keyed)
      },
    },
  },
})

/** The same with Maps. Between two mutations, nothing is in two places. */
function model(mutations: readonly Step[][]): unknown {
  let state: Draft = revived(plainOf(tables.initial) as Plain)
  for (const steps of mutations) {
    for (const each of steps) obey(state, each, () => new Map<string, Value>() as Keyed)
    state = revived(plainOf(state) as Plain)
  }
  return plainOf(state)
}
type Plain = Record<keyof Tables, Record<string, Value>>
const plainOf = (state: unknown): unknown =>
  JSON.parse(
    JSON.stringify(state, (_, value) => (value instanceof Map ? Object.fromEntries(value) : value)),
  )
const revived = ({ one, other, record, nested }: Plain): Draft => ({
  one: new Map(Object.entries(one)) as Keyed,
  other: new Map(Object.entries(other)) as Keyed,
  record,
  nested: new Map(
    Object.entries(nested).map(([key, inner]) => [key, new Map(Object.entries(inner))]),
  ) as never,
})

const steps = fc.array(
  fc.record({
    do: fc.constantFrom(...DOINGS),
    from: fc.constantFrom('one' as const, 'other' as const),
    key: fc.constantFrom(...KEYS),
    to: fc.constantFrom(...KEYS),
    n: fc.integer({ min: 0, max: 99 }),
  }),
  { minLength: 1, maxLength: 6 },
)

describe('a store with tables', () => {
  test('gives what Maps would give: live, replayed in place, and out of its JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 10 }), async (mutations) => {
        const journal = memoryJournal()
        const live = await tables.open(journal)
        for (const some of mutations) await live.dispatch('obey', { steps: some })
        const replayed = await tables.open(journal)
        expect(replayed.recovery.fallback).toBe(undefined)
        const { state } = live
        const restored = restoreTables(JSON.parse(JSON.stringify(state)), tablePaths(state))
        expect(plainOf(state)).toEqual(model(mutations))
        expect(JSON.stringify(replayed.state)).toBe(JSON.stringify(state))
        expect(JSON.stringify(restored)).toBe(JSON.stringify(state))
        // Not only their JSON: the very same nodes, whatever the history.
        for (const other of [replayed.state, restored, new InPlaceReplay(state).state])
          expect(structuredClone(other)).toStrictEqual(structuredClone(state))
        expect(await digest(restored)).toBe(await digest(state))
        expectFrozen(state)
        expectFrozen(replayed.state)
      }),
      { numRuns: 400 },
    )
  })
})

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (!Object.isFrozen(value)) throw new Error(`not frozen: ${JSON.stringify(value)}`)
  for (const key of Object.keys(value)) expectFrozen(Reflect.get(value, key))
}

interface Topic {
  name: string
  partitions: number
}
const broker = defineStore({
  name: 'broker',
  state: { topics: table<Topic>(), total: 0 },
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string(), partitions: z.int().default(1) }),
      apply(draft, topic) {
        draft.topics.set(topic.name, topic)
        draft.total = draft.topics.size
      },
    },
    grow: {
      payload: z.string(),
      apply(draft, name) {
        draft.topics.update(name, (topic) => {
          topic.partitions += 1
        })
      },
    },
    look: {
      apply(draft) {
        for (const [, topic] of draft.topics) if (topic.partitions > 99) topic.partitions = 0
        draft.topics.get('topic 1')
        draft.topics.delete('no such topic')
        draft.topics.update('no such topic', () => undefined)
      },
    },
    drop: {
      payload: z.string(),
      apply(draft, name) {
        draft.topics.delete(name)
      },
    },
  },
})
const given = (count: number) =>
  Array.from({ length: count }, (_, n) => {
    return { type: 'addTopic', payload: { name: `topic ${n}` } } as const
  })

describe('what a change leaves alone', () => {
  test('is the same object as before: values, and nodes, and a state that was only looked at', async () => {
    const store = await broker.memory(given(500))
    const before = store.state
    await store.dispatch('grow', 'topic 7')
    const after = store.state
    expect(after.topics).not.toBe(before.topics)
    expect(before.topics.get('topic 7')?.partitions).toBe(1)
    expect(after.topics.get('topic 7')?.partitions).toBe(2)
    for (const [name, topic] of after.topics)
      if (name !== 'topic 7') expect(topic).toBe(before.topics.get(name))
    const [nodes, others] = [before, after].map(({ topics }) => Reflect.get(topics, 'root'))
    const changed = nodes.filter((node: unknown, slot: number) => node !== others[slot])
    expect(changed).toHaveLength(1)
    await store.dispatch('look')
    expect(store.state).toBe(after)
  })

  test('wakes no selector', async () => {
    const store = await broker.memory(given(100))
    const heard: unknown[] = []
    store.subscribe(
      ({ topics }) => topics.get('topic 3'),
      (topic) => heard.push(topic?.partitions),
    )
    await store.dispatch('grow', 'topic 4')
    await store.dispatch('addTopic', { name: 'new' })
    await store.dispatch('drop', 'topic 5')
    expect(heard).toEqual([])
    await store.dispatch('grow', 'topic 3')
    expect(heard).toEqual([2])
  })

  test('keeps what a reader has, whatever comes after', async () => {
    const store = await broker.memory(given(50))
    const { topics } = store.state
    const names = [...topics.keys()]
    const iterator = topics.values()
    expect(iterator.next().value).toEqual({ name: 'topic 0', partitions: 1 })
    for (const name of names) await store.dispatch('drop', name)
    expect(store.state.topics.size).toBe(0)
    expect(topics.size).toBe(50)
    expect([...iterator]).toHaveLength(49)
  })
})

test('a state cannot be changed from outside', async () => {
  const { state } = await broker.memory(given(30))
  const topics = state.topics as unknown as Table<Topic>
  const frozen = 'this table is part of a state, and frozen: change it in a reducer'
  expect(() => topics.set('topic 1', { name: '', partitions: 0 })).toThrow(frozen)
  expect(() => topics.set('new', { name: '', partitions: 0 })).toThrow(frozen)
  expect(() => topics.delete('topic 1')).toThrow(frozen)
  expect(() => topics.update('topic 1', () => ({ name: '', partitions: 0 }))).toThrow(frozen)
  expect(() =>
    topics.update('topic 1', (topic) => void Object.assign(topic, { name: '' })),
  ).toThrow(TypeError)
  expect(topics.size).toBe(30)
  // What the definition was made from is no part of it.
  const mine = table<number>([['a', 1]])
  const { initial } = defineStore({ name: 'own', state: { mine }, mutations: {} })
  mine.set('b', 2)
  expect([...initial.mine.keys()]).toEqual(['a'])
})

test('a draft that is kept is of no use when its reducer is done', async () => {
  let kept: { set(key: string, value: number): void; size: number } | undefined
  const leaky = defineStore({
    name: 'leaky',
    state: { counts: table<number>() },
    mutations: {
      keep: {
        apply({ counts }) {
          counts.set('a', 1)
          kept = counts
        },
      },
    },
  })
  const store = await leaky.memory()
  await store.dispatch('keep')
  expect(() => kept?.set('b', 2)).toThrow(TypeError)
  expect([...store.state.counts]).toEqual([['a', 1]])
})

test('a history does not show: equal content, equal text, digest and order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(given(60), { minLength: 60 }),
      fc.shuffledSubarray(given(60)),
      async (added, dropped) => {
        const straight = await broker.memory(given(60))
        const store = await broker.memory(added)
        for (const { payload } of dropped) await store.dispatch('drop', payload.name)
        for (const { payload } of dropped) await store.dispatch('addTopic', payload)
        expect(canonicalText(store.state)).toBe(canonicalText(straight.state))
        expect(await digest(store.state)).toBe(await digest(straight.state))
        expect([...store.state.topics]).toEqual([...straight.state.topics])
        expect(store.state).toEqual(straight.state)
      },
    ),
    { numRuns: 10 },
  )
})

test('a scenario compares tables by their content', async () => {
  const scenario = scenarios(broker).given(given(2)).when('drop', 'topic 0')
  const topics = table([['topic 1', { name: 'topic 1', partitions: 1 }]])
  await scenario
    .then([{ type: 'drop', payload: 'topic 0' }])
    .andState(({ topics }) => topics.size, 1)
  await scenario.thenState((state) => state.topics, topics)
  await expect(scenario.thenState((state) => state.topics, table<Topic>())).rejects.toThrow(
    'topic 1',
  )
})

test('a record in its place has the same digest, so recorded digests still hold', async () => {
  const { state } = await broker.memory(given(20))
  const record = Object.fromEntries(state.topics)
  expect(await digest({ topics: record, total: 20 })).toBe(await digest(state))
})

test('a reducer that looks into a table is replayed by Immer, to the same state', async () => {
  const nosy = defineStore({
    name: 'nosy',
    state: { counts: table<number>([['a', 1]]), copy: {} as object },
    mutations: {
      copy: { apply: (draft) => void Object.assign(draft, { copy: { ...draft.counts } }) },
    },
  })
  const journal = memoryJournal()
  const live = await nosy.open(journal)
  await live.dispatch('copy')
  const replayed = await nosy.open(journal)
  expect(replayed.recovery.fallback).toMatch('it looks into a table')
  expect(JSON.stringify(replayed.state)).toBe(JSON.stringify(live.state))
})

test('a table that a reducer asks about is as open in place as it was live', async () => {
  const asking = () =>
    defineStore({
      name: 'asking',
      state: { t: table([['a', 1]]), log: [] as boolean[] },
      mutations: { ask: { apply: (draft) => void draft.log.push(Object.isFrozen(draft.t)) } },
    })
  const journal = memoryJournal()
  const live = await asking().open(journal)
  await live.dispatch('ask')
  const replayed = await asking().open(journal)
  expect(replayed.recovery.fallback).toBeUndefined()
  expect(replayed.state.log).toEqual(live.state.log)
})
