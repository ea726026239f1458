import { defineStore, mutationsFromUnion, StoreError } from 'ministore-ts'
import { definitionOf, fingerprint } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { schemaLock } from '../../src/proof/schema/index.ts'

interface State {
  topics: string[]
}
const state: State = { topics: [] }
const apply = () => undefined

/** What people write who have no types. */
const loose = mutationsFromUnion<State>() as unknown as (
  union: unknown,
  reducers: unknown,
) => Record<string, { payload: z.ZodType; apply: unknown }>

/** A store of all options, each of which adds the JSON of its payload to the topics. */
async function storeOf(union: z.core.$ZodDiscriminatedUnion, ...names: string[]) {
  const add = (draft: State, payload: unknown) => void draft.topics.push(JSON.stringify(payload))
  const mutations = loose(union, Object.fromEntries(names.map((name) => [name, add])))
  const definition = defineStore({ name: 'u', state, mutations } as never) as ReturnType<
    typeof defineStore<State, Record<string, z.ZodType>, Record<string, undefined>>
  >
  const store = await definition.memory()
  const send = (type: string, payload?: unknown) =>
    (store.dispatch as unknown as (type: string, payload?: unknown) => Promise<unknown>)(
      type,
      payload,
    ).then(
      () => JSON.parse(store.state.topics.at(-1) ?? 'null') as unknown,
      (error) => error,
    )
  return { definition, store, send }
}

