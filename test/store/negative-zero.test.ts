// JSON has no -0. Wherever a number enters a payload or a state, -0 is 0, so that no restart shows.
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { defineStore, memoryJournal } from 'ministore-ts'
import { table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'

const numbers = z.object({ at: z.string(), n: z.number() })
const CONSTANT = { deep: [-0, { n: -0 }] }
const FROZEN = { deep: Object.freeze({ deep: Object.freeze([-0, Object.freeze({ n: -0 })]) }) }

const sums = defineStore({
  name: 'sums',
  state: {
    last: -0 as number | null,
    first: -0,
    sign: [] as boolean[],
    of: {} as Record<string, number>,
    list: [-0],
    deep: {} as { deep?: readonly (number | { readonly n: number })[] },
    table: table<{ n: number }>([['initial', { n: -0 }]]),
    numbers: table<number>([['initial', -0]]),
  },
  mutations: {
    any: { payload: z.any(), apply: (draft, last) => void Object.assign(draft, { last }) },
    negate: {
      payload: numbers,
      apply(draft, { at, n }) {
        draft.of[at] = -n
        draft.list.push(-n)
        draft.list.unshift(-n)
        draft.table.set(at, { n: -n })
        draft.numbers.set(at, -n)
        draft.numbers.set('overwritten', -n)
        draft.numbers.set('overwritten', 1)
        draft.first = -n
      },
    },
    // What a reducer reads of its own -0, within itself and afterwards, must be the same on every path.
    read: {
      apply(draft) {
        draft.of['read'] = 5
        draft.of['read'] = -0
        draft.sign.push(
          Object.is(draft.of['read'], -0),
          draft.list.some((n) => Object.is(n, -0)),
        )
      },
    },
    constant: { apply: (draft) => void Object.assign(draft, { deep: CONSTANT }) },
    frozen: { apply: (draft) => void Object.assign(draft, FROZEN) },
    shallow: {
      apply(draft) {
        draft.deep = Object.freeze({ deep: [-0, { n: -0 }] })
      },
    },
    moved: {
      apply(draft) {
        draft.deep = { deep: [-0, { n: draft.first }] }
        draft.list = draft.list.map((n) => -n)
        draft.list.sort()
        draft.list.splice(0, 1, -0, -0)
      },
    },
    replaced: { apply: (draft) => ({ ...draft, last: -0, list: [-0], deep: { deep: [-0] } }) },
  },
})
type Sums = Awaited<ReturnType<typeof sums.memory>>

/** As text that tells -0 from 0. */
const exact = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (Object.is(inner, -0) ? '-0' : inner))

const NAMES = ['read', 'constant', 'frozen', 'shallow', 'moved', 'replaced'] as const
const step = fc.oneof(
  fc.constantFrom(...NAMES).map((name) => (store: Sums) => store.dispatch(name)),
  fc
    .record({ at: fc.constantFrom('a', 'b', 'read'), n: fc.constantFrom(0, -0, 1, -1) })
    .map((payload) => (store: Sums) => store.dispatch('negate', payload)),
  fc.constantFrom(-0, 0, [-0], { n: -0 }).map((n) => (store: Sums) => store.dispatch('any', n)),
)

describe('-0 is 0', () => {
  test('in the initial state', () => {
    expect(exact(sums.initial)).not.toContain('"-0"')
    const { initial } = defineStore({
      name: 'n',
      state: z.object({ n: z.number().default(-0) }),
      mutations: { go: { apply() {} } },
    })
    expect(exact(initial)).toBe('{"n":0}')
  })

  test('in payloads, live and on replay', async () => {
    const journal = memoryJournal()
    const store = await sums.open(journal)
    const seen: string[] = []
    store.subscribe((_, __, records) => void seen.push(exact(records[0]?.payload)))
    await store.dispatch('any', -0)
    await store.dispatch('any', [-0, { n: -0 }])
    await store.dispatch('negate', { at: 'a', n: Math.round(-0.4) })
    expect(seen).toEqual(['0', '[0,{"n":0}]', '{"at":"a","n":0}'])
    // The same request under the same key.
    await store.dispatch('any', -0, { key: 'k' })
    expect(await store.dispatch('any', 0, { key: 'k' })).toMatchObject({ duplicate: true })
  })

  test('in a record that somebody else wrote', async () => {
    const texts = ['-0', '[-0.0]', '{"n":-0e9}', '-1e-999'].map(
      (payload) => `{"at":"2026-11-22T12:00:00.000Z","type":"any","payload":${payload}}`,
    )
    for (const text of texts) {
      const store = await sums.open(memoryJournal([text]))
      expect(exact(store.state)).not.toContain('"-0"')
      expect((await sums.replayCheck(memoryJournal([text]))).findings).toEqual([])
    }
  })

  test('live, reopened, from a snapshot, compacted and checked, whatever reducers do', async () => {
    const directory = dirname(tempJournal())
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        runs += 1
        const path = join(directory, `${runs}.journal`)
        let store = await sums.open(path, { durability: 'os' })
        for (const each of steps) await each(store)
        const live = exact(store.state)
        expect(live).not.toContain('"-0"')
        const reopen = async () => {
          await store.close()
          store = await sums.open(path, { durability: 'os' })
          expect(exact(store.state)).toBe(live)
          expect(store.recovery.fallback).toBeUndefined()
        }
        await reopen()
        await store.snapshot()
        await reopen()
        await store.compact()
        await reopen()
        await store.dispatch('read')
        await store.close()
        const { findings } = await sums.replayCheck(path)
        expect(findings.filter(({ rule }) => rule !== 'not_a_tree')).toEqual([])
      }),
      { numRuns: 25 },
    )
  })
})
