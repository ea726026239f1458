// A state is a tree of JSON. What could never be one is refused when it is dispatched, not found later by a check.
import { defineStore } from 'ministore-ts'
import { table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'

// biome-ignore lint/suspicious/noExplicitAny: these reducers do what types forbid
type Loose = any
type Reducer = (draft: Loose) => unknown

const storeOf = (apply: Reducer) =>
  defineStore({
    name: 'tree',
    state: {
      left: { n: 1, inner: { n: 5 } },
      right: { n: 2 },
      list: [{ n: 3 }],
      rows: table<object>(),
      x: null,
    },
    mutations: {
      addRow: {
        apply(draft: Loose) {
          draft.rows.set('a', { n: 4 })
        },
      },
      run: { apply: apply as (draft: Loose) => undefined },
    },
  })

async function refusal(apply: Reducer): Promise<string> {
  const store = await storeOf(apply).memory()
  await store.dispatch('addRow')
  const before = store.state
  const error = await store.dispatch('run').then(
    () => undefined,
    (thrown: Loose) => thrown,
  )
  expect(error).toMatchObject({ name: 'StoreError', code: 'apply_failed', seq: 2 })
  expect(store.state).toBe(before)
  await store.dispatch('addRow')
  expect(store.seq).toBe(2)
  return error.message
}

class Box {
  readonly content: unknown
  constructor(content: unknown) {
    this.content = content
  }
}

describe('An object that would be a part of itself is refused', () => {
  const cycles: Record<string, Reducer> = {
    'the whole state in a part of it': (draft) => {
      draft.left.all = draft
    },
    'a part in itself': (draft) => {
      draft.left.self = draft.left
    },
    'two parts in each other': (draft) => {
      draft.left.other = draft.right
      draft.right.other = draft.left
    },
    'a new object in itself': (draft) => {
      const made: Loose = {}
      made.self = made
      draft.x = made
    },
    'two new objects in each other': (draft) => {
      const made: Loose = {}
      made.list = [{ made }]
      draft.x = made
    },
    'the whole state in a new object': (draft) => {
      draft.x = { deep: [{ draft }] }
    },
    'the whole state in a frozen object': (draft) => {
      draft.x = Object.freeze({ draft })
    },
    'a list in itself': (draft) => {
      draft.list.push(draft.list)
    },
    'a list in what it holds': (draft) => {
      draft.list[0].list = draft.list
    },
    'a row in itself': (draft) => {
      draft.rows.get('a').self = draft.rows.get('a')
    },
    'the whole state in a row': (draft) => {
      draft.rows.set('b', { draft })
    },
    'a new object that is returned': () => {
      const made: Loose = { left: {} }
      made.left.up = made
      return made
    },
    'one part by way of one new object that is in two places': (draft) => {
      const both = { left: draft.left }
      draft.x = both
      draft.left.back = both
    },
  }
  test.each(Object.entries(cycles))('%s', async (_, apply) => {
    expect(await refusal(apply)).toMatch(/^apply of run failed at seq 2: .* into itself/)
  })
})

describe('A draft where Immer does not finish it is refused', () => {
  const holders: Record<string, Reducer> = {
    'an instance of a class': (draft) => {
      draft.x = new Box(draft.left)
    },
    'a class, in what it holds': (draft) => {
      draft.x = [new Box({ deep: [draft.left] })]
    },
    'a Map': (draft) => {
      draft.x = new Map([['a', draft.left]])
    },
    'a key of a Map': (draft) => {
      draft.x = new Map([[draft.left, 1]])
    },
    'a Set': (draft) => {
      draft.x = new Set([draft.left])
    },
    'a hidden property of a class': (draft) => {
      draft.x = Object.defineProperty(new Box(1), 'hidden', { value: draft.left })
    },
  }
  test.each(Object.entries(holders))('%s', async (_, apply) => {
    expect(await refusal(apply)).toMatch(
      /it puts a part of its draft into an? \w+, which cannot be/,
    )
  })
})

describe('What is no cycle is taken', () => {
  const trees: Record<string, Reducer> = {
    'an object around what was in its place': (draft) => {
      draft.left = { before: draft.left }
    },
    'a list around its own elements': (draft) => {
      draft.list = [draft.list, ...draft.list]
    },
    'a part and what holds it, which change places': (draft) => {
      const { left } = draft
      const { inner } = left
      delete left.inner
      inner.outer = left
      draft.left = inner
    },
    'one new object in two places': (draft) => {
      const made = { n: 1 }
      draft.x = { one: made, other: [made, draft.left] }
    },
    'parts that move through each other': (draft) => {
      draft.left.was = draft.right
      draft.right = { n: draft.left.n }
      draft.list[0].was = draft.left.was
    },
    'a Date, without a draft': (draft) => {
      draft.x = new Date(0)
    },
  }
  test.each(Object.entries(trees))('%s', async (_, apply) => {
    const store = await storeOf(apply).memory()
    await store.dispatch('run')
    expect(store.seq).toBe(1)
  })
})
