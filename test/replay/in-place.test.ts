// Opening replays in place; a live store goes through Immer. Both must give the same state.
import fc from 'fast-check'
import { defineStore, type Journal, type Json, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { freeze, jsonIssue } from '../../src/json/index.ts'
import { exact } from './exact.ts'

const RUNS = Number(process.env['MINISTORE_RUNS'] ?? 400)

type Draft = { a: { n: number }; b?: { n: number }; list: { n: number }[] }
type Tree = { [key: string]: Json }
// Frozen, as it is in any store that took it once: a reducer that changes it would do so only the first time.
const CONSTANT = freeze({ shared: { by: ['all'] } })

const step = z.object({
  do: z.enum([
    'set',
    'delete',
    'push',
    'unshift',
    'splice',
    'pop',
    'sort',
    'reverse',
    'truncate',
    'alias',
    'move',
    'swap',
    'spread',
    'constant',
    'late',
    'nested',
    'entries',
  ]),
  at: z.array(z.string()),
  from: z.array(z.string()),
  value: z.json(),
})
type Step = z.output<typeof step>

/** The container at a path, as far as the path goes. */
function containerAt(draft: Tree, path: readonly string[]): Tree {
  let [found] = [draft]
  for (const key of path) {
    const next = found[key]
    if (typeof next !== 'object' || next === null) break
    found = next as Tree
  }
  return found
}

/** A reducer that does whatever its payload says, in the ways reducers do things. */
function obey(draft: Tree, { do: what, at, from, value }: Step): void {
  const key = at.at(-1) ?? 'a'
  const target = containerAt(draft, at.slice(0, -1))
  const source = containerAt(draft, from.slice(0, -1))
  const sourceKey = from.at(-1) ?? 'b'
  const list = target[key]
  const isInside = JSON.stringify(at).startsWith(JSON.stringify(from).slice(0, -1))
  if (Array.isArray(target) && !/^\d$/.test(key)) return
  if (Array.isArray(source) && !/^\d$/.test(sourceKey)) return
  if (Array.isArray(target) && Number(key) > target.length) return
  if (what === 'set') target[key] = value as Json
  if (what === 'delete') delete target[key]
  if (what === 'alias' && !isInside) target[key] = source[sourceKey]
  if (what === 'move' && !isInside) {
    const moved = source[sourceKey]
    delete source[sourceKey]
    target[key] = moved
  }
  if (what === 'swap' && !isInside && target === source)
    [target[key], source[sourceKey]] = [source[sourceKey], target[key]]
  if (what === 'spread' && !Array.isArray(target))
    target[key] = { ...source, [sourceKey]: value as Json }
  if (what === 'constant') target[key] = CONSTANT as unknown as Json
  if (what === 'late') {
    const late: Tree = { a: [] }
    target[key] = late
    late['b'] = value as Json
    ;(late['a'] as Json[]).push(value as Json)
  }
  if (what === 'nested') target[key] = { a: value as Json, b: [value as Json, source[sourceKey]] }
  if (what === 'entries')
    for (const inner of Object.values(target)) {
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
        (inner as Tree)['seen'] = Object.keys(inner).length
    }
  if (!Array.isArray(list)) return
  const items = list as Json[]
  if (what === 'push') items.push(value as Json, items[0])
  if (what === 'unshift') items.unshift(value as Json)
  if (what === 'splice') items.splice(1, 1, value as Json, value as Json)
  if (what === 'pop') items.pop()
  if (what === 'sort') items.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  if (what === 'reverse') items.reverse()
  if (what === 'truncate') items.length = Math.min(items.length, 1)
}

const anything = defineStore({
  name: 'anything',
  state: {
    a: { a: { a: 1 }, b: [] },
    b: [{ a: 1 }, { b: [1, 2] }, 3],
    c: { d: { a: {}, b: {} } },
  } as Tree,
  mutations: {
    obey: {
      payload: z.object({ steps: z.array(step) }),
      apply(draft, { steps }) {
        for (const each of steps) obey(draft as Tree, each as Step)
      },
    },
    replace: {
      payload: z.object({ key: z.string(), value: z.json() }),
      apply: (draft, { key, value }) =>
        ({ ...draft, [key]: value, again: { ...(draft['a'] as Tree) } }) as never,
    },
    constant: { apply: () => CONSTANT as never },
  },
})

const key = fc.constantFrom('a', 'b', 'c', 'd', '0', '1', '2')
const value = fc.jsonValue({ maxDepth: 3 })
const steps = fc.array(
  fc.record({
    do: fc.constantFrom(...step.shape.do.options),
    at: fc.array(key, { minLength: 1, maxLength: 4 }),
    from: fc.array(key, { minLength: 1, maxLength: 3 }),
    value,
  }),
  { maxLength: 4 },
)
const mutation = fc.oneof(
  {
    weight: 8,
    arbitrary: steps.map((some) => ({ type: 'obey', payload: { steps: some } }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.record({ key, value }).map((payload) => ({ type: 'replace', payload }) as const),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'constant' } as const) },
)

describe('replay in place', () => {
  test('gives what Immer gave, key by key, whatever reducers do to their drafts', async () => {
    let [fallbacks, runs] = [0, 0]
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { maxLength: 12 }), async (mutations) => {
        const journal = memoryJournal()
        const live = await anything.open(journal)
        for (const each of mutations) {
          // Such as a write to its payload: refused, so it is in no journal.
          await live.dispatchAll([each as never]).catch(() => undefined)
        }
        // A cycle is no JSON, and no reducer's business.
        fc.pre(jsonIssue(live.state) === undefined)
        const replayed = await anything.open(journal)
        expect(exact(replayed.state)).toBe(exact(live.state))
        if (replayed.recovery.fallback) fallbacks += 1
        runs += 1
      }),
      { numRuns: RUNS },
    )
    expect(JSON.stringify(CONSTANT)).toBe('{"shared":{"by":["all"]}}')
    // It is no property of a fallback that is tested here.
    expect(fallbacks / runs).toBeLessThan(0.1)
  }, 3_600_000)
})

