// Definitions and --map functions that the verbs under test load.
import { defineStore } from 'ministore-ts'
import { type Table, table } from 'ministore-ts/table'
import { z } from 'zod'
import { broker } from '../store/broker.ts'

/** Writes journals of the broker that the broker has lost a mutation of. */
export const older = defineStore({
  name: broker.name,
  state: { topics: {} as Record<string, object>, total: 0 },
  mutations: {
    addTopic: { payload: z.object({ name: z.string() }), apply: () => undefined },
    archive: { apply: () => undefined },
  },
})

/** Cannot be replayed in place from its third record on: a Date is no JSON, but Immer takes it. */
export const dated = defineStore({
  name: 'dated',
  state: { name: 'clock', count: 0, last: 'never' },
  mutations: {
    tick: {
      apply(draft, _, meta) {
        draft.count += 1
        if (draft.count === 3) Object.assign(draft, { last: new Date(meta.at) })
      },
    },
    reset: { apply: () => ({ name: 'clock', count: 0, last: 'never' }) },
  },
})

/** Tables in a table, and in a list. */
export const shelves = defineStore({
  name: 'shelves',
  state: { shelves: table<{ items: Table<number> }>(), taken: [] as Table<number>[] },
  mutations: {
    put: {
      payload: z.object({ shelf: z.string(), item: z.string() }),
      apply({ shelves }, { shelf, item }) {
        if (!shelves.has(shelf)) shelves.set(shelf, { items: table() })
        const items = shelves.get(shelf)?.items
        items?.set(item, (items.get(item) ?? 0) + 1)
      },
    },
    take: {
      payload: z.object({ shelf: z.string() }),
      apply({ shelves, taken }, { shelf }) {
        const found = shelves.get(shelf)
        if (found) taken.push(found.items)
        shelves.delete(shelf)
      },
    },
  },
})

/** What the Rust original may write: every kind of a variant. */
export const legacy = defineStore({
  name: 'legacy',
  state: { log: [] as string[] },
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string(), partitions: z.int().default(1) }),
      apply: (draft, topic, { at }) =>
        void draft.log.push(`${at} ${topic.name} ${topic.partitions}`),
    },
    rename: { payload: z.string(), apply: (draft, name) => void draft.log.push(name) },
    move_to: {
      payload: z.tuple([z.int(), z.int()]),
      apply: (draft, [x, y]) => void draft.log.push(`${x} ${y}`),
    },
    reset: { apply: () => ({ log: ['reset'] }) },
    fail: {
      payload: z.object({ why: z.string() }),
      apply(_, { why }) {
        throw new Error(why)
      },
    },
  },
  retired: {
    archive: { apply: (draft) => void draft.log.push('archived') },
  },
})

let runs = 0
/** Its reducer uses what is no part of the journal. */
export const impure = defineStore({
  name: 'impure',
  state: { runs: 0 },
  mutations: {
    reset: {
      apply(draft) {
        runs += 1
        draft.runs = runs
      },
    },
  },
})

interface Variant {
  readonly name: string
  readonly value: unknown
  readonly json: unknown
}

export function toMutation({ name, value, json }: Variant): unknown {
  if (name === 'Noise') return null
  if (name === 'Names') {
    return (value as string[]).map((each) => ({ type: 'addTopic', payload: { name: each } }))
  }
  if (name === 'Throw') throw 'no idea'
  if (name === 'Promise') return Promise.resolve(null)
  // A plain struct has no name.
  return name === '' ? { type: 'addTopic', payload: json } : { type: name }
}

/** Its records say who asked, and why. */
export const audited = defineStore({
  name: 'audited',
  state: { name: '' },
  metadata: z.object({
    actor: z.string(),
    reason: z.string().optional(),
    roles: z.array(z.string()).optional(),
    ticket: z.object({ id: z.int() }).optional(),
  }),
  mutations: {
    rename: {
      payload: z.object({ to: z.string() }),
      apply(draft, { to }) {
        draft.name = to
      },
    },
    reset: { apply: () => ({ name: '' }) },
  },
  commands: { restore: { run: (tx) => void tx.dispatch('reset') } },
})
