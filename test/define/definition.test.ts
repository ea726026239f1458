import {
  commandsFor,
  defineStore,
  memoryJournal,
  mutationsFor,
  reject,
  StoreError,
} from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { broker } from '../store/broker.ts'

// Types are erased here on purpose: this is what a definition says at run time.
const define = defineStore as unknown as (config: object) => typeof broker
const apply = () => undefined
const fits = { name: 'store', state: {}, mutations: { add: { apply } } }

describe('a definition that cannot work is refused, saying which part of it', () => {
  const mutation = (declared: object) => ({ ...fits, mutations: { add: declared } })
  test.each<[string, object, RegExp]>([
    ['no name', { ...fits, name: '' }, /name: must be 1 to 128 printable characters/],
    ['a name with a newline', { ...fits, name: 'a\nb' }, /name: must be 1 to 128 printable/],
    ['no state', { ...fits, state: undefined }, /state: must be an object/],
    ['a state that is no object', { ...fits, state: 7 }, /state: must be an object/],
    ['a state with a Date', { ...fits, state: { at: new Date() } }, /state\.at is a Date/],
    ['a state with a Map', { ...fits, state: { a: { b: new Map() } } }, /state\.a\.b is a Map/],
    ['a state with NaN', { ...fits, state: { list: [1, Number.NaN] } }, /state\.list\[1\] is NaN/],
    ['no mutations', { ...fits, mutations: undefined }, /mutations: must be an object/],
    ['no apply', mutation({}), /mutations\.add\.apply: must be a function/],
    ['an async apply', mutation({ apply: async () => undefined }), /not an async one/],
    [
      'a guard that is not a function',
      mutation({ apply, guard: true }),
      /mutations\.add\.guard: must be a f/,
    ],
    [
      'a payload that is no schema',
      mutation({ apply, payload: {} }),
      /add\.payload: must be a Zod/,
    ],
    [
      'a mistyped part',
      mutation({ apply, paylod: z.string() }),
      /mutations\.add\.paylod: is not known; did you mean payload\?/,
    ],
    [
      'a payload with a date',
      mutation({ apply, payload: z.object({ when: z.array(z.date()) }) }),
      /mutations\.add: payload\.when\[\] is a date, which the journal cannot hold/,
    ],
    ['a bigint', mutation({ apply, payload: z.bigint() }), /payload is a bigint/],
    ['a gap in upcast', mutation({ apply, upcast: { 2: z.any() } }), /upcast has versions 2/],
    ['upcast from 0', mutation({ apply, upcast: { 0: z.any() } }), /without gaps/],
    [
      'an upcaster that is none',
      mutation({ apply, upcast: { 1: apply } }),
      /upcast\.1: must be a Z/,
    ],
    [
      'one name twice',
      { ...fits, retired: { add: { apply } } },
      /retired\.add: is in mutations too; keep one/,
    ],
    [
      'a command that is none',
      { ...fits, commands: { do: {} } },
      /commands\.do\.run: must be a fu/,
    ],
    [
      'an unknown part',
      { ...fits, extra: {} },
      /extra: is not known; known: name, state, metadata, keys, mut/,
    ],
  ])('%s', (_, config, message) => {
    const thrown = (() => {
      try {
        define(config)
        return undefined
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toBeInstanceOf(StoreError)
    expect(thrown).toMatchObject({ code: 'bad_definition' })
    expect(String(thrown)).toMatch(message)
  })

  test('a date that leaves the schema as a string is fine', async () => {
    const payload = z.object({ at: z.coerce.date().transform((date) => date.toISOString()) })
    const store = await defineStore({
      name: 'dates',
      state: { last: '' },
      mutations: { set: { payload, apply: (_, { at }) => ({ last: at }) } },
    }).memory()
    await store.dispatch('set', { at: '2026-11-22T12:00:00.000Z' })
    expect(store.state.last).toBe('2026-11-22T12:00:00.000Z')
  })
})

describe('the initial state', () => {
  test('is a frozen copy of the literal', async () => {
    const state = { list: [1] }
    const definition = defineStore({ name: 's', state, mutations: { add: { apply } } })
    state.list.push(2)
    expect(definition.initial).toEqual({ list: [1] })
    expect(Object.isFrozen(definition.initial.list)).toBe(true)
    expect((await definition.memory()).state).toBe(definition.initial)
  })

  test('comes from the defaults of a schema', async () => {
    const state = z.object({ count: z.number().default(3), tags: z.array(z.string()).default([]) })
    const definition = defineStore({
      name: 's',
      state,
      mutations: { add: { apply: (draft) => void draft.count++ } },
    })
    expect(definition.initial).toEqual({ count: 3, tags: [] })
    const store = await definition.memory([{ type: 'add' }])
    expect(store.state.count).toBe(4)
  })
})

describe('definition.schema', () => {
  test('parses messages from outside into what dispatchAll takes', async () => {
    const store = await broker.memory()
    const message = JSON.parse('{"type":"addTopic","payload":{"name":"a"}}')
    await store.dispatchAll([
      broker.schema.parse(message),
      broker.schema.parse({ type: 'reset' }),
      broker.schema.parse(message),
    ])
    expect(store.state.total).toBe(1)
    expect(broker.schema.parse(message)).toEqual(message)
  })

  test('refuses what no mutation is', () => {
    expect(broker.schema.safeParse({ type: 'dropTable' }).success).toBe(false)
    expect(broker.schema.safeParse({ type: 'addTopic', payload: {} }).success).toBe(false)
    expect(broker.schema.safeParse({ type: 'reset', payload: 1 }).success).toBe(false)
  })

  test('has no retired mutations', () => {
    const definition = define({ ...fits, retired: { old: { apply } } })
    expect(definition.schema.safeParse({ type: 'old' }).success).toBe(false)
    expect(definition.schema.safeParse({ type: 'add' }).success).toBe(true)
  })
})

describe('declarations in files of their own', () => {
  interface State {
    names: string[]
  }
  const mutations = mutationsFor<State>()({
    add: {
      payload: z.object({ name: z.string() }),
      guard: (state, { name }) => (state.names.includes(name) ? reject('taken') : undefined),
      apply: (draft, { name }) => void draft.names.push(name),
    },
  })
  const commands = commandsFor<State, typeof mutations>()({
    addTwice: {
      input: z.string(),
      run: (tx, name) => {
        tx.dispatch('add', { name })
        tx.dispatch('add', { name: `${name}2` })
        return tx.state.names.length
      },
    },
  })

  test('work like those in the literal', async () => {
    const state: State = { names: [] }
    const store = await defineStore({ name: 'n', state, mutations, commands }).memory()
    expect((await store.execute('addTwice', 'ann')).value).toBe(2)
    expect(await store.dispatch('add', { name: 'ann' }).safe()).toMatchObject({ code: 'taken' })
  })
})

test('a refusal has the sentence that its rule gave it, or one made of its code', async () => {
  const doors = defineStore({
    name: 'doors',
    state: { open: 0 },
    mutations: {
      open: {
        payload: z.string(),
        guard: (_, who) =>
          who === '' ? reject('nobody') : reject('not_you', { who }, `${who} has no key`),
        apply(draft) {
          draft.open += 1
        },
      },
    },
  })
  const store = await doors.open(memoryJournal())
  const refused = await store.dispatch('open', 'Ann').safe()
  expect(refused).toMatchObject({
    code: 'not_you',
    details: { who: 'Ann' },
    message: 'Ann has no key',
  })
  expect(await store.dispatch('open', '').safe()).toMatchObject({ message: 'refused: nobody' })
  await store.close()
})
