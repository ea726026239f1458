// What the compiler says to those who hold it wrong. Each case is a file of its own; the line that
// must be refused ends in `// ✗`, and no other line may be.
import { beforeAll, describe, expect, test } from 'vitest'
import { type Compiled, compile } from './tsc.ts'

interface Case {
  readonly promise: string
  readonly says: string
  readonly code: string
  /** With a wrong state, parameters that would be inferred from it are said to have no type. */
  readonly leavesUntyped?: true
}

const IMPLICIT = /Parameter '\w+' implicitly has an 'any' type/

const BROKER = `
import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'
export const broker = defineStore({
  name: 'broker',
  state: { topics: {} as Record<string, { name: string; partitions: number }>, total: 0 },
  mutations: {
    addTopic: {
      payload: z.object({ name: z.string(), partitions: z.number().default(1) }),
      guard: (state, p) => (state.topics[p.name] ? reject('topic_exists', { name: p.name }) : undefined),
      apply(draft, p) { draft.topics[p.name] = p },
    },
    reset: { apply: () => ({ topics: {}, total: 0 }) },
  },
  retired: {
    renameTopic: { payload: z.object({ from: z.string() }), apply(draft, p) { delete draft.topics[p.from] } },
  },
  commands: {
    createTopics: { input: z.object({ names: z.array(z.string()) }), run: (tx, { names }) => tx.state.total + names.length },
  },
})
export const store = await broker.open('broker.jsonl')
`

const IMPORTS = `
import { commandsFor, defineStore, type Journal, type JournalRecord, memoryJournal, type Mutation } from 'ministore-ts'
import { type MutationInput, mutationsFor, mutationsFromUnion, reject } from 'ministore-ts'
import { z } from 'zod'
import { type Equal, expectType } from '../../test/types/helpers.ts'
import { broker, store } from './broker.ts'
`

/** A mutation in good company: around it, everything is right and must stay so. */
const mutation = (body: string) => `
export const definition = defineStore({
  name: 'counter',
  state: { count: 0 },
  mutations: {
    good: {
      payload: z.object({ text: z.string() }),
      guard: (state, p) => (state.count > 9 ? reject('full', p.text) : undefined),
      apply(draft, p) { draft.count += p.text.length },
    },
    bad: {
${body}
    },
    reset: { apply(draft) { draft.count = 0 } },
  },
  commands: {
    go: { input: z.string(), run(tx, text) { tx.dispatch('good', { text }); return text.length } },
  },
})`

const command = (body: string) => `
export const definition = defineStore({
  name: 'counter',
  state: { count: 0 },
  mutations: {
    add: { payload: z.object({ by: z.number() }), apply(draft, p) { draft.count += p.by } },
    reset: { apply(draft) { draft.count = 0 } },
  },
  commands: {
    good: { input: z.number(), run(tx, by) { tx.dispatch('add', { by }); return by.toFixed() } },
    bad: {
${body}
    },
  },
})`

const state = (value: string) => `
export const definition = defineStore({
  name: 'counter',
  state: ${value}, // ✗
  mutations: {
    touch: { apply(draft) { draft } },
  },
})`

const CANNOT = 'which the journal cannot hold'
const RUN = 'run() must be synchronous: await before or after execute()'
const GUARD = 'guard() may only return nothing or reject(...)'

