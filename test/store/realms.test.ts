// Definitions, payloads, states and options that were made in another realm, such as a vm context.
import { createContext, runInContext } from 'node:vm'
import { defineStore, Rejection, reject, StoreError } from 'ministore-ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { tempJournal } from '../file/temp-journal.ts'

const context = createContext({ defineStore, reject, z })
/** The value of an expression that another realm evaluates. */
const there = (code: string) => runInContext(`(${code})`, context)

const define = () =>
  there(`defineStore({
    name: 'basket',
    state: { items: {}, log: [] },
    mutations: {
      put: {
        payload: z.object({ k: z.string(), tags: z.array(z.string()) }),
        guard: (state, { k }) => (state.items[k] ? reject('twice', { k }) : undefined),
        apply(draft, { k, tags }) {
          draft.items[k] = { tags, seen: [{ k }] }
          draft.log.push({ k })
        },
      },
      reset: { apply: () => ({ items: {}, log: [] }) },
      fail: { apply() { throw new TypeError('thrown there') } },
    },
    commands: {
      putAll: { input: z.array(z.string()), run(tx, ks) { for (const k of ks) tx.dispatch('put', { k, tags: [] }) } },
    },
  })`)

test('a definition of another realm opens, decides, replays, snapshots and checks as one of this', async () => {
  const definition = define()
  const path = tempJournal()
  const store = await definition.open(path)
  await store.dispatch('reset')
  await store.dispatch('put', there(`{ k: 'a', tags: ['x'] }`), there(`{ key: 'one' }`))
  await store.dispatchAll(there(`[{ type: 'put', payload: { k: 'b', tags: [] } }]`))
  await store.execute('putAll', there(`['c', 'd']`))
  const refused = await store.dispatch('put', { k: 'a', tags: [] }).safe()
  expect(refused instanceof Rejection).toBe(true)
  expect(refused.code).toBe('twice')
  const failed = await store.dispatch('fail').catch((reason: unknown) => reason)
  expect(failed instanceof StoreError).toBe(true)
  expect(failed.message).toContain('TypeError: thrown there')
  const state = structuredClone(store.state)
  expect(Object.keys(state.items)).toEqual(['a', 'b', 'c', 'd'])
  await store.close()
  expect((await definition.replay(path)).state).toEqual(state)
  expect(await definition.replayCheck(path)).toMatchObject({ ok: true, records: 4 })
  const again = await definition.open(path)
  await again.snapshot()
  await again.close()
  const last = await definition.open(path)
  expect(last.recovery.snapshot).toMatchObject({ used: true })
  expect(structuredClone(last.state)).toEqual(state)
  await last.close()
})
