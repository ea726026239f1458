import { defineStore, type Journal, memoryJournal, StoreError } from 'ministore-ts'
import { digest } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atNoon, broker } from './broker.ts'

const at = '2026-11-22T12:00:00.000Z'
const record = (fields: object) => JSON.stringify({ at, ...fields })
const thrownBy = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('replay', () => {
  test('gives the state that was live, from the records alone', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal, atNoon)
    await store.dispatch('addTopic', { name: 'a' })
    await store.dispatchAll([
      { type: 'setPartitions', payload: { name: 'a', partitions: 3 } },
      { type: 'addTopic', payload: { name: 'b' } },
    ])
    const reopened = await broker.open(journal)
    expect(reopened.state).toEqual(store.state)
    expect(reopened.seq).toBe(2)
    expect(reopened.recovery).toEqual({ created: false, records: 2 })
  })

  test('gives the state at any seq, with its digest', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal)
    for (const name of ['a', 'b', 'c']) await store.dispatch('addTopic', { name })
    for (const until of [0, 1, 2, 3]) {
      const replayed = await broker.replay(journal, { until })
      expect(replayed).toMatchObject({ seq: until, records: until })
      expect(Object.keys(replayed.state.topics)).toEqual(['a', 'b', 'c'].slice(0, until))
    }
    const whole = await broker.replay(journal)
    expect(whole.digest).toBe(await digest(store.state))
    expect(whole.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('skips records that it already has, so meeting one twice is harmless', async () => {
    const journal = memoryJournal([
      record({ type: 'addTopic', payload: { name: 'a', partitions: 1 } }),
      record({ type: 'addTopic', payload: { name: 'b', partitions: 1 } }),
    ])
    const repeating: Journal = {
      ...journal,
      async *read() {
        yield journal.entries
        yield journal.entries
      },
    }
    const store = await broker.open(repeating)
    expect(store.seq).toBe(2)
    expect(store.state.total).toBe(2)
  })

  test('refuses a journal with a gap', async () => {
    const journal: Journal = {
      ...memoryJournal(),
      async *read() {
        yield [{ seq: 2, text: record({ type: 'reset' }) }]
      },
    }
    const error = await thrownBy(broker.open(journal))
    expect(error).toMatchObject({ code: 'corrupt', seq: 1 })
    expect(String(error)).toContain('record 1 is missing, 2 comes instead')
  })

  test('does not ask the rules again: they may be tightened', async () => {
    const add = { type: 'addTopic', payload: { name: 'a', partitions: 1 } } as const
    const store = await broker.memory([add, add])
    expect(store.state.total).toBe(2)
  })

  test('names a mutation that the definition does not have, and what to do', async () => {
    const error = await thrownBy(broker.open(memoryJournal([record({ type: 'addTopics' })])))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'unknown_mutation', seq: 1 })
    expect(String(error)).toContain(
      'record 1: "addTopics" is not in mutations or retired; did you mean "addTopic"?',
    )
  })

  test('stops at a reducer that throws, naming the record', async () => {
    const text = record({ type: 'setPartitions', payload: { name: 'none', partitions: 1 } })
    const error = await thrownBy(broker.open(memoryJournal([text])))
    expect(error).toMatchObject({ code: 'apply_failed', seq: 1, path: 'memory' })
    expect(String(error)).toContain('memory: apply of setPartitions failed at seq 1')
    expect(String(error)).toContain('no topic none')
    const again = await thrownBy(broker.replay(memoryJournal([text], 'old.jsonl')))
    expect(again).toMatchObject({ code: 'apply_failed', path: 'old.jsonl' })
  })

  test('closes the journal that it could not replay', async () => {
    let isClosed = false
    const journal: Journal = {
      ...memoryJournal(['not JSON']),
      async close() {
        isClosed = true
      },
    }
    expect(await thrownBy(broker.open(journal))).toMatchObject({ code: 'corrupt', seq: 1 })
    expect(isClosed).toBe(true)
  })
})

describe('evolution', () => {
  const users = defineStore({
    name: 'users',
    state: { users: [] as { name: string; role: string }[] },
    mutations: {
      addUser: {
        payload: z.object({ name: z.string(), role: z.string().default('reader') }),
        upcast: {
          1: z.string().transform((name) => ({ name })),
          2: z.object({ title: z.string() }).transform(({ title }) => ({ name: title })),
        },
        apply: (draft, user) => void draft.users.push(user),
      },
    },
    retired: {
      dropUser: {
        payload: z.object({ name: z.string() }),
        apply(draft, { name }) {
          draft.users = draft.users.filter((user) => user.name !== name)
        },
      },
    },
  })

  test('brings old payloads to the current version, defaults included', async () => {
    const store = await users.open(
      memoryJournal([
        record({ type: 'addUser', payload: 'ann' }),
        record({ type: 'addUser', v: 2, payload: { title: 'ben' } }),
        record({ type: 'addUser', v: 3, payload: { name: 'cid', role: 'admin' } }),
      ]),
    )
    expect(store.state.users).toEqual([
      { name: 'ann', role: 'reader' },
      { name: 'ben', role: 'reader' },
      { name: 'cid', role: 'admin' },
    ])
    const payloads = []
    for await (const { payload } of store.records()) payloads.push(payload)
    expect(payloads[1]).toEqual({ name: 'ben', role: 'reader' })
  })

  test('writes the current version', async () => {
    const journal = memoryJournal()
    const store = await users.open(journal, atNoon)
    await store.dispatch('addUser', { name: 'ann' })
    expect(journal.entries[0]?.text).toBe(
      `{"at":"${at}","type":"addUser","v":3,"payload":{"name":"ann","role":"reader"}}`,
    )
  })

  test('replays retired mutations, which can no longer be dispatched', async () => {
    const store = await users.open(
      memoryJournal([
        record({ type: 'addUser', v: 3, payload: { name: 'ann', role: 'x' } }),
        record({ type: 'dropUser', payload: { name: 'ann' } }),
      ]),
    )
    expect(store.state.users).toEqual([])
    const dispatch = store.dispatch as (type: string, payload: unknown) => Promise<unknown>
    const error = await thrownBy(dispatch('dropUser', { name: 'ann' }))
    expect(error).toMatchObject({ code: 'unknown_mutation' })
  })

  test('refuses a payload of a newer version, and says what to do', async () => {
    const journal = memoryJournal([record({ type: 'addUser', v: 4, payload: {} })])
    const error = await thrownBy(users.open(journal))
    expect(error).toMatchObject({ code: 'newer_format', seq: 1 })
    expect(String(error)).toContain('addUser has payload version 4')
    expect(String(error)).toContain('run newer code')
  })

  test('names the record whose old payload its upcaster does not take', async () => {
    const journal = memoryJournal([record({ type: 'addUser', v: 2, payload: { name: 'x' } })])
    const error = await thrownBy(users.open(journal))
    expect(error).toMatchObject({ code: 'upcast_failed', seq: 1 })
    expect(String(error)).toContain('version 2 of addUser')
  })
})