const payloads: Case[] = [
  ['a Date', 'z.object({ when: z.date() })', 'payload.when is a Date'],
  ['a bigint', 'z.object({ big: z.bigint() })', 'payload.big is a bigint'],
  ['a symbol', 'z.object({ mark: z.symbol() })', 'payload.mark is a symbol'],
  ['a Map', 'z.object({ by: z.map(z.string(), z.number()) })', 'payload.by is a Map'],
  ['a Set', 'z.object({ all: z.set(z.string()) })', 'payload.all is a Set'],
  ['a function', 'z.object({ then: z.custom<() => void>() })', 'payload.then is a function'],
  ['something unknown', 'z.object({ rest: z.unknown() })', 'payload.rest is unknown'],
  ['bytes', 'z.object({ body: z.instanceof(Uint8Array) })', 'payload.body is not JSON'],
  ['a Date at the top', 'z.date()', 'payload is a Date'],
  [
    'a Date deep inside',
    'z.object({ rows: z.array(z.object({ at: z.date().optional() })) })',
    'payload.rows[].at is a Date',
  ],
  [
    'a Date in a record',
    'z.object({ days: z.record(z.string(), z.date()) })',
    'payload.days[] is a Date',
  ],
  ['a Date in a tuple', 'z.tuple([z.string(), z.date()])', 'payload[1] is a Date'],
  [
    'a Date below a key named "properties"',
    'z.object({ properties: z.object({ d: z.date() }) })',
    'payload.properties.d is a Date',
  ],
  [
    'a Date in one option of a union',
    "z.discriminatedUnion('by', [z.object({ by: z.literal('n') }), z.object({ by: z.literal('d'), at: z.date() })])",
    'payload.at is a Date',
  ],
  [
    'a Date after so many fields that the compiler shortens types',
    `z.object({ ${Array.from({ length: 40 }, (_, i) => `field${i}: z.string()`).join(', ')}, at: z.date() })`,
    'payload.at is a Date',
  ],
].map(([what, schema, says]) => ({
  promise: `a payload that holds ${what} is refused`,
  says: `${says}, ${CANNOT}`,
  code: mutation(`payload: ${schema}, // ✗\napply(draft) { draft.count += 1 },`),
}))

const states: Case[] = [
  ['a Map', '{ seen: new Map<string, number>() }', 'state.seen is a Map'],
  ['a Set', '{ seen: new Set<string>() }', 'state.seen is a Set'],
  ['a Date', '{ since: new Date() }', 'state.since is a Date'],
  ['a method', 'new (class { n = 0; inc() {} })()', 'state.inc is a function'],
  [
    'a Date, by its schema',
    'z.object({ since: z.date().default(new Date()) })',
    'state.since is a Date',
  ],
].map(([what, value = '', says]) => ({
  promise: `a state that holds ${what} is refused`,
  says: `${says}, which a snapshot cannot hold`,
  code: state(value),
  leavesUntyped: true,
}))