describe('mutationsFromUnion', () => {
  test('makes mutations of a union whose options hold a payload', async () => {
    const union = z.discriminatedUnion('type', [
      z.object({ type: z.literal('add'), payload: z.object({ name: z.string() }) }),
      z.object({ type: z.literal('clear') }),
    ])
    const mutations = mutationsFromUnion<State>()(union, {
      add: (draft, { name }) => void draft.topics.push(name),
      clear: () => ({ topics: [] }),
    })
    const store = await defineStore({ name: 'u', state, mutations }).memory()
    await store.dispatch('add', { name: 'a' })
    expect(store.state.topics).toEqual(['a'])
    await store.dispatch('clear')
    expect(store.state.topics).toEqual([])
  })

  test('makes mutations of a union whose options are flat', async () => {
    const union = z.discriminatedUnion('type', [
      z.object({ type: z.literal('add'), name: z.string(), count: z.number().default(1) }),
      z.object({ type: z.literal('drop'), name: z.string() }),
    ])
    const mutations = mutationsFromUnion<State>()(union, {
      add: (draft, { name, count }) => void draft.topics.push(`${name} × ${count}`),
      drop: (draft, { name }) => ({ topics: draft.topics.filter((topic) => topic !== name) }),
    })
    const store = await defineStore({ name: 'u', state, mutations }).memory()
    await store.dispatch('add', { name: 'a' })
    expect(store.state.topics).toEqual(['a × 1'])
    expect(await store.dispatch('add', {} as { name: string }).safe()).toMatchObject({
      code: 'invalid',
    })
  })

  test('takes a union of zod/mini, whose schemas have no methods', async () => {
    const union = mini.discriminatedUnion('type', [
      mini.object({ type: mini.literal('flat'), by: mini.number().check(mini.minimum(1)) }),
      mini.object({ type: mini.literal('nested'), payload: mini.object({ by: mini.number() }) }),
      mini
        .object({ type: mini.literal('ruled'), from: mini.number(), to: mini.number() })
        .check(mini.refine(({ from, to }) => from < to, 'from must be before to')),
    ])
    const { send } = await storeOf(union, 'flat', 'nested', 'ruled')
    expect(await send('flat', { by: 2 })).toEqual({ by: 2 })
    expect(await send('flat', { by: 0 })).toMatchObject({ code: 'invalid' })
    expect(await send('nested', { by: 3 })).toEqual({ by: 3 })
    expect(await send('ruled', { from: 1, to: 2 })).toEqual({ from: 1, to: 2 })
    expect(await send('ruled', { from: 2, to: 1 })).toMatchObject({
      message: expect.stringContaining('from must be before to'),
    })
  })

  test.each<[string, z.core.$ZodDiscriminatedUnion, string[]]>([
    [
      'an option with a payload field',
      z.discriminatedUnion('type', [
        z
          .object({ type: z.literal('book'), payload: z.object({ from: z.int(), to: z.int() }) })
          .refine(({ payload: { from, to } }) => from < to, {
            path: ['payload', 'to'],
            error: 'from must be before to',
          }),
      ]),
      ['to'],
    ],
    [
      'a flat option',
      z.discriminatedUnion('type', [
        z
          .object({ type: z.literal('book'), from: z.int(), to: z.int() })
          .refine(({ from, to }) => from < to, { path: ['to'], error: 'from must be before to' }),
      ]),
      ['to'],
    ],
    [
      'the union itself',
      z
        .discriminatedUnion('type', [
          z.object({ type: z.literal('book'), from: z.int(), to: z.int() }),
        ])
        .refine(({ from, to }) => from < to, 'from must be before to'),
      [],
    ],
    [
      'a union in the union, and a readonly option',
      z.discriminatedUnion('type', [
        z
          .discriminatedUnion('type', [
            z.object({ type: z.literal('book'), from: z.int(), to: z.int() }).readonly(),
          ])
          .refine(({ from, to }) => from < to, 'from must be before to'),
      ]),
      [],
    ],
  ])('keeps the rule of %s', async (_, union, path) => {
    const { definition, send } = await storeOf(union, 'book')
    expect(await send('book', { from: 1, to: 9 })).toEqual({ from: 1, to: 9 })
    expect(await send('book', { from: 9, to: 1 })).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('from must be before to'),
      details: { issues: [{ path }] },
    })
    const message = (payload: object) => definition.schema.safeParse({ type: 'book', payload })
    expect(message({ from: 1, to: 9 }).success).toBe(true)
    expect(message({ from: 9, to: 1 }).success).toBe(false)
  })

  test('makes another definition where only a rule is another', async () => {
    const made = (rule: (message: { from: number }) => boolean) => {
      const option = z.object({ type: z.literal('book'), from: z.int() }).refine(rule)
      return storeOf(z.discriminatedUnion('type', [option]), 'book')
    }
    const [first, again, other] = await Promise.all([
      made(({ from }) => from > 0),
      made(({ from }) => from > 0),
      made(({ from }) => from > 1),
    ])
    const print = async ({ definition }: typeof first) => fingerprint(definitionOf(definition))
    expect(await print(again)).toBe(await print(first))
    expect(await print(other)).not.toBe(await print(first))
    expect(schemaLock(other.definition).mutations['book']).toBeDefined()
  })

  test('keeps what a rule changes, such as overwriting a value', async () => {
    const option = z
      .object({ type: z.literal('put'), tags: z.array(z.string()) })
      .overwrite((message) => ({ ...message, tags: message.tags.toSorted() }))
    const { send } = await storeOf(z.discriminatedUnion('type', [option]), 'put')
    expect(await send('put', { tags: ['b', 'a'] })).toEqual({ tags: ['a', 'b'] })
  })

  test('keeps objects strict, loose or with a catchall', async () => {
    const union = z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('strict'), a: z.string() }),
      z.looseObject({ type: z.literal('loose'), a: z.string() }),
      z.object({ type: z.literal('rest'), a: z.string() }).catchall(z.number()),
      z.object({ type: z.literal('plain') }).extend({ a: z.string() }),
    ])
    const { send } = await storeOf(union, 'strict', 'loose', 'rest', 'plain')
    expect(await send('strict', { a: 'x', b: 1 })).toMatchObject({ code: 'invalid' })
    expect(await send('loose', { a: 'x', b: 'y' })).toEqual({ a: 'x', b: 'y' })
    expect(await send('rest', { a: 'x', b: 'y' })).toMatchObject({ code: 'invalid' })
    expect(await send('rest', { a: 'x', b: 1 })).toEqual({ a: 'x', b: 1 })
    expect(await send('plain', { a: 'x', b: 1 })).toEqual({ a: 'x' })
  })

  test('takes another discriminator, lazy options, several names, and unions in unions', async () => {
    const shape = z.discriminatedUnion('form', [
      z.object({ kind: z.literal('draw'), form: z.literal('dot'), x: z.number() }),
      z.object({ kind: z.literal('draw'), form: z.literal('text'), text: z.string() }),
    ])
    const union = z.discriminatedUnion('kind', [
      shape,
      z.lazy(() => z.object({ kind: z.literal(['show', 'hide']), id: z.string() })),
      z.object({ kind: z.enum(['undo', 'redo']) }),
    ])
    const { send } = await storeOf(union, 'draw', 'show', 'hide', 'undo', 'redo')
    expect(await send('draw', { form: 'dot', x: 1 })).toEqual({ form: 'dot', x: 1 })
    expect(await send('draw', { form: 'text', text: 'a' })).toEqual({ form: 'text', text: 'a' })
    expect(await send('draw', { form: 'dot', text: 'a' })).toMatchObject({ code: 'invalid' })
    expect(await send('hide', { id: 'a' })).toEqual({ id: 'a' })
    expect(await send('redo', { id: 'a' })).toMatchObject({ code: 'invalid' })
  })

  test('leaves an optional payload optional, with a rule too', async () => {
    const union = z.discriminatedUnion('type', [
      z
        .object({ type: z.literal('tick'), payload: z.number().optional() })
        .refine(({ payload }) => payload !== 13, 'unlucky'),
    ])
    const { send } = await storeOf(union, 'tick')
    expect(await send('tick')).toBe(null)
    expect(await send('tick', 12)).toBe(12)
    expect(await send('tick', 13)).toMatchObject({ code: 'invalid' })
  })

  test.each<[string, unknown, unknown, RegExp]>([
    ['nothing', undefined, undefined, /must be a z\.discriminatedUnion/],
    ['another schema', z.object({}), {}, /must be a z\.discriminatedUnion/],
    ['a union that cannot be told apart', z.union([z.string()]), {}, /must be a z\.discriminated/],
    [
      'no reducers',
      z.discriminatedUnion('type', [z.object({ type: z.literal('add') })]),
      null,
      /for add/,
    ],
    [
      'an option that is transformed',
      z.discriminatedUnion('type', [z.object({ type: z.literal('add') }).transform(() => 1)]),
      { add: apply },
      /an option is a pipe/,
    ],
    [
      'a name that is no string',
      z.discriminatedUnion('type', [z.object({ type: z.literal(1) })]),
      { 1: apply },
      /named 1: a mutation's name is a string/,
    ],
    [
      'a rule that needs what a mutation does not have',
      z.discriminatedUnion('type', [
        z
          .object({ type: z.literal('add'), id: z.string(), payload: z.string() })
          .refine(() => true),
      ]),
      { add: apply },
      /add has fields beside payload.*move id into payload/,
    ],
    [
      'a getter that throws',
      z.discriminatedUnion('type', [
        z.lazy((): z.ZodObject<{ type: z.ZodLiteral<'a'> }> => {
          throw new ReferenceError('Later is not initialized')
        }),
      ]),
      {},
      /Later is not initialized/,
    ],
  ])('refuses %s', (_, union, reducers, message) => {
    expect(() => loose(union, reducers)).toThrow(StoreError)
    expect(() => loose(union, reducers)).toThrow(message)
  })

  test('refuses a union and reducers that do not match', () => {
    const union = z.discriminatedUnion('type', [z.object({ type: z.literal('add') })])
    expect(() => loose(union, {})).toThrow(/a reducer for add is missing/)
    expect(() => loose(union, { add: apply, drop: apply })).toThrow(/no option for drop/)
    expect(() => loose(union, {})).toThrow(StoreError)
  })
})