/** A store with one mutation, opened again on its own journal after these payloads. */
async function reopened(apply: (draft: never, n: number) => unknown, payloads: readonly number[]) {
  const journal: Journal = memoryJournal()
  const definition = defineStore({
    name: 'one',
    state: { a: { n: 0 }, list: [{ n: 1 }, { n: 2 }] } as Draft,
    mutations: { change: { payload: z.number(), apply: apply as never } },
  })
  const live = await definition.open(journal)
  for (const payload of payloads) await live.dispatch('change', payload)
  const replayed = await definition.open(journal)
  expect(JSON.stringify(replayed.state)).toBe(JSON.stringify(live.state))
  return replayed
}

describe('what would go wrong if a reducer wrote to the state directly', () => {
  test('one object in two places, changed in one, taken away from the other', async () => {
    const { state, recovery } = await reopened(
      (draft: Draft, n) => {
        if (n === 0) draft.b = draft.a
        if (n === 1) draft.a.n = 7
        if (n === 2) draft.a = { n: 0 }
      },
      [0, 1, 2],
    )
    expect(state).toMatchObject({ a: { n: 0 }, b: { n: 0 } })
    expect(recovery.fallback).toBeUndefined()
  })

  test('a constant of the reducer, put into the state and changed there', async () => {
    const initial = { a: { n: 0 }, list: [] }
    const { state } = await reopened(
      (draft: Draft, n) => {
        if (n === 0) return initial
        draft.a.n += n
        return undefined
      },
      [0, 5, 0, 1],
    )
    expect(state).toMatchObject({ a: { n: 1 } })
    expect(initial).toEqual({ a: { n: 0 }, list: [] })
  })

  test('a reordered list stays the list of the same objects, without a copy of each', async () => {
    const { recovery, state } = await reopened(
      (draft: Draft, n) => {
        draft.list.sort((a, b) => (b.n - a.n) * n)
        const first = draft.list.shift()
        if (first) draft.list.push(first)
      },
      [1, -1, 1],
    )
    expect(state.list).toHaveLength(2)
    expect(recovery.fallback).toBeUndefined()
  })
})

test('a reducer that throws is named as Immer would have it', async () => {
  const definition = defineStore({
    name: 'one',
    state: { n: 0 },
    mutations: {
      fail: {
        apply() {
          throw new Error('never')
        },
      },
    },
  })
  const text = JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type: 'fail' })
  await expect(definition.open(memoryJournal([text]))).rejects.toMatchObject({
    code: 'apply_failed',
    seq: 1,
    message: expect.stringContaining('never'),
  })
})

test('the replayed state is deeply frozen', async () => {
  const { state } = await reopened(
    (draft: Draft, n) => void Object.assign(draft, { b: { n } }),
    [1],
  )
  expect(() => {
    ;(state as unknown as Draft).list.push({ n: 1 })
  }).toThrow(TypeError)
  expect(() => {
    ;(state as unknown as { b: { n: number } }).b.n = 2
  }).toThrow(TypeError)
})