const definitions: Case[] = [
  {
    promise: 'a state that is not an object is refused',
    says: 'state must be an object',
    code: state('0'),
    leavesUntyped: true,
  },
  {
    promise: 'a state schema that does not accept {} is refused',
    says: 'a state schema must accept {}: give every field a .default()',
    code: state('z.object({ a: z.string(), b: z.number().default(1) })'),
    leavesUntyped: true,
  },
  {
    promise: 'a reducer that reads what the state has not is refused',
    says: "Property 'counter' does not exist",
    code: mutation('apply(draft) {\ndraft.counter += 1 // ✗\n},'),
  },
  {
    promise: 'a payload whose output is not valid input again is refused',
    says: 'payload: what the schema outputs must be valid input for it too, since the journal holds the output and replay parses it again',
    code: mutation(
      'payload: z.object({ n: z.string().transform(Number) }), // ✗\napply(draft, p) { draft.count += p.n },',
    ),
  },
  {
    promise: 'a payload that is not a Zod schema is refused',
    says: 'payload must be a Zod schema',
    code: mutation("payload: { text: 'string' }, // ✗\napply(draft) { draft.count += 1 },"),
  },
  {
    promise: 'an upcaster that gives something else than the current payload is refused',
    says: "Property 'text' is missing",
    code: mutation(`
      payload: z.object({ text: z.string() }),
      upcast: { 1: z.object({ words: z.number() }) }, // ✗
      apply(draft) { draft.count += 1 },`),
  },
  {
    promise: 'a guard that returns anything but a rejection is refused',
    says: GUARD,
    code: mutation('guard: (state) => state.count > 9, // ✗\napply(draft) { draft.count += 1 },'),
  },
  {
    promise: 'a guard that returns a rejection or something else is refused',
    says: GUARD,
    code: mutation(
      "guard: (state) => (state.count > 9 ? reject('full') : 'fine'), // ✗\napply(draft) { draft.count += 1 },",
    ),
  },
  {
    promise: 'an async check is refused',
    says: GUARD,
    code: mutation(
      "async guard() { return reject('full') }, // ✗\napply(draft) { draft.count += 1 },",
    ),
  },
  {
    promise: 'a guard cannot write to the state',
    says: "Cannot assign to 'count' because it is a read-only property",
    code: mutation('guard(state) {\nstate.count = 1 // ✗\n},\napply(draft) { draft.count += 1 },'),
  },
  {
    promise: 'an async apply is refused',
    says: 'apply() must be synchronous: await before dispatch(), and put the result into the payload',
    code: mutation('async apply(draft) { draft.count += 1 }, // ✗'),
  },
  {
    promise: 'an async apply that gives a state is refused',
    says: 'apply() must be synchronous: await before dispatch(), and put the result into the payload',
    code: mutation('apply: async (draft) => ({ ...draft, count: 1 }), // ✗'),
  },
  ...['draft.count++', 'draft.count > 9', '(draft as { text?: string }).text = "x"'].map(
    (expression): Case => ({
      promise: `an apply that returns ${expression} is refused`,
      says: 'apply() returns nothing or the next state: write (draft) => { draft.n++ }',
      code: mutation(`apply: (draft) => (${expression}), // ✗`),
    }),
  ),
  {
    promise: 'an apply that rejects is refused: rules belong to check and commands',
    says: `Type 'Rejection<"full", undefined>' is not assignable`,
    code: mutation("apply: (draft) => (draft.count > 9 ? reject('full') : undefined), // ✗"),
  },
  {
    promise: 'an apply that returns another state is refused',
    says: "Type '{ total: number; }' is not assignable",
    code: mutation('apply: () => ({ total: 1 }), // ✗'),
  },
  {
    promise: 'a mistyped property of a mutation is refused',
    says: "'chek' does not exist",
    code: mutation("chek: () => reject('full'), // ✗\napply(draft) { draft.count += 1 },"),
  },
  {
    promise: 'an async run is refused',
    says: RUN,
    code: command("async run(tx) { tx.dispatch('reset') }, // ✗"),
  },
  {
    promise: 'a run that may return a promise is refused',
    says: RUN,
    code: command('run: (tx) => (tx.state.count > 9 ? Promise.resolve(1) : 2), // ✗'),
  },
  {
    promise: 'an async transaction is refused',
    says: RUN,
    code: "await store.transaction(async (tx) => void tx.dispatch('reset')) // ✗",
  },
  {
    promise: 'a command whose input is not a Zod schema is refused',
    says: 'input must be a Zod schema',
    code: command("input: { by: 'number' }, // ✗\nrun(tx) { tx.dispatch('reset') },"),
  },
  {
    promise: 'a command that dispatches an unknown mutation is refused',
    says: `Argument of type '"ad"' is not assignable to parameter of type '"add" | "reset"`,
    code: command("run(tx) {\ntx.dispatch('ad', { by: 1 }) // ✗\n},"),
  },
  {
    promise: 'a command that dispatches a wrong payload is refused',
    says: "Type 'string' is not assignable to type 'number'",
    code: command("run(tx) {\ntx.dispatch('add', { by: '1' }) // ✗\n},"),
  },
  {
    promise: 'a command cannot write to the state',
    says: "Cannot assign to 'count' because it is a read-only property",
    code: command('run(tx) {\ntx.state.count = 1 // ✗\n},'),
  },
  {
    promise: 'mutationsFor quotes the same problems',
    says: `payload.at is a Date, ${CANNOT}`,
    code: `
      export const parts = mutationsFor<{ count: number }>()({
        good: { payload: z.number(), apply(draft, by) { draft.count += by } },
        bad: {
          payload: z.object({ at: z.date() }), // ✗
          apply(draft, p) { draft.count += p.at.getTime() },
        },
      })`,
  },
  {
    promise: 'commandsFor quotes the same problems',
    says: RUN,
    code: `
      const parts = mutationsFor<{ count: number }>()({ reset: { apply(draft) { draft.count = 0 } } })
      export const commands = commandsFor<{ count: number }, typeof parts>()({
        good: { run(tx) { tx.dispatch('reset') } },
        bad: { async run(tx) { tx.dispatch('reset') } }, // ✗
      })`,
  },
  {
    promise: 'mutations for another state are refused',
    says: "Property 'total' is missing",
    code: `
      const parts = mutationsFor<{ total: number }>()({ reset: { apply(draft) { draft.total = 0 } } })
      export const definition = defineStore({
        name: 'counter',
        state: { count: 0 },
        mutations: { ...parts }, // ✗
      })`,
  },
  {
    promise: 'mutationsFromUnion wants a reducer for each option',
    says: "Property 'shut' is missing",
    code: `
      const union = z.discriminatedUnion('type', [z.object({ type: z.literal('open') }), z.object({ type: z.literal('shut') })])
      export const parts = mutationsFromUnion<{ count: number }>()(union, { // ✗
        open(draft) { draft.count += 1 },
      })`,
  },
  {
    promise: 'mutationsFromUnion wants no reducer without an option',
    says: "'closed' does not exist",
    code: `
      const union = z.discriminatedUnion('type', [z.object({ type: z.literal('open'), by: z.number() })])
      export const parts = mutationsFromUnion<{ count: number }>()(union, {
        open(draft, p) { draft.count += p.by },
        closed(draft) { draft.count -= 1 }, // ✗
      })`,
  },
  {
    promise: 'what the journal cannot hold is found in a union as well',
    says: `payload.at is a Date, ${CANNOT}`,
    code: `
      const union = z.discriminatedUnion('type', [z.object({ type: z.literal('open'), at: z.date() })])
      const parts = mutationsFromUnion<{ count: number }>()(union, { open(draft, p) { draft.count += p.at.getTime() } })
      export const definition = defineStore({
        name: 'doors',
        state: { count: 0 },
        mutations: { ...parts }, // ✗
      })`,
  },
]

