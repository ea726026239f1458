// Opening replays in place where it can; what else it promises holds either way.
import { current } from 'immer'
import { defineStore, type Journal, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

/** `slow` cannot be replayed in place. */
const words = defineStore({
  name: 'words',
  state: { all: [] as string[] },
  mutations: {
    add: { payload: z.string(), apply: (draft, word) => void draft.all.push(word) },
    slow: {
      payload: z.string(),
      apply: (draft, word) => void draft.all.push(`${word}${current(draft).all.length}`),
    },
    fail: {
      apply() {
        throw new Error('never')
      },
    },
  },
})

const record = (fields: object) => JSON.stringify({ at: '2026-11-22T12:00:00.000Z', ...fields })
const add = record({ type: 'add', payload: 'a' })
const slow = record({ type: 'slow', payload: 's' })

/** A journal that counts how often it is read. */
function counted(texts: readonly string[]): Journal & { reads: number } {
  const journal = memoryJournal(texts)
  return {
    ...journal,
    reads: 0,
    read(after, options) {
      this.reads += 1
      return journal.read(after, options)
    },
  }
}

describe.each(['add', 'slow'] as const)('opening a journal of %s', (type) => {
  test('remembers its idempotency keys', async () => {
    const journal = memoryJournal()
    const live = await words.open(journal)
    for (const key of ['1', '2']) await live.dispatch(type, key, { key })
    const store = await words.open(journal)
    expect(store.recovery.records).toBe(2)
    expect(store.recovery.fallback === undefined).toBe(type === 'add')
    expect(await store.dispatch(type, '1', { key: '1' })).toMatchObject({ seq: 1, duplicate: true })
    await expect(store.dispatch(type, '2', { key: '1' })).rejects.toMatchObject({
      code: 'key_reused',
    })
    expect(await store.dispatch(type, '3', { key: '3' })).toMatchObject({ seq: 3 })
  })

  test('gives the state at any seq', async () => {
    const journal = memoryJournal()
    const live = await words.open(journal)
    const states = [live.state]
    for (const word of ['x', 'y', 'z']) {
      await live.dispatch(type, word)
      states.push(live.state)
    }
    for (const [until, state] of states.entries()) {
      expect(await words.replay(journal, { until })).toMatchObject({ seq: until, state })
    }
  })
})

test('a record behind the wanted one is not replayed', async () => {
  const journal = counted([add, slow, 'what is this?'])
  expect(await words.replay(journal, { until: 1 })).toMatchObject({ state: { all: ['a'] } })
  expect(journal.reads).toBe(1)
})

test('the journal is read once, and once more where it cannot be replayed in place', async () => {
  const [fast, long] = [counted([add, add]), counted([add, slow, slow])]
  expect((await words.open(fast)).recovery).toEqual({ created: false, records: 2 })
  expect((await words.open(long)).recovery).toMatchObject({
    records: 3,
    fallback: expect.stringContaining('record 2 cannot be replayed in place: '),
  })
  expect([fast.reads, long.reads]).toEqual([1, 2])
})

test.each<[string, string, string]>([
  ['what is no record', 'what is this?', 'corrupt'],
  ['a mutation that is not there', record({ type: 'ad' }), 'unknown_mutation'],
  ['a payload of a newer version', record({ type: 'add', v: 2, payload: '' }), 'newer_format'],
])('%s is told at once, without another replay', async (_, text, code) => {
  const journal = counted([add, text])
  await expect(words.open(journal)).rejects.toMatchObject({ code, seq: 2 })
  expect(journal.reads).toBe(1)
})

test('a reducer that fails is told in the words of a live store', async () => {
  const journal = counted([add, record({ type: 'fail' })])
  await expect(words.open(journal)).rejects.toMatchObject({
    code: 'apply_failed',
    seq: 2,
    message: 'memory: apply of fail failed at seq 2: Error: never',
  })
})
