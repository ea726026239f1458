// Values that JavaScript can make and JSON cannot show: a snapshot gives them back exactly, or refuses them.
import fc from 'fast-check'
import { defineStore, type StoreError } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { type Table, table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryDisk } from '../file/memory-disk.ts'

/** How to build a value; a payload, so that the reducer builds the same value on replay. */
const Recipe = z.object({ kind: z.string(), parts: z.array(z.json()) })
type Recipe = { kind: string; parts: unknown[] }

class List extends Array<unknown> {}
class Money {
  cents = 1
}

const plain = (parts: unknown[]) =>
  Object.fromEntries(parts.map((part, index) => [`k${index}`, build(part)]))

/** Each kind of value, built from its parts. */
const KINDS: Record<string, (parts: unknown[]) => unknown> = {
  object: plain,
  array: (parts) => parts.map(build),
  bare: (parts) => Object.assign(Object.create(null), plain(parts)),
  table: (parts) => table(Object.entries(plain(parts))),
  absent: (parts) => ({ ...plain(parts), gone: undefined }),
  large: (parts) => ({ text: 'x'.repeat(300_000), inner: plain(parts) }),
  largeBare: (parts) =>
    Object.assign(Object.create(null), { text: 'x'.repeat(300_000) }, plain(parts)),
  hidden: (parts) => Object.defineProperty(plain(parts), 'secret', { value: 1 }),
  accessor: (parts) =>
    Object.defineProperty(plain(parts), 'live', { get: () => 1, enumerable: true }),
  named: (parts) => Object.assign(parts.map(build), { label: 'a list' }),
  listAccessor: (parts) =>
    Object.defineProperty([...parts.map(build), 0], 0, { get: () => 1, enumerable: true }),
  hole: (parts) => {
    const list = parts.map(build)
    list.length += 1
    return list
  },
  subclass: (parts) => List.from(parts.map(build)),
  instance: () => new Money(),
  date: () => new Date(0),
  map: () => new Map([[1, 2]]),
  symbol: (parts) => Object.assign(plain(parts), { [Symbol.for('s')]: 1 }),
  toJson: () => ({ toJSON: () => 1 }),
  nan: () => Number.NaN,
  bigint: () => 1n,
  surrogate: () => '\ud800',
}
const NEVER_JSON =
  'hidden accessor named listAccessor hole subclass instance date map symbol toJson nan bigint'
const KEPT = Object.keys(KINDS).filter((kind) => !NEVER_JSON.split(' ').includes(kind))

function build(recipe: unknown): unknown {
  const { kind, parts } = recipe as Recipe
  return KINDS[kind]?.(parts)
}

const odd = defineStore({
  name: 'odd',
  state: { value: null as unknown as string, count: 0 },
  mutations: {
    set: {
      payload: Recipe,
      apply(draft, recipe) {
        draft.value = build(recipe) as string
      },
    },
    count: { apply: (draft) => void draft.count++ },
  },
})

/** All that a program can see of a value: prototypes, hidden properties, the order of keys. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'function') return 'function'
  if (typeof value !== 'object' || value === null) return value
  if (Symbol.for('ministore.table') in value)
    return ['table', [...(value as unknown as Table<unknown>)].map(([k, v]) => [k, shapeOf(v)])]
  const names = Reflect.ownKeys(value).map((name) => {
    const { value: inner, enumerable, get } = Reflect.getOwnPropertyDescriptor(value, name) ?? {}
    return [name, enumerable, typeof get, shapeOf(inner)]
  })
  return [Object.getPrototypeOf(value)?.constructor?.name ?? 'bare', names]
}

/** The state after a reopening, and why the snapshot or the compaction was refused, if it was. */
async function reopened(recipe: Recipe, how: 'snapshot' | 'compact' | undefined) {
  const fileSystem = new MemoryDisk()
  const open = () => odd.open(fileJournal('/odd.jsonl', { fileSystem }))
  const store = await open()
  await store.dispatch('set', recipe as never)
  const refusal =
    how &&
    (await store[how]().then(
      () => undefined,
      (error: StoreError) => error.code,
    ))
  await store.dispatch('count')
  await store.close()
  const again = await open()
  const { state, recovery } = again
  await again.close()
  return { state, recovery, refusal }
}

