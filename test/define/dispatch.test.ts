import { defineStore } from 'ministore-ts'
import { expect, test } from 'vitest'
import { z } from 'zod'

const counter = defineStore({
  name: 'counter',
  state: { count: 0 },
  mutations: {
    add: {
      payload: z.object({ by: z.number() }),
      apply(draft, { by }) {
        draft.count += by
      },
    },
  },
})

test.each([
  [{ type: 'add', payload: { by: 1, secret: 'hunter2' } }, 'object'],
  [7n, 'bigint'],
  [null, 'null'],
])('a dispatch of %o says how to call it', async (given, what) => {
  const store = await counter.memory()
  const dispatched = (store.dispatch as (given: unknown) => Promise<unknown>)(given)
  const says = `a mutation is named by a string, not by ${what === 'null' ? what : `a value of type ${what}`}: call dispatch(type, payload), or dispatchAll([message])`
  await expect(dispatched).rejects.toMatchObject({
    code: 'unknown_mutation',
    message: expect.stringContaining(says),
  })
  await expect(dispatched).rejects.not.toThrow(/hunter2/)
  await expect(
    store.transaction((tx) => void (tx.dispatch as (given: unknown) => unknown)(given)),
  ).rejects.toThrow(says)
})

test('what is no list of messages, or no function, is refused with what the method takes', async () => {
  const store = await counter.memory()
  const { dispatchAll, transaction } = store as unknown as Record<
    string,
    (given?: unknown, options?: object) => Promise<unknown>
  >
  const memory = counter.memory as (given: unknown) => Promise<unknown>
  for (const given of [{}, 5, 'add', null]) {
    await expect(dispatchAll?.(given)).rejects.toThrow(/^dispatchAll: needs a list of messages/)
    await expect(memory(given)).rejects.toThrow(/^memory: needs a list of messages/)
    await expect(transaction?.(given)).rejects.toThrow(/^transaction: needs a function/)
  }
  for (const given of [[null], [undefined], [{ type: 'add', payload: { by: 1 } }, null]]) {
    const refusal = { code: 'unknown_mutation', message: expect.stringContaining('dispatchAll([') }
    await expect(dispatchAll?.(given)).rejects.toMatchObject(refusal)
    await expect(dispatchAll?.(given, { key: 'k' })).rejects.toMatchObject(refusal)
    await expect(memory(given)).rejects.toMatchObject(refusal)
  }
  expect(store.seq).toBe(0)
})

const cycle: { self?: unknown } = {}
cycle.self = cycle
const failing = (issue: object) =>
  z.unknown().superRefine((_, context) => context.addIssue({ code: 'custom', ...issue } as never))

test.each<[string, z.ZodType, unknown, string]>([
  ['the least bigint', z.bigint().min(5n), 1n, 'input: Too small'],
  ['a literal bigint', z.literal(5n), 1n, 'input: Invalid input'],
  ['a bigint as a key', z.map(z.bigint(), z.number()), new Map([[1n, 'x']]), 'input'],
  ['a symbol in the path', failing({ path: [Symbol('w')], message: 'no' }), 1, 'input.Symbol(w)'],
  ['a symbol as a key', z.record(z.symbol(), z.number()), { [Symbol('q')]: '' }, 'input.Symbol(q)'],
  ['params with a function', failing({ params: { run: () => 1 }, message: 'no' }), 1, 'input: no'],
  ['params in a cycle', failing({ params: cycle, message: 'no' }), 1, 'input: no'],
])('a refused input is told as plain data: %s', async (_, input, given, says) => {
  const commands = { go: { input, run: () => undefined } }
  const store = await defineStore({ name: 'p', state: {}, mutations: {}, commands }).memory()
  const refusal = await store.execute('go', given as never).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(refusal).toMatchObject({ code: 'invalid', message: expect.stringContaining(says) })
  const told = (refusal as { toJSON(): object }).toJSON()
  expect(JSON.parse(JSON.stringify(refusal))).toEqual(told)
  expect(structuredClone(told)).toEqual(told)
})

test.each<[string, z.ZodType]>([
  ['its error map throws', z.string({ error: () => JSON.parse('no') as string })],
  ['Zod cannot say what it expected', z.literal(Symbol.iterator as never)],
])('a schema that cannot tell why it refuses is broken: %s', async (_, input) => {
  const commands = { go: { input, run: () => undefined } }
  const store = await defineStore({ name: 'p', state: {}, mutations: {}, commands }).memory()
  const executed = store.execute('go', 1 as never)
  await expect(executed).rejects.toMatchObject({ name: 'StoreError', code: 'check_failed' })
})