const NAMES = `is not assignable to parameter of type '"addTopic" | "reset"`
const calls: Case[] = [
  [
    'dispatching a mutation that is unknown',
    `Argument of type '"addTopics"' ${NAMES}`,
    "await store.dispatch('addTopics', { name: 'orders' })",
  ],
  [
    'dispatching a retired mutation',
    `Argument of type '"renameTopic"' ${NAMES}`,
    "await store.dispatch('renameTopic', { from: 'orders' })",
  ],
  [
    'dispatching a message',
    'call dispatch(type, payload) or dispatchAll([message])',
    "await store.dispatch({ type: 'addTopic', payload: { name: 'orders' } })",
  ],
  [
    'dispatching a parsed message',
    'call dispatch(type, payload) or dispatchAll([message])',
    'const message = broker.schema.parse({}); await store.dispatch(message)',
  ],
  [
    'dispatching a message in a transaction',
    'call dispatch(type, payload) or dispatchAll([message])',
    "await store.transaction((tx) => tx.dispatch({ type: 'reset' }))",
  ],
  [
    'dispatching a payload of a wrong type',
    "Type 'number' is not assignable to type 'string'",
    "await store.dispatch('addTopic', { name: 1 })",
  ],
  [
    'dispatching a payload with a mistyped field',
    "Did you mean to write 'partitions'?",
    "await store.dispatch('addTopic', { name: 'orders', partition: 1 })",
  ],
  [
    'dispatching without the payload',
    'Expected 2-3 arguments, but got 1',
    "await store.dispatch('addTopic')",
  ],
  [
    'dispatching a payload where there is none',
    "is not assignable to parameter of type 'undefined'",
    "await store.dispatch('reset', { total: 1 })",
  ],
  [
    'a mistyped option',
    "'keey' does not exist in type 'WithMetadata<DispatchOptions",
    "await store.dispatch('reset', undefined, { keey: 'k' })",
  ],
  [
    'a wrong payload in dispatchAll',
    "Type 'number' is not assignable to type 'string'",
    "await store.dispatchAll([{ type: 'reset' }, { type: 'addTopic', payload: { name: 1 } }])",
  ],
  [
    'a retired mutation in dispatchAll',
    `Type '"renameTopic"' is not assignable to type '"addTopic" | "reset"'`,
    "await store.dispatchAll([{ type: 'renameTopic', payload: { from: 'orders' } }])",
  ],
  [
    'a retired mutation in a transaction',
    `Argument of type '"renameTopic"' ${NAMES}`,
    "await store.transaction((tx) => tx.dispatch('renameTopic', { from: 'orders' }))",
  ],
  [
    'a wrong mutation in a given history',
    "'nam' does not exist",
    "await broker.memory([{ type: 'addTopic', payload: { nam: 'orders' } }])",
  ],
  [
    'executing a command that is unknown',
    `Argument of type '"createTopic"' is not assignable to parameter of type '"createTopics"'`,
    "await store.execute('createTopic', { names: [] })",
  ],
  [
    'executing with a wrong input',
    "Type 'number' is not assignable to type 'string'",
    "await store.execute('createTopics', { names: [1] })",
  ],
  [
    'a mistyped option of a command',
    "'keey' does not exist in type 'WithMetadata<",
    "await store.execute('createTopics', { names: [] }, { keey: 'k' })",
  ],
  [
    'writing to the state',
    "Cannot assign to 'total' because it is a read-only property",
    'store.state.total = 1',
  ],
  [
    'adding to a record in the state',
    'only permits reading',
    "store.state.topics['orders'] = { name: 'orders', partitions: 1 }",
  ],
  [
    'writing deep into the state',
    "Cannot assign to 'partitions' because it is a read-only property",
    'for (const topic of Object.values(store.getState().topics)) topic.partitions += 1',
  ],
  [
    'writing to the state in a listener',
    "Cannot assign to 'total' because it is a read-only property",
    'store.subscribe((state) => void (state.total = 1))',
  ],
  [
    'writing to a record',
    "Cannot assign to 'name' because it is a read-only property",
    "for await (const record of store.records()) if (record.type === 'addTopic') record.payload.name = ''",
  ],
  [
    'writing to the initial state',
    "Cannot assign to 'total' because it is a read-only property",
    'broker.initial.total = 1',
  ],
  [
    'taking the selected value for something else',
    "Property 'length' does not exist on type 'number'",
    'store.subscribe((state) => state.total, (total) => total.length)',
  ],
  [
    'asking for a code that no rejection has',
    `and '"exists"' have no overlap`,
    "const result = await store.dispatch('addTopic', { name: '' }).safe(); if (!result.ok && result.code === 'exists') throw result",
  ],
  [
    'asking for a code before it is known that there is one',
    "Property 'code' does not exist on type 'Receipt'",
    "const result = await store.dispatch('reset').safe(); console.log(result.code)",
  ],
  [
    'a file option for a journal that is no file',
    "'lock' does not exist in type 'OpenOptions'",
    'await broker.open(memoryJournal(), { lock: false })',
  ],
  [
    'a mistyped option for a file',
    "'lok' does not exist in type 'OpenOptions'",
    "await broker.open('broker.jsonl', { lok: false })",
  ],
  [
    'the type of a mutation that is retired',
    `Type '"renameTopic"' does not satisfy the constraint`,
    "export type M = Mutation<typeof broker, 'renameTopic'>",
  ],
  [
    'the type of a record that never was',
    `Type '"drop"' does not satisfy the constraint '"addTopic" | "renameTopic" | "reset"'`,
    "export type R = JournalRecord<typeof broker, 'drop'>",
  ],
  [
    'an expectation of the type tests that does not hold',
    "Type 'false' does not satisfy the constraint 'true'",
    'expectType<Equal<{ readonly a?: 1 }, { readonly a: 1 }>>()',
  ],
  [
    'an expectation that only `any` would meet',
    "Type 'false' does not satisfy the constraint 'true'",
    'expectType<Equal<ReturnType<typeof JSON.parse>, number>>()',
  ],
].map(([what, says = '', code]) => ({
  promise: `${what} is refused`,
  says,
  code: `${code} // ✗\nexport {}`,
}))