async function compareAll(recipe: Recipe): Promise<(string | undefined)[]> {
  const full = await reopened(recipe, undefined)
  const refusals: (string | undefined)[] = []
  for (const how of ['snapshot', 'compact'] as const) {
    const { state, recovery, refusal } = await reopened(recipe, how)
    expect(refusal === undefined || refusal === 'invalid_state', refusal).toBe(true)
    const isUsed = recovery.snapshot?.used === true || recovery.base === 1
    expect(isUsed, JSON.stringify(recovery)).toBe(refusal === undefined)
    expect(shapeOf(state)).toStrictEqual(shapeOf(full.state))
    refusals.push(refusal)
  }
  return refusals
}

describe('a snapshot, a compaction and a full replay give the same state, or invalid_state', () => {
  test.each(Object.keys(KINDS))('%s', async (kind) => {
    const parts = [{ kind: 'surrogate', parts: [] }]
    const expected = KEPT.includes(kind) ? undefined : 'invalid_state'
    expect(await compareAll({ kind, parts })).toEqual([expected, expected])
    const inside = { kind: 'object', parts: [{ kind: 'table', parts: [{ kind, parts }] }] }
    expect(await compareAll(inside)).toEqual([expected, expected])
  })

  test.each(NEVER_JSON.split(' '))('%s is a finding of the replay check', async (kind) => {
    const fileSystem = new MemoryDisk()
    const journal = () => fileJournal('/odd.jsonl', { fileSystem })
    const store = await odd.open(journal())
    await store.dispatch('set', { kind, parts: [] })
    await store.close()
    const { findings } = await odd.replayCheck(journal())
    expect(findings.map(({ rule }) => rule)).toContain('invalid_state')
  })

  test('over random values of these kinds', async () => {
    // Kinds that a snapshot keeps come more often, so that whole trees of them are kept.
    const kind = fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...KEPT.filter((kind) => !/large/.test(kind))) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(KINDS)) },
    )
    const recipeOf = (depth: number): fc.Arbitrary<Recipe> => {
      const maxLength = depth === 0 ? 0 : 3
      const part = depth === 0 ? fc.constant(undefined) : recipeOf(depth - 1)
      return fc.record({ kind, parts: fc.array<unknown>(part, { maxLength }) })
    }
    const recipe = recipeOf(3)
    const seen = { kept: 0, refused: 0 }
    const property = fc.asyncProperty(recipe, async (each) => {
      const [refusal] = await compareAll(each)
      seen[refusal ? 'refused' : 'kept'] += 1
    })
    await fc.assert(property, { numRuns: Number(process.env['ODD_RUNS'] ?? 150) })
    expect(Math.min(seen.kept, seen.refused)).toBeGreaterThan(5)
  })

  test('a dictionary without a prototype finds no inherited name, however it was opened', async () => {
    const words = defineStore({
      name: 'words',
      state: { seen: null as unknown as Record<string, true>, repeated: 0 },
      mutations: {
        begin: {
          apply(draft) {
            draft.seen = Object.create(null)
          },
        },
        word: {
          payload: z.object({ word: z.string() }),
          apply(draft, { word }) {
            if (draft.seen[word]) draft.repeated++
            else draft.seen[word] = true
          },
        },
      },
    })
    for (const how of ['snapshot', 'compact', 'getState'] as const) {
      const fileSystem = new MemoryDisk()
      const open = () => words.open(fileJournal('/words.jsonl', { fileSystem }))
      const store = await open()
      await store.dispatch('begin')
      await store[how]()
      await store.close()
      const again = await open()
      await again.dispatch('word', { word: 'toString' })
      expect(again.state.repeated, how).toBe(0)
      await again.close()
    }
  })

  test.each(['hidden', 'accessor', 'named', 'subclass'])(
    'an initial state with %s is a bad definition',
    (kind) => {
      const state = { value: build({ kind, parts: [] }) as string }
      const message = expect.stringContaining('state.value is a')
      expect(() => defineStore({ name: 'odd', state, mutations: {} })).toThrow(
        expect.objectContaining({ code: 'bad_definition', message }),
      )
    },
  )
})
