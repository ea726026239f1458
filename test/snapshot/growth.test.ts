// A definition whose initial state grew, on a journal that was compacted before: the new field is there, on
// every path, as it is in a journal that was not compacted.
import { copyFileSync } from 'node:fs'
import { defineStore } from 'ministore-ts'
import { table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'

interface Config {
  color: string
  size?: number
  deep: { on: boolean; off?: boolean }
}
interface Before {
  users: Record<string, number>
  config: Config
  gone?: string
  list: { a: number }[]
  rows: ReturnType<typeof table<number>>
}
const before = {
  users: {},
  config: { color: 'red', deep: { on: true } },
  gone: 'soon',
  list: [{ a: 1 }],
  rows: table<number>(),
} as Before
const grown = {
  users: {},
  config: { color: 'blue', size: 3, deep: { on: false, off: true } },
  gone: 'soon',
  list: [{ a: 1, b: 2 }],
  rows: table<number>([['first', 1]]),
  tags: {} as Record<string, number>,
  log: table<string>([['begin', 'now']]),
}
const mutations = {
  add: {
    payload: z.object({ name: z.string() }),
    apply(draft: Before, { name }: { name: string }) {
      draft.users[name] = 1
      draft.rows.set(name, 1)
      draft.config.color = 'green'
      delete draft.gone
    },
  },
}
const old = defineStore({ name: 'grows', state: before, mutations: mutations as never })
const today = defineStore({
  name: 'grows',
  state: grown,
  mutations: {
    ...(mutations as unknown as { add: { payload: typeof mutations.add.payload; apply(): void } }),
    tag: {
      payload: z.object({ name: z.string() }),
      apply: (draft, { name }) => void Object.assign(draft.tags, { [name]: 1 }),
    },
  },
})
type Loose = { dispatch(type: string, payload: unknown): Promise<unknown> }

/** A journal with one record, and the same compacted, both written by the old definition. */
async function written(): Promise<{ whole: string; compacted: string }> {
  const compacted = tempJournal()
  const store = await old.open(compacted)
  await (store as unknown as Loose).dispatch('add', { name: 'ann' })
  const whole = tempJournal()
  copyFileSync(compacted, whole)
  await store.compact()
  await store.close()
  return { whole, compacted }
}

describe('a field that the initial state has gained since a journal was compacted', () => {
  test('has its initial value, wherever the state is read', async () => {
    const { compacted } = await written()
    const expected = {
      users: { ann: 1 },
      // What was there stays; what was removed does not come back.
      config: { color: 'green', size: 3, deep: { on: true, off: true } },
      list: [{ a: 1 }],
      rows: { ann: 1, first: 1 },
      tags: {},
      log: { begin: 'now' },
    }
    const text = (state: unknown) => JSON.parse(JSON.stringify(state))
    const reading = await today.open(compacted, { readOnly: true })
    expect(text(reading.state)).toEqual(expected)
    await reading.close()
    expect(text((await today.replay(compacted)).state)).toEqual(expected)
    expect(await today.replayCheck(compacted)).toMatchObject({ ok: true, findings: [] })
    const store = await today.open(compacted)
    expect(text(store.state)).toEqual(expected)
    await store.dispatch('tag', { name: 'x' })
    expect(store.state.tags).toEqual({ x: 1 })
    await store.snapshot()
    await store.close()
    const again = await today.open(compacted)
    expect(again.recovery).toMatchObject({ snapshot: { used: true } })
    expect(text(again.state)).toEqual({ ...expected, tags: { x: 1 } })
    await again.compact()
    await again.close()
    expect(text((await today.replay(compacted)).state)).toEqual({ ...expected, tags: { x: 1 } })
  })

  test('is there as in a journal that was not compacted', async () => {
    const { whole, compacted } = await written()
    const [replayed, based] = [await today.replay(whole), await today.replay(compacted)]
    for (const key of ['tags', 'log', 'rows', 'users'] as const)
      expect(JSON.stringify(based.state[key])).toBe(JSON.stringify(replayed.state[key]))
  })

  test('does not make a field of what a reducer has put there before', async () => {
    const path = tempJournal()
    const entry = { payload: z.any(), apply: (draft: object) => void Object.assign(draft, ENTRY) }
    const first = defineStore({ name: 'n', state: { a: {} as object }, mutations: { entry } })
    const store = await first.open(path)
    await store.dispatch('entry', 1)
    await store.compact()
    await store.close()
    const state = { a: {}, b: { one: 1, two: 2 } }
    const second = defineStore({ name: 'n', state, mutations: { entry } })
    expect((await second.replay(path)).state).toEqual({ a: {}, b: { one: 0 } })
  })
})
const ENTRY = { b: { one: 0 } }

describe('what a reducer removed', () => {
  test('stays away after compacting, if the definition is the same', async () => {
    const path = tempJournal()
    const session = defineStore({
      name: 'session',
      state: { user: 'guest', open: true } as { user?: string; open: boolean },
      mutations: { leave: { apply: (draft) => void delete draft.user } },
    })
    let store = await session.open(path)
    await store.dispatch('leave')
    await store.compact()
    await store.close()
    store = await session.open(path)
    expect(store.state).toEqual({ open: true })
    await store.close()
  })
})

describe('a state that only the defaults of its schema make valid', () => {
  const items = z.array(z.string()).default([])
  const resets = defineStore({
    name: 'resets',
    state: z.object({ items, count: z.int().default(0) }),
    mutations: {
      reset: { apply: () => ({ items: [] }) as never },
      add: { apply: (draft) => void draft.items.push('a') },
    },
  })

  test('is found, with the record that made it so', async () => {
    const path = tempJournal()
    const store = await resets.open(path)
    await store.dispatch('add')
    await store.dispatch('reset')
    await store.dispatch('add')
    await store.close()
    const { ok, findings } = await resets.replayCheck(path)
    expect(ok).toBe(false)
    expect(findings).toMatchObject([{ rule: 'invalid_state', seq: 2, type: 'reset' }])
    expect(findings[0]?.message).toContain('state.count: only the state')
  })

  test('is found where a journal was compacted to it', async () => {
    const path = tempJournal()
    const entry = z.object({ name: z.string() })
    const define = (value: z.ZodType) =>
      defineStore({
        name: 'entries',
        state: z.object({ users: z.record(z.string(), value).default({}) }) as never,
        mutations: {
          add: { apply: (draft: { users: object }) => void Object.assign(draft.users, ANN) },
        } as never,
      })
    const store = await define(entry).open(path)
    await (store as unknown as Loose).dispatch('add', undefined)
    await store.compact()
    await (store as unknown as Loose).dispatch('add', undefined)
    await store.close()
    expect(await define(entry).replayCheck(path)).toMatchObject({ ok: true, findings: [] })
    const wider = define(entry.extend({ age: z.int().default(0) }))
    const { findings } = await wider.replayCheck(path)
    expect(findings).toMatchObject([{ rule: 'invalid_state', seq: 1 }])
    expect(findings[0]?.message).toContain('state.users.ann.age')
    expect(findings[0]?.message).toContain('The journal was compacted to this state')
  })

  test('is not meant by a field that the schema has no longer', async () => {
    const path = tempJournal()
    const store = await resets.open(path)
    await store.dispatch('add')
    await store.compact()
    await store.close()
    const smaller = defineStore({
      name: 'resets',
      state: z.object({ items }),
      mutations: { add: { apply: (draft) => void draft.items.push('a') } },
    })
    expect((await smaller.replayCheck(path)).ok).toBe(true)
    expect((await smaller.replay(path)).state).toEqual({ items: ['a'], count: 0 })
  })
})
const ANN = { ann: { name: 'Ann' } }
