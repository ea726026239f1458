// What a table is to the compiler. `npx tsc -p .` checks it; nothing here runs.
import { defineStore, type Immutable, type State } from 'ministore-ts'
import { isTable, type ReadonlyTable, type Table, table } from 'ministore-ts/table'
import { scenarios } from 'ministore-ts/testing'
import { z } from 'zod'
import { type Equal, expectType, keeps } from '../types/helpers.ts'

interface Topic {
  readonly name: string
  partitions: number
  labels: string[]
}

const broker = defineStore({
  name: 'broker',
  state: { topics: table<Topic>(), counts: table<number>(), nested: table<Table<Topic>>() },
  mutations: {
    add: {
      payload: z.object({ name: z.string(), partitions: z.int() }),
      guard(state, { name }) {
        expectType<Equal<typeof state.topics, ReadonlyTable<Immutable<Topic>>>>()
        // @ts-expect-error a check only reads
        state.topics.delete(name)
        // @ts-expect-error values are read-only too
        for (const topic of state.topics.values()) topic.partitions = 1
        return undefined
      },
      apply(draft, { name, partitions }) {
        draft.topics.set(name, { name, partitions, labels: [] })
        draft.topics.update(name, (topic) => {
          topic.partitions += 1
          topic.name = 'what a draft gives out may be changed'
        })
        draft.counts.update(name, (count) => count + 1)
        const topic = draft.topics.get(name)
        if (topic) topic.partitions = 3
        draft.nested.get(name)?.set(name, { name, partitions, labels: [] })
        // @ts-expect-error there may be no such key
        draft.topics.get(name).partitions = 3
        // @ts-expect-error a number is no topic
        draft.topics.set(name, 1)
        // @ts-expect-error keys are strings
        draft.topics.get(5)
      },
    },
    clear: {
      apply: () => ({
        topics: table<Topic>(),
        counts: table<number>(),
        nested: table<Table<Topic>>(),
      }),
    },
    renew: {
      apply(draft) {
        draft.topics = table<Topic>()
        draft.counts = table([['a', 1]])
      },
    },
    remove: {
      // @ts-expect-error a reducer returns nothing, or a state: use a block
      apply: (draft) => draft.topics.delete('a'),
    },
  },
})

expectType<Equal<State<typeof broker>['topics'], Table<Topic>>>()

keeps('the state shows what only reads', async () => {
  const store = await broker.memory()
  const { topics, nested, counts } = store.state
  expectType<Equal<typeof topics, ReadonlyTable<Immutable<Topic>>>>()
  expectType<Equal<typeof counts, ReadonlyTable<number>>>()
  expectType<Equal<ReturnType<typeof topics.get>, Immutable<Topic> | undefined>>()
  // @ts-expect-error the state is read-only
  topics.set('a', { name: 'a', partitions: 1, labels: [] })
  // @ts-expect-error also deep in it
  topics.get('a')?.labels.push('b')
  // @ts-expect-error and in a table inside of another
  nested.get('a')?.delete('b')
  const sizes: number[] = [topics.size, [...topics.keys()].length, nested.get('a')?.size ?? 0]
  return sizes
})

defineStore({
  name: 'no-json',
  // @ts-expect-error state.seen[] is a Date, which a snapshot cannot hold
  state: { seen: table<Date>() },
  mutations: {},
})

keeps('a scenario shows the state with tables that only read', () => {
  const { given } = scenarios(broker)
  const when = given([{ type: 'clear' }]).when('add', { name: 'a', partitions: 1 })
  when.thenState(({ topics, nested }) => {
    expectType<Equal<typeof topics, ReadonlyTable<Immutable<Topic>>>>()
    expectType<Equal<ReturnType<typeof nested.get>, ReadonlyTable<Immutable<Topic>> | undefined>>()
    // @ts-expect-error the state is read-only
    topics.delete('a')
    return topics.get('a')?.partitions
  }, 2)
  const counts = table([['a', 1]])
  return when
    .then([{ type: 'add', payload: { name: 'a', partitions: 1 } }])
    .andState({ topics: table<Topic>(), counts, nested: table<Table<Topic>>() })
    .andState((state) => state.counts.size, 1)
})

keeps('a state schema may have tables', async () => {
  const counts = z.custom<Table<number>>(isTable).default(() => table<number>())
  const counter = defineStore({
    name: 'counter',
    state: z.object({ counts }),
    mutations: {
      count: {
        payload: z.string(),
        apply: ({ counts }, name) => counts.set(name, (counts.get(name) ?? 0) + 1),
      },
    },
  })
  const store = await counter.memory([{ type: 'count', payload: 'a' }])
  expectType<Equal<typeof store.state.counts, ReadonlyTable<number>>>()
})
