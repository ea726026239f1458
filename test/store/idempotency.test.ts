import { defineStore, memoryJournal, StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { broker } from './broker.ts'
import { gatedJournal, settle } from './gated-journal.ts'

describe('the same key again', () => {
  test('resolves to the first receipt, and nothing is written', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal)
    const first = await store.dispatch('addTopic', { name: 'a' }, { key: 'req-1' })
    const again = await store.dispatch('addTopic', { name: 'a' }, { key: 'req-1' })
    expect(first.duplicate).toBe(false)
    expect(again).toEqual({ ...first, duplicate: true })
    expect(journal.entries).toHaveLength(1)
    expect(JSON.parse(journal.entries[0]?.text ?? '')).toMatchObject({ key: 'req-1' })
  })

  test('waits for the first where that is still in flight', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const first = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    await settle()
    let answered = false
    const again = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    void again.then(() => {
      answered = true
    })
    await settle()
    expect(answered).toBe(false)
    journal.appends[0]?.release()
    expect(await again).toEqual({ ...(await first), duplicate: true })
    expect(journal.appends).toHaveLength(1)
  })

  test('fails with the first where that fails', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const first = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    const again = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    const both = Promise.allSettled([first, again])
    await settle()
    journal.appends[0]?.fail(new Error('disk'))
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test('is recognised after reopening, for batches too', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal)
    const batch = [{ type: 'addTopic', payload: { name: 'a' } }, { type: 'reset' }] as const
    const one = await store.dispatch('addTopic', { name: 'z' }, { key: 'one' })
    const all = await store.dispatchAll(batch, { key: 'all' })
    await store.close()
    const reopened = await broker.open(journal)
    expect(await reopened.dispatch('addTopic', { name: 'z' }, { key: 'one' })).toEqual({
      ...one,
      duplicate: true,
    })
    expect(await reopened.dispatchAll(batch, { key: 'all' })).toEqual({ ...all, duplicate: true })
    expect(journal.entries).toHaveLength(2)
  })

  test('comes before expectSeq and the guard: it was already answered', async () => {
    const store = await broker.memory()
    await store.dispatch('addTopic', { name: 'a' }, { key: 'k', expectSeq: 0 })
    const again = await store.dispatch('addTopic', { name: 'a' }, { key: 'k', expectSeq: 0 })
    expect(again).toMatchObject({ seq: 1, duplicate: true })
  })

  test('with another payload or another mutation is an error, and nothing is written', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal)
    await store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    for (const reuse of [
      store.dispatch('addTopic', { name: 'b' }, { key: 'k' }),
      store.dispatch('setPartitions', { name: 'a', partitions: 1 }, { key: 'k' }),
      store.dispatchAll([], { key: 'k' }),
    ]) {
      const error = await reuse.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'key_reused', seq: 1 })
    }
    expect(journal.entries).toHaveLength(1)
  })

  test('with what only parses to the same payload is the same request', async () => {
    const store = await broker.memory()
    await store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    const again = await store.dispatch('addTopic', { partitions: 1, name: 'a' }, { key: 'k' })
    expect(again.duplicate).toBe(true)
  })

  test('is free again where the first was refused', async () => {
    const store = await broker.memory([{ type: 'addTopic', payload: { name: 'a' } }])
    const refused = await store.dispatch('addTopic', { name: 'a' }, { key: 'k' }).safe()
    expect(refused.ok).toBe(false)
    expect(await store.dispatch('addTopic', { name: 'b' }, { key: 'k' })).toMatchObject({
      duplicate: false,
    })
  })

  test('is recognised across a new version of the payload', async () => {
    const v1 = defineStore({
      name: 'users',
      state: { names: [] as string[] },
      mutations: {
        add: {
          payload: z.object({ title: z.string() }),
          apply: (draft, { title }) => void draft.names.push(title),
        },
      },
    })
    const v2 = defineStore({
      name: 'users',
      state: { names: [] as string[] },
      mutations: {
        add: {
          payload: z.object({ name: z.string() }),
          upcast: {
            1: z.object({ title: z.string() }).transform(({ title }) => ({ name: title })),
          },
          apply: (draft, { name }) => void draft.names.push(name),
        },
      },
    })
    const journal = memoryJournal()
    const old = await v1.open(journal)
    await old.dispatch('add', { title: 'ann' }, { key: 'k' })
    const store = await v2.open(journal)
    expect(await store.dispatch('add', { name: 'ann' }, { key: 'k' })).toMatchObject({
      seq: 1,
      duplicate: true,
    })
  })
})
