// Nothing but a state is a state, and nothing but a refusal refuses, in JavaScript too.

import { defineStore, memoryJournal, reject } from 'ministore-ts'
import { decode, definitionOf, InPlaceReplay, reduce } from 'ministore-ts/check'
import { table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'

class Foo {
  x = 1
}
type State = { n: number; todos: Record<string, { done: boolean }> }
type Apply = (this: unknown, draft: State) => unknown

/** Not as a literal, which a linter takes for a mistake. */
const thenable = () => Object.fromEntries([['then', () => undefined]])

const at = '2026-11-22T12:00:00.000Z'
const initial = { n: 0, todos: { a: { done: true } } }
const storeOf = (apply: Apply, state: object = initial) =>
  defineStore({
    name: 'results',
    state: state as State,
    mutations: { m: { apply: apply as never } },
  })

const RETURNED: [string, Apply, message: RegExp][] = [
  ['a draft of a part', ({ todos }) => todos, /the draft of a part, which would replace the whole/],
  [
    'Object.assign to a part',
    ({ todos }) => Object.assign(todos['a'] as object, { done: true }),
    /the draft of a part.*Object\.assign\(\).*braces/,
  ],
  ['an array', () => [], /it returned an array, but the state is an object/],
  ['a table', () => table(), /it returned a table, but the state is an object/],
  ['a Map', () => new Map(), /it returned a Map, but/],
  ['a WeakMap', () => new WeakMap(), /it returned a WeakMap, but/],
  ['a Date', () => new Date(0), /it returned a Date, but/],
  ['a class instance', () => new Foo(), /it returned a Foo, but/],
  ['a boxed primitive', () => Object('text'), /it returned a String, but/],
  ['a generator', function* () {}, /it is a generator/],
  ['an iterator', () => [].values(), /it returned an? \w+, but the state is/],
  ['an error', () => new RangeError('no'), /it returned a RangeError \("no"\), but/],
  ['a promise', () => Promise.reject(new Error('late')), /it is asynchronous/],
  ['a thenable', thenable, /it is asynchronous/],
  ['what has toJSON', () => ({ n: 1, toJSON: () => 1 }), /an object with toJSON\(\), but/],
  ['symbols as keys', () => ({ [Symbol('s')]: 1 }), /an object with symbols as keys, but/],
  ['null', () => null, /it returned null, but/],
  ['false', () => false, /it returned false, but/],
  ['zero', () => 0, /it returned 0, but/],
  ['a text', () => 'x'.repeat(99), /it returned "x{80}…", but/],
  ['a big integer', () => 1n, /it returned a bigint, but/],
  ['a symbol', () => Symbol('s'), /it returned Symbol\(s\), but/],
  ['a function', () => () => undefined, /it returned a function, but/],
  ['a class', () => Foo, /it returned a function, but/],
  ['globalThis', () => globalThis, /it returned/],
  [
    'this, of which a reducer has none',
    function (this: unknown) {
      return this ?? null
    },
    /it returned null, but/,
  ],
]

describe('a reducer that returns', () => {
  test.each(RETURNED)('%s is refused on every path', async (_, apply, message) => {
    const definition = storeOf(apply)
    const refused = { code: 'apply_failed', message: expect.stringMatching(message) }
    const journal = memoryJournal()
    const store = await definition.open(journal)
    await expect(store.dispatch('m')).rejects.toMatchObject(refused)
    await expect(store.transaction((tx) => void tx.dispatch('m'))).rejects.toMatchObject(refused)
    expect(store.seq).toBe(0)
    expect(store.state).toEqual(initial)
    await expect(definition.memory([{ type: 'm' }])).rejects.toMatchObject(refused)

    const text = JSON.stringify({ at, type: 'm' })
    const record = decode(definitionOf(definition), { seq: 1, text })
    expect(() => new InPlaceReplay(definition.initial).apply(record)).toThrow(message)
    const part = record.parts[0]
    if (!part) throw new Error('no part')
    expect(() => reduce(definition.initial, part, record.meta)).toThrow(message)
    await expect(definition.open(memoryJournal([text]))).rejects.toMatchObject(refused)
    const { ok, findings } = await definition.replayCheck(memoryJournal([text]))
    expect(ok).toBe(false)
    expect(findings[0]).toMatchObject({ rule: 'apply_failed', message: refused.message })
  })

  const ALLOWED: [string, Apply, object, expected: unknown][] = [
    ['its draft', (draft) => Object.assign(draft, { n: 1 }), initial, { ...initial, n: 1 }],
    ['a whole new state', () => ({ n: 7 }), initial, { n: 7 }],
    ['a frozen one', () => Object.freeze({ n: 7 }), initial, { n: 7 }],
    ['a copy of a part', ({ todos }) => ({ ...todos }), initial, initial.todos],
    ['an array of an array', () => [2], [1], [2]],
    ['a table of a table', () => table([['b', 2]]), table([['a', 1]]), { b: 2 }],
    ['one without a prototype', () => Object.create(null), initial, {}],
  ]
  test.each(ALLOWED)('%s gives that state on every path', async (_, apply, state, expected) => {
    const journal = memoryJournal()
    const definition = storeOf(apply, state)
    const store = await definition.open(journal)
    await store.dispatch('m')
    const reopened = await definition.open(journal)
    for (const each of [store.state, reopened.state])
      expect(JSON.parse(JSON.stringify(each))).toEqual(expected)
    expect(reopened.recovery.fallback).toBeUndefined()
    expect(await definition.replayCheck(journal)).toMatchObject({ ok: true })
  })

  test.each([
    ['an object', 'an array', [1], () => ({})],
    ['an array', 'a table', table(), () => []],
    ['an object', 'a table', table(), () => ({})],
  ])('%s where the state is %s is refused', async (returned, was, state, apply) => {
    await expect(storeOf(apply, state).memory([{ type: 'm' }])).rejects.toMatchObject({
      code: 'apply_failed',
      message: expect.stringContaining(`it returned ${returned}, but the state is ${was}`),
    })
  })
})

test('a reducer that throws what has no text is named all the same', async () => {
  for (const thrown of [Symbol('s'), Object.create(null), undefined]) {
    const store = await storeOf(() => {
      throw thrown
    }).memory()
    await expect(store.dispatch('m')).rejects.toMatchObject({ code: 'apply_failed', seq: 1 })
  }
})

describe('a check that returns', () => {
  test.each<[string, unknown, message: RegExp]>([
    ['false', false, /returned false\. Return nothing/],
    ['true', true, /returned true\./],
    ['null', null, /returned null\./],
    ['a text', 'not allowed', /returned "not allowed"\./],
    ['an error', new Error('not allowed'), /returned an Error \("not allowed"\)\./],
    ['what looks like a refusal', { ok: false, code: 'no' }, /returned an object\./],
    ['a generator', (function* () {})(), /returned a generator\./],
    ['a promise', Promise.resolve(), /is asynchronous/],
  ])('%s fails, and commits nothing', async (_, returned, message) => {
    const definition = defineStore({
      name: 'checks',
      state: { n: 0 },
      mutations: { m: { guard: (() => returned) as never, apply: (draft) => void draft.n++ } },
    })
    const store = await definition.memory()
    const failed = { code: 'check_failed', message: expect.stringMatching(message) }
    await expect(store.dispatch('m')).rejects.toMatchObject(failed)
    await expect(store.transaction((tx) => void tx.dispatch('m'))).rejects.toMatchObject(failed)
    expect(store.state).toEqual({ n: 0 })
  })
})

describe('a command that gives back', () => {
  const commandOf = (returned: () => unknown) =>
    defineStore({
      name: 'commands',
      state: { n: 0 },
      mutations: { m: { apply: (draft) => void draft.n++ } },
      commands: {
        run: {
          run(tx) {
            tx.dispatch('m')
            return returned()
          },
        },
      },
    })

  test.each<[string, () => unknown, RegExp]>([
    ['a promise', () => Promise.reject(new Error('late')), /is asynchronous/],
    ['a thenable', thenable, /is asynchronous/],
    ['a generator', () => (function* () {})(), /is a generator/],
    ['an error', () => new Error('no stock'), /returned an Error \("no stock"\)/],
  ])('%s did not do what it was to do: nothing is committed', async (_, returned, message) => {
    const store = await commandOf(returned).memory()
    await expect(store.execute('run')).rejects.toThrow(message)
    await expect(store.transaction(returned as never)).rejects.toThrow(message)
    expect(store.state).toEqual({ n: 0 })
    expect(store.seq).toBe(0)
  })

  test.each<[string, () => unknown]>([
    ['false', () => false],
    ['null', () => null],
    ['a Map', () => new Map([[1, 2]])],
    ['an object without a prototype', () => Object.create(null)],
    ['a function', () => reject],
  ])('%s gives it to its caller', async (_, returned) => {
    const store = await commandOf(returned).memory()
    expect(await store.execute('run')).toMatchObject({ ok: true, value: returned() })
    expect(store.state).toEqual({ n: 1 })
  })
})

describe('a snapshot of a definition with a function that', () => {
  const add = (by: number, draft: { n: number }) => {
    draft.n += by
  }
  const counter = (apply: unknown) =>
    defineStore({ name: 'n', state: { n: 0 }, mutations: { m: { apply: apply as never } } })

  test.each<[string, unknown, unknown]>([
    ['is bound', add.bind(null, 1), add.bind(null, 10)],
    [
      'is a proxy',
      new Proxy(add.bind(null, 1), {}),
      new Proxy((draft: { n: number }) => add(10, draft), {}),
    ],
    ['is native', Object.freeze, Object.seal],
  ])('%s is not used, since nobody can see what it does', async (_, one, other) => {
    const path = tempJournal()
    const store = await counter(one).open(path)
    if (one !== Object.freeze) await store.dispatch('m')
    await store.snapshot()
    await store.close()
    const again = await counter(other).open(path)
    expect(again.recovery.snapshot).toEqual({
      used: false,
      reason: expect.stringContaining('bound or native'),
    })
    expect(again.state.n).toBe(one === Object.freeze ? 0 : 10)
    await again.close()
    const { findings } = await counter(other).replayCheck(path)
    expect(findings).toContainEqual(
      expect.objectContaining({
        rule: 'snapshot_mismatch',
        severity: 'note',
        message: expect.stringContaining('bound or native'),
      }),
    )
  })
})
