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
