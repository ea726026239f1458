// Whatever is handed to defineStore: a definition, or StoreError `bad_definition` that names the place.
import { type AnyStoreDefinition, defineStore, StoreError } from 'ministore-ts'
import { definitionOf, fingerprint } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

// Types are erased here on purpose: this is what a definition says at run time.
const define = defineStore as unknown as (config: unknown) => object
const apply = () => undefined
const fits = { name: 'store', state: {}, mutations: { add: { apply } } }
const mutation = (declared: unknown) => ({ ...fits, mutations: { add: declared } })
const payload = (schema: unknown) => mutation({ payload: schema, apply })
const command = (declared: unknown) => ({ ...fits, commands: { go: declared } })

function refused(config: unknown): string {
  try {
    define(config)
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'bad_definition' })
    return (error as Error).message
  }
  throw new Error('defineStore took it')
}

const throws = (thrown: unknown = new Error('from a getter')) => ({
  get: () => {
    throw thrown
  },
  enumerable: true,
})
const hostile = new Proxy({}, { get: throws().get, has: throws().get, ownKeys: throws().get })
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const cycle: { self?: unknown } = {}
cycle.self = cycle

describe('whatever is handed in, defineStore throws bad_definition and names the place', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /defineStore\(\): the definition: must be an object with name, state/],
    ['null', null, /the definition: must be an object/],
    ['an array', [fits], /the definition: must be an object/],
    ['a function', () => fits, /the definition: must be an object/],
    ['a hostile proxy', hostile, /the definition: reading it threw: Error: from a getter/],
    ['a revoked proxy', revoked, /the definition: /],
    [
      'a name that is no text',
      { ...fits, name: { toJSON: throws().get } },
      /name: must be a string/,
    ],
    ['a bigint as its name', { ...fits, name: 1n }, /defineStore\(\): name: must be a string/],
    ['mutations in an array', { ...fits, mutations: [{ apply }] }, /mutations: must be an object/],
    [
      'a symbol as a name',
      { ...fits, mutations: { [Symbol('add')]: { apply } } },
      /mutations\["Symbol\(add\)"\]: a name must be a string/,
    ],
    [
      'a mutation that is null',
      mutation(null),
      /mutations\.add: must be an object with payload, upcast, guard, apply/,
    ],
    [
      'a mutation that is its reducer',
      mutation(apply),
      /mutations\.add: must be an object with payload/,
    ],
    [
      'a mutation whose getter throws',
      mutation(Object.defineProperty({}, 'apply', throws())),
      /mutations\.add: reading it threw: Error: from a getter/,
    ],
    [
      'a getter that throws what has no text',
      mutation(Object.defineProperty({}, 'apply', throws(Object.create(null)))),
      /mutations\.add: reading it threw: a value of type object that has no text/,
    ],
    [
      'a getter that throws a revoked proxy',
      mutation(Object.defineProperty({}, 'apply', throws(revoked))),
      /mutations\.add: reading it threw: a value of type object that has no text/,
    ],
    ['a hostile mutation', mutation(hostile), /mutations\.add: /],
    [
      'a name with a space',
      { ...fits, mutations: { 'add one': {} } },
      /mutations\["add one"\]\.apply: must be a function/,
    ],
    ['a hostile payload', payload(hostile), /mutations\.add\.payload: must be a Zod schema/],
    ['half a schema', payload({ _zod: null }), /mutations\.add\.payload: must be a Zod schema/],
    [
      'a check of zod as a payload',
      payload(z.minLength(1)),
      /mutations\.add\.payload: must be a Zod schema/,
    ],
    [
      'an asynchronous generator as a reducer',
      mutation({ async *apply() {} }),
      /apply: must be a function, and not an async one/,
    ],
    [
      'upcasters in an array',
      mutation({ upcast: [z.any()], apply }),
      /mutations\.add\.upcast: must be an object with a schema for each old version/,
    ],
    ['a hostile command', command(hostile), /commands\.go: /],
    [
      'an async command',
      command({ run: async () => undefined }),
      /commands\.go\.run: must be a function/,
    ],
    [
      'a state with a cycle',
      { ...fits, state: cycle },
      /state(\.self){16}… is nested deeper .* or in a cycle/,
    ],
    [
      'a state whose getter throws',
      { ...fits, state: Object.defineProperty({}, 'a', throws()) },
      /state is an object with an accessor, a/,
    ],
    ['a hostile state', { ...fits, state: hostile }, /state: /],
    ['a state that is a function', { ...fits, state: () => ({}) }, /state: must be an object/],
    [
      'a state schema that wants something',
      { ...fits, state: z.object({ n: z.object({ a: z.int() }) }) },
      /state: a state schema must accept \{\}: give every field a \.default\(\) \(state\.n: /,
    ],
    [
      'an async state schema',
      { ...fits, state: z.object({}).refine(async () => true) },
      /state: the schema has an async refinement/,
    ],
    [
      'a state schema that throws',
      { ...fits, state: z.object({}).refine(throws().get) },
      /state: reading it threw: Error: from a getter/,
    ],
    [
      'a state schema that gives a Date',
      { ...fits, state: z.object({ at: z.date().default(new Date()) }) },
      /state\.at is a Date/,
    ],
  ])('%s', (_, config, message) => {
    expect(refused(config)).toMatch(message)
  })

  test('functions may have any toString, constructor and name', async () => {
    const odd = Object.defineProperties(() => undefined, {
      toString: { value: throws().get },
      constructor: throws(),
      name: throws(),
    })
    const definition = define(mutation({ apply: odd, guard: odd })) as AnyStoreDefinition
    expect(await fingerprint(definitionOf(definition))).toMatch(/^sha256:/)
  })

  test('names may be those of the prototype of all objects', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const all = (each: object) => Object.fromEntries(names.map((name) => [name, each]))
    const definition = define({
      ...fits,
      state: { done: [] },
      mutations: all({ apply: (draft: { done: number[] }) => void draft.done.push(1) }),
      commands: all({ run: () => 7 }),
    }) as ReturnType<
      typeof defineStore<object, object, Record<string, undefined>, {}, {}, Record<string, number>>
    >
    const store = await definition.memory()
    for (const name of names) await store.dispatch(name, undefined)
    for (const name of names) expect((await store.execute(name, undefined)).value).toBe(7)
    expect(store.state).toEqual({ done: [1, 1, 1, 1] })
  })
})

