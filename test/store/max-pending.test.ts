import { defineStore, memoryJournal, reject } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { perfect, Server } from '../shared/simulated-engine.ts'
import { gatedJournal, settle } from './gated-journal.ts'

const counter = defineStore({
  name: 'counter',
  state: { count: 0 },
  mutations: {
    add: { payload: z.int(), apply: ({ count }, by) => ({ count: count + by }) },
  },
  commands: { addOne: { run: (tx) => void tx.dispatch('add', 1) } },
})

describe('maxPending', () => {
  test('bounds the dispatches that wait; one more is overloaded, was not decided, and is not written', async () => {
    const journal = gatedJournal()
    const store = await counter.open(journal, { maxPending: 3 })
    const first = store.dispatch('add', 1)
    await settle()
    // One is in flight, two wait for the next group.
    const waiting = [store.dispatchAll([{ type: 'add', payload: 1 }]), store.execute('addOne')]
    let decided = 0
    const refused = [
      store.dispatch('add', 1),
      store.dispatchAll([{ type: 'add', payload: 1 }]),
      store.execute('addOne'),
      store.transaction(() => void decided++),
      store.dispatch('add', 1).safe(),
    ]
    for (const each of refused)
      await expect(each).rejects.toMatchObject({
        code: 'overloaded',
        message: expect.stringContaining('3 dispatches wait'),
      })
    expect(decided).toBe(0)
    journal.appends[0]?.release()
    await first
    // There is room for one more, as soon as one is durable.
    const more = store.dispatch('add', 1)
    await settle()
    journal.appends[1]?.release()
    await Promise.all(waiting)
    await settle()
    journal.appends[2]?.release()
    await more
    expect(store.state).toEqual({ count: 4 })
    await store.close()
    expect((await counter.replay(journal)).state).toEqual({ count: 4 })
  })

  test('is 100,000 where nothing is said', async () => {
    const journal = gatedJournal()
    const store = await counter.open(journal)
    const all = Promise.allSettled(Array.from({ length: 100_001 }, () => store.dispatch('add', 1)))
    await settle()
    journal.appends[0]?.fail(new Error('disk'))
    const codes = (await all).map((each) => each.status === 'rejected' && each.reason.code)
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(1)
    expect(codes.at(-1)).toBe('overloaded')
  })

  test('bounds the refused ones too, which wait on a shared journal to be decided again', async () => {
    const gate = defineStore({
      name: 'gate',
      state: { passed: 0 },
      mutations: {
        pass: { guard: () => reject('shut'), apply: (draft) => void draft.passed++ },
      },
    })
    const store = await gate.open(sharedJournal(new Server().engine()), { maxPending: 3 })
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => store.dispatch('pass')))
    const codes = all.map((each) => each.status === 'rejected' && each.reason.code)
    expect(codes.filter((code) => code === 'shut')).toHaveLength(3)
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(17)
    await expect(store.dispatch('pass')).rejects.toMatchObject({ code: 'shut' })
    await store.close()
  })

  test('lets a shared store read what others appended, and decide again what waits', async () => {
    const server = new Server()
    let isAway = true
    const network = { ...perfect, fate: () => (isAway ? 'refused' : 'arrives') as never }
    const store = await counter.open(sharedJournal(server.engine(network)), { maxPending: 1 })
    const waiting = store.dispatch('add', 1)
    await expect(store.dispatch('add', 1)).rejects.toMatchObject({ code: 'overloaded' })
    const other = await counter.open(sharedJournal(server.engine()))
    await other.dispatch('add', 10)
    isAway = false
    expect(await store.refresh()).toEqual({ count: 11 })
    expect(await waiting).toMatchObject({ seq: 2 })
    await store.close()
    await other.close()
  })

  test('must be a number, 1 or more; Infinity is no bound', async () => {
    for (const maxPending of [0, -1, 1.5, Number.NaN, '3'] as number[])
      await expect(counter.open(memoryJournal(), { maxPending })).rejects.toThrow(TypeError)
    const store = await counter.open(memoryJournal(), { maxPending: Number.POSITIVE_INFINITY })
    expect(await store.dispatch('add', 1)).toMatchObject({ seq: 1 })
  })
})
