// What a store hands out is nobody's to change for the others: records, receipts, meta and errors.
import { defineStore, Rejection, reject, StoreError } from 'ministore-ts'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { broker } from './broker.ts'

const counter = defineStore({
  name: 'counter',
  state: { n: 0 },
  mutations: {
    add: {
      payload: z.object({ by: z.int() }),
      guard: (_, { by }) => (by > 9 ? reject('too_many', { most: 9 }, 'at most 9') : undefined),
      apply(draft, { by }) {
        draft.n += by
      },
    },
  },
  commands: { twice: { input: z.int(), run: (tx, by) => tx.dispatch('add', { by }) } },
})

describe('listeners', () => {
  test('cannot change the records of the next one', async () => {
    const errors: unknown[] = []
    const store = await counter.memory([], { onListenerError: (error) => errors.push(error) })
    const seen: unknown[] = []
    store.subscribe((_, __, records) => void (records as unknown[]).pop())
    store.subscribe((_, __, records) => void Object.assign(records[0] ?? {}, { type: 'other' }))
    store.subscribe(
      ({ n }) => n,
      (_, __, records) => void (records as unknown[]).splice(0),
    )
    store.subscribe((_, __, records) => seen.push(...records))
    await store.dispatch('add', { by: 1 })
    expect(seen).toMatchObject([{ type: 'add', payload: { by: 1 }, seq: 1 }])
    expect(errors).toHaveLength(3)
    expect(errors[0]).toBeInstanceOf(TypeError)
  })

  test('are not called any more once they are unsubscribed, also during a notification', async () => {
    const store = await counter.memory()
    const calls: string[] = []
    store.subscribe(() => {
      calls.push('first')
      stopSecond()
      stopSelected()
    })
    const stopSecond = store.subscribe(() => void calls.push('second'))
    const stopSelected = store.subscribe(
      ({ n }) => n,
      () => void calls.push('selected'),
    )
    const stopItself = store.subscribe(() => {
      calls.push('itself')
      stopItself()
    })
    store.subscribe(() => void calls.push('last'))
    await store.dispatch('add', { by: 1 })
    expect(calls.splice(0)).toEqual(['first', 'itself', 'last'])
    await store.dispatch('add', { by: 1 })
    expect(calls).toEqual(['first', 'last'])
  })

  test('that come during a notification are called from the next one on', async () => {
    const store = await counter.memory()
    const seen: number[] = []
    const stop = store.subscribe(() => {
      stop()
      store.subscribe(({ n }) => void seen.push(n))
    })
    await Promise.all([store.dispatch('add', { by: 1 }), store.dispatch('add', { by: 1 })])
    expect(seen).toEqual([2])
  })
})

test('records() gives records that nobody can change', async () => {
  const store = await counter.memory([{ type: 'add', payload: { by: 1 } }])
  for await (const record of store.records()) {
    expect(Object.isFrozen(record) && Object.isFrozen(record.payload)).toBe(true)
  }
})

describe('the clock', () => {
  afterEach(() => void vi.useRealTimers())

  test('is asked at each dispatch, so that fake timers may be installed after opening', async () => {
    const store = await counter.memory()
    vi.useFakeTimers({ now: Date.UTC(2030, 0, 1) })
    expect(await store.dispatch('add', { by: 1 })).toMatchObject({ at: '2030-01-01T00:00:00.000Z' })
    vi.setSystemTime(Date.UTC(2031, 0, 1))
    expect(await store.dispatch('add', { by: 1 })).toMatchObject({ at: '2031-01-01T00:00:00.000Z' })
  })
})

describe('an error as JSON', () => {
  test('has the message of a rejection, its code and its details', async () => {
    const store = await counter.memory()
    const rejected = await store.dispatch('add', { by: 10 }).safe()
    expect(JSON.parse(JSON.stringify(rejected))).toEqual({
      ok: false,
      name: 'Rejection',
      code: 'too_many',
      message: 'at most 9',
      details: { most: 9 },
    })
    expect(JSON.parse(JSON.stringify(new Rejection('no', undefined)))).toMatchObject({
      message: 'refused: no',
    })
  })

  test('has the message of a store error, and where it happened', () => {
    const cause: { self?: unknown } = {}
    cause.self = cause
    const error = new StoreError('corrupt', 'line 3 is damaged', {
      path: 'a.jsonl',
      line: 3,
      cause,
    })
    expect(JSON.parse(JSON.stringify({ error }))).toEqual({
      error: {
        name: 'StoreError',
        code: 'corrupt',
        message: 'line 3 is damaged',
        path: 'a.jsonl',
        line: 3,
      },
    })
  })

  test('never fails for what was dispatched, and does not repeat it', async () => {
    const anything = defineStore({
      name: 'anything',
      state: {},
      mutations: { go: { payload: z.any(), apply() {} } },
    })
    const store = await anything.memory()
    for (const payload of [{ secret: 1n }, { secret: new Map([['secret', 1]]) }]) {
      const text = JSON.stringify(await store.dispatch('go', payload).safe())
      expect(text).toContain('which the journal cannot hold')
      expect(JSON.parse(text).details.issues).toEqual([
        { code: 'custom', path: ['secret'], message: expect.any(String) },
      ])
    }
  })

  test('crosses structuredClone, which an error does not', async () => {
    const store = await counter.memory()
    const rejected = await store.dispatch('add', { by: 10 }).safe()
    if (rejected.ok) throw new Error('it was accepted')
    const details: { most: number } | object = structuredClone(rejected.toJSON()).details
    expect(details).toEqual({ most: 9 })
  })
})

test('options that do not fit name the method that was called', async () => {
  const store = await broker.memory()
  const wrong = { key: 7, expectSqe: 1 } as never
  const add = { type: 'addTopic', payload: { name: 'a' } } as const
  const refused = [
    await store.dispatch('addTopic', { name: 'a' }, wrong).safe(),
    await store.dispatchAll([add], wrong).safe(),
    await store.execute('createTopics', { names: ['a'] }, wrong).safe(),
    await store.transaction(() => undefined, wrong).safe(),
  ]
  const methods = ['dispatch', 'dispatchAll', 'execute', 'transaction']
  for (const [index, method] of methods.entries()) {
    const { code, details, message } = refused[index] as unknown as Rejection<string, object>
    expect(code).toBe('invalid')
    expect(details).toMatchObject({ target: method })
    expect(message.startsWith(`${method}: options`)).toBe(true)
  }
})