describe('what the journal cannot hold is named by its path, as the user wrote it', () => {
  const date = z.date()
  test.each<[string, z.core.$ZodType, string]>([
    ['an array', z.object({ xs: z.array(z.object({ d: date })) }), 'payload.xs[].d is a date'],
    ['a record', z.object({ days: z.record(z.string(), date) }), 'payload.days[] is a date'],
    ['a tuple', z.tuple([z.string(), date]), 'payload[1] is a date'],
    ['the rest of a tuple', z.tuple([z.string()], date), 'payload[] is a date'],
    ['a catchall', z.object({ a: z.string() }).catchall(date), 'payload[] is a date'],
    [
      'keys that JSON Schema has too',
      z.object({ properties: z.object({ items: z.object({ anyOf: date }) }) }),
      'payload.properties.items.anyOf is a date',
    ],
    ['a key with a space', z.object({ 'the day': date }), 'payload["the day"] is a date'],
    ['a union', z.object({ at: z.union([z.string(), date]) }), 'payload.at is a date'],
    ['an intersection', z.object({ a: z.int() }).and(z.object({ b: date })), 'payload.b is a date'],
    ['wrappers', z.object({ at: date.optional().nullable().readonly() }), 'payload.at is a date'],
    ['a default', z.object({ at: date.default(new Date(0)) }), 'payload.at is a date'],
    [
      'the end of a pipe',
      z.object({ at: z.string().pipe(z.coerce.date()) }),
      'payload.at is a date',
    ],
    ['a lazy schema', z.object({ at: z.lazy(() => date) }), 'payload.at is a date'],
    ['a bigint literal', z.object({ n: z.literal([1, 2n]) }), 'payload.n is a bigint'],
  ])('in %s', (_, schema, says) => {
    expect(refused(payload(schema))).toBe(
      `defineStore("store"): mutations.add: ${says}, which the journal cannot hold`,
    )
  })

  test('a schema that only takes a date, or makes schemas without end, is fine', () => {
    const endless = (): z.ZodType =>
      z.lazy(() => z.object({ a: endless(), b: endless() }).partial())
    expect(define(payload(z.object({ at: z.date().transform(String) })))).toBeDefined()
    expect(define(payload(endless()))).toBeDefined()
  })
})

describe('schemas that refer to others', () => {
  test('may be lazy, and refer to what is declared later', async () => {
    const Comment = z.object({ replies: z.array(z.lazy(() => Reply)) })
    const Tree = z.object({
      get children() {
        return z.array(Later)
      },
    })
    const definition = defineStore({
      name: 'talk',
      state: { texts: [] as string[] },
      mutations: {
        comment: {
          payload: Comment,
          apply: (draft, { replies }) => void draft.texts.push(...replies.map(({ text }) => text)),
        },
        plant: { payload: Tree, apply: (draft) => void draft.texts.push('tree') },
      },
    })
    const Reply = z.object({ text: z.string() })
    const Later = z.object({ leaf: z.string() })
    const store = await definition.memory()
    await store.dispatch('comment', { replies: [{ text: 'x' }] })
    await store.dispatch('plant', { children: [{ leaf: 'a' }] })
    expect(store.state.texts).toEqual(['x', 'tree'])
  })

  test('may have one id twice, which only matters in JSON Schema', async () => {
    const Money = z.object({ cents: z.int() }).meta({ id: 'Price' })
    const Fee = Money.extend({ why: z.string() }).meta({ id: 'Price' })
    const store = await defineStore({
      name: 'shop',
      state: { cents: 0 },
      mutations: {
        buy: {
          payload: z.object({ price: Money, fee: Fee }),
          apply(draft, { price, fee }) {
            draft.cents += price.cents + fee.cents
          },
        },
      },
    }).memory()
    await store.dispatch('buy', { price: { cents: 1 }, fee: { cents: 2, why: 'x' } })
    expect(store.state.cents).toBe(3)
  })
})