describe.each([
  ['under the strictest options', {}],
  [
    'with only `strict`',
    {
      exactOptionalPropertyTypes: false,
      noUncheckedIndexedAccess: false,
      noPropertyAccessFromIndexSignature: false,
      noImplicitReturns: false,
    },
  ],
])('%s', (_, options) => {
  const cases = [...payloads, ...states, ...definitions, ...calls]
  const files = cases.map(({ code }, index) => [`case-${index}.ts`, IMPORTS + code] as const)
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await compile({ 'broker.ts': BROKER, ...Object.fromEntries(files) }, options)
  })

  test('a definition that is right has nothing said about it', () => {
    expect(compiled.diagnostics.filter(({ file }) => !file.startsWith('case-'))).toEqual([])
  })

  test.for(cases.map((each, index) => [each.promise, index, each] as const))(
    '%s',
    ([, index, { says, leavesUntyped }]) => {
      const [file = '', text = ''] = files[index] ?? []
      const found = compiled.diagnostics.filter(
        (each) => each.file === file && !(leavesUntyped && IMPLICIT.test(each.text)),
      )
      const marked = text.split('\n').flatMap((line, at) => (line.includes('// ✗') ? [at + 1] : []))
      expect(found.map((each) => each.text).join('\n')).toContain(says)
      expect([...new Set(found.map(({ line }) => line))]).toEqual(marked)
    },
  )
})