describe('a near miss is told what was meant', () => {
  test.each<[string, unknown, string]>([
    [
      'mutation',
      { name: 's', state: {}, mutation: {} },
      'mutation: is not known; did you mean mutations?',
    ],
    [
      'actions',
      { name: 's', state: {}, actions: {} },
      'actions: is not known; did you mean mutations?',
    ],
    [
      'reducers',
      { name: 's', state: {}, reducers: {} },
      'reducers: is not known; did you mean mutations?',
    ],
    [
      'initialState',
      { name: 's', initialState: {}, mutations: {} },
      'initialState: is not known; did you mean state?',
    ],
    ['command', { ...fits, command: {} }, 'command: is not known; did you mean commands?'],
    [
      'upcasts',
      { ...fits, upcasts: {} },
      'upcasts: is not known; did you mean upcast inside a mutation?',
    ],
    [
      'reduce',
      mutation({ reduce: apply }),
      'mutations.add.reduce: is not known; did you mean apply?',
    ],
    [
      'reducer',
      mutation({ reducer: apply }),
      'mutations.add.reducer: is not known; did you mean apply?',
    ],
    [
      'handler',
      mutation({ handler: apply }),
      'mutations.add.handler: is not known; did you mean apply?',
    ],
    [
      'schema',
      mutation({ schema: z.int(), apply }),
      'mutations.add.schema: is not known; did you mean payload?',
    ],
    [
      'input',
      mutation({ input: z.int(), apply }),
      'mutations.add.input: is not known; did you mean payload?',
    ],
    [
      'upcasts of a mutation',
      mutation({ upcasts: {}, apply }),
      'mutations.add.upcasts: is not known; did you mean upcast?',
    ],
    [
      'validate',
      mutation({ validate: apply, apply }),
      'mutations.add.validate: is not known; did you mean guard?',
    ],
    [
      'check, which is the replay check alone',
      mutation({ check: apply, apply }),
      "mutations.add.check: a mutation's rule is called guard: rename check to guard",
    ],
    [
      'payload of a command',
      command({ payload: z.int(), run: apply }),
      'commands.go.payload: is not known; did you mean input?',
    ],
    [
      'handler of a command',
      command({ handler: apply }),
      'commands.go.handler: is not known; did you mean run?',
    ],
    [
      'upcasts of what is retired',
      { ...fits, retired: { old: { apply, upcasts: {} } } },
      'retired.old.upcasts: is not known; did you mean upcast?',
    ],
    [
      'nothing like it',
      mutation({ colour: 1, apply }),
      'mutations.add.colour: is not known; known: payload, upcast, guard, apply, accept',
    ],
    [
      'a slip in a source that is accepted',
      mutation({ accept: { clok: 'Only for a log.' }, apply }),
      'mutations.add.accept.clok: is not known; did you mean clock?',
    ],
    [
      'another word for a source that is accepted, which is no word for a mutation',
      mutation({ accept: { tz: 'For a log.', payload: 'No.' }, apply }),
      'mutations.add.accept.tz: is not known; did you mean timeZone?; mutations.add.accept.payload: is not known; known: clock, random, timeZone, locale, environment, host, files, later',
    ],
    [
      'a property inside accept, which stands for none outside of it',
      mutation({ accept: { apply: 'No.' } }),
      'mutations.add.accept.apply: is not known; known: clock, random, timeZone, locale, environment, host, files, later; mutations.add.apply: must be a function, and not an async one',
    ],
    [
      'a list of sources',
      mutation({ accept: ['clock'], apply }),
      'mutations.add.accept: must be an object with a reason for each source',
    ],
    [
      'a source without a reason',
      mutation({ accept: { clock: true }, apply }),
      'mutations.add.accept.clock: must give the reason',
    ],
    [
      'a schema as a mutation',
      mutation(z.object({ n: z.number() })),
      'mutations.add: is a Zod schema, and must be an object with payload, upcast, guard, apply, accept',
    ],
    [
      'a schema as a command',
      command(z.string()),
      'commands.go: is a Zod schema, and must be an object with input, run',
    ],
    [
      'a schema as the mutations',
      { ...fits, mutations: z.object({}) },
      'mutations: must be an object with a property for each name',
    ],
  ])('%s', (_, config, says) => {
    expect(refused(config).replace(/^defineStore\("\w+"\): /, '')).toBe(says)
  })

  test('a retired mutation may keep its check, which is never asked again', () => {
    expect(define({ ...fits, retired: { old: { apply, guard: apply } } })).toBeDefined()
  })
})
