import { defineStore, memoryJournal, Rejection, StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { atNoon, broker } from './broker.ts'
import { gatedJournal, settle } from './gated-journal.ts'

describe('a dispatch', () => {
  test('resolves with its seq and commit time once it is in the journal', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal, atNoon)
    const receipt = await store.dispatch('addTopic', { name: 'orders' })
    expect(receipt).toEqual({ ok: true, seq: 1, at: '2026-11-22T12:00:00.000Z', duplicate: false })
    expect(journal.entries).toEqual([
      {
        seq: 1,
        text: '{"at":"2026-11-22T12:00:00.000Z","type":"addTopic","payload":{"name":"orders","partitions":1}}',
      },
    ])
    expect(store.state.topics['orders']).toEqual({
      name: 'orders',
      partitions: 1,
      createdAt: '2026-11-22T12:00:00.000Z',
    })
  })

  test('writes the same mutation as the same bytes, whatever the order of its keys', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal, atNoon)
    await store.dispatch('addTopic', { partitions: 2, name: 'a' })
    await store.dispatch('reset')
    await store.dispatch('addTopic', { name: 'a', partitions: 2 })
    expect(journal.entries[0]?.text).toBe(journal.entries[2]?.text)
    expect(journal.entries[1]?.text).toBe('{"at":"2026-11-22T12:00:00.000Z","type":"reset"}')
  })

  test('shows its effect to the next dispatch at once, and to readers only when durable', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const heard: number[] = []
    store.subscribe((state) => heard.push(state.total))
    const first = store.dispatch('addTopic', { name: 'orders' })
    const second = store.dispatch('addTopic', { name: 'orders' }).safe()
    expect(await second).toMatchObject({ ok: false, code: 'topic_exists' })
    await settle()
    expect(store.state.total).toBe(0)
    expect(store.seq).toBe(0)
    expect(heard).toEqual([])
    journal.appends[0]?.release()
    await first
    expect(store.state.total).toBe(1)
    expect(heard).toEqual([1])
  })

  test('gives reducers a frozen payload that the caller can no longer change', async () => {
    const seen: unknown[] = []
    const notes = defineStore({
      name: 'notes',
      state: { all: [] as { tags: string[] }[] },
      mutations: {
        add: {
          payload: z.object({ tags: z.array(z.string()) }),
          apply(draft, payload) {
            seen.push(Object.isFrozen(payload), Object.isFrozen(payload.tags))
            draft.all.push(payload)
          },
        },
      },
    })
    const store = await notes.memory()
    const mine = { tags: ['a'] }
    const pending = store.dispatch('add', mine)
    mine.tags.push('changed after dispatch')
    await pending
    expect(seen).toEqual([true, true])
    expect(store.state.all).toEqual([{ tags: ['a'] }])
    expect(() => Reflect.apply(Array.prototype.push, store.state.all, [1])).toThrow(TypeError)
  })

  test('can replace the whole state, from a mutation without payload', async () => {
    const store = await broker.memory([{ type: 'addTopic', payload: { name: 'a' } }])
    await store.dispatch('reset')
    expect(store.state).toEqual({ topics: {}, total: 0 })
  })

  test('keeps what it does not touch identical, so that readers can compare by reference', async () => {
    const store = await broker.memory([
      { type: 'addTopic', payload: { name: 'a' } },
      { type: 'addTopic', payload: { name: 'b' } },
    ])
    const before = store.state
    await store.dispatch('setPartitions', { name: 'a', partitions: 9 })
    expect(store.state.topics['b']).toBe(before.topics['b'])
    expect(store.state.topics['a']).not.toBe(before.topics['a'])
    expect(before.topics['a']?.partitions).toBe(1)
  })
})

describe('a refused dispatch', () => {
  async function refused(run: (store: Awaited<ReturnType<typeof open>>['store']) => unknown) {
    const { store, journal } = await open()
    const error = await Promise.resolve(run(store)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(journal.entries).toEqual([])
    // Nothing is blocked by it: the next one goes through.
    expect(await store.dispatch('addTopic', { name: 'next' })).toMatchObject({ seq: 1 })
    return error
  }
  const open = async () => {
    const journal = memoryJournal()
    return { journal, store: await strange.open(journal) }
  }
  const strange = defineStore({
    name: 'strange',
    state: { topics: [] as string[] },
    mutations: {
      addTopic: {
        payload: z.object({ name: z.string() }),
        apply: (draft, { name }) => void draft.topics.push(name),
      },
      throwInApply: {
        apply(draft) {
          draft.topics.push('half done')
          throw new RangeError('no such thing')
        },
      },
      throwInCheck: {
        guard() {
          throw new RangeError('cannot tell')
        },
        apply() {},
      },
      asyncApply: { apply: (() => Promise.reject(new Error('late'))) as unknown as () => void },
      asyncGuard: { guard: (() => Promise.resolve()) as unknown as () => void, apply() {} },
      returnsNumber: { apply: (() => 7) as unknown as () => void },
      returnsNull: { apply: (() => null) as unknown as () => void },
      returnsBoth: {
        apply(draft) {
          draft.topics.push('x')
          return { topics: [] }
        },
      },
      asyncSchema: {
        payload: z.string().refine(async () => true),
        apply() {},
      },
      unstable: { payload: z.string().transform((text) => `${text}!`), apply() {} },
    },
  })

  test('has the code of its rule, and its details', async () => {
    const store = await broker.memory([{ type: 'addTopic', payload: { name: 'a' } }])
    const result = await store.dispatch('addTopic', { name: 'a' }).safe()
    expect(result).toBeInstanceOf(Rejection)
    expect(result).toMatchObject({ ok: false, code: 'topic_exists', details: { name: 'a' } })
    await expect(store.dispatch('addTopic', { name: 'a' })).rejects.toThrow(Rejection)
  })

  test('says which field of the payload did not fit the schema', async () => {
    const store = await broker.memory()
    const result = await store.dispatch('addTopic', { name: '', partitions: 0.5 }).safe()
    if (result.ok || result.code !== 'invalid') throw new Error('expected invalid')
    expect(result.details.target).toBe('addTopic')
    expect(result.details.issues.map(({ path }) => path.join('.'))).toEqual(['name', 'partitions'])
    expect(result.message).toMatch(/addTopic: payload\.name: .*payload\.partitions: /)
  })

  test('is refused for a payload where none is declared', async () => {
    const store = await broker.memory()
    const dispatch = store.dispatch as (type: string, payload: unknown) => Promise<unknown>
    await expect(dispatch('reset', { all: true })).rejects.toMatchObject({ code: 'invalid' })
  })

  test('names the mutation that was probably meant', async () => {
    const error = await refused((store) => store.dispatch('addTopik' as 'addTopic', { name: 'a' }))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'unknown_mutation' })
    expect(String(error)).toContain('did you mean "addTopic"?')
  })

  test.each(['constructor', '__proto__', 'toString', ''])(
    'does not take the name %j for a mutation',
    async (name) => {
      const error = await refused((store) => store.dispatch(name as 'throwInApply'))
      expect(error).toMatchObject({ code: 'unknown_mutation' })
    },
  )

  test.each([
    ['throwInApply', 'apply_failed', /apply of throwInApply failed at seq 1: RangeError: no such/],
    ['throwInCheck', 'check_failed', /RangeError: cannot tell/],
    ['asyncApply', 'apply_failed', /asynchronous/],
    ['asyncGuard', 'check_failed', /asynchronous/],
    ['returnsNumber', 'apply_failed', /it returned 7/],
    ['returnsNull', 'apply_failed', /it returned null/],
    ['returnsBoth', 'apply_failed', /returned a new value \*and\* modified its draft/],
  ] as const)('leaves no trace of %s', async (type, code, message) => {
    const error = await refused((store) => store.dispatch(type))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code })
    expect(String(error)).toMatch(message)
  })

  test('keeps the original error as its cause', async () => {
    const error = await refused((store) => store.dispatch('throwInApply'))
    expect((error as Error).cause).toBeInstanceOf(RangeError)
  })

  test('refuses an asynchronous schema', async () => {
    const error = await refused((store) => store.dispatch('asyncSchema', 'a'))
    expect(error).toMatchObject({ code: 'check_failed' })
  })

  test('refuses a schema that does not accept its own output, at its first dispatch', async () => {
    const error = await refused((store) => store.dispatch('unstable', 'a'))
    expect(error).toMatchObject({ code: 'unstable_payload' })
    expect(String(error)).toContain('unstable')
  })

  test('is not turned into a value by safe() where something is broken', async () => {
    const error = await refused((store) => store.dispatch('throwInApply').safe())
    expect(error).toMatchObject({ code: 'apply_failed' })
  })

  test.each([
    [{ key: '' }],
    [{ key: 'k'.repeat(1025) }],
    [{ key: 7 }],
    [{ expectSeq: -1 }],
    [{ expectSeq: 0.5 }],
    [{ keys: 'mistyped' }],
  ])('refuses options that are not what they should be: %j', async (options) => {
    const error = await refused((store) =>
      store.dispatch('addTopic', { name: 'a' }, options as object),
    )
    expect(String(error)).toContain('options')
    expect(error).toMatchObject({ code: 'invalid', details: { target: 'dispatch' } })
  })

  test('is refused inside a reducer, a guard or a run, where it could only be a mistake', async () => {
    let again = (): Promise<unknown> => Promise.resolve()
    const errors: unknown[] = []
    const record = () => void again().catch((error: unknown) => errors.push(error))
    const nested = defineStore({
      name: 'nested',
      state: { n: 0 },
      mutations: {
        inner: { apply: (draft) => void draft.n++ },
        outer: { guard: () => record(), apply: () => record() },
      },
    })
    const store = await nested.memory()
    again = () => store.dispatch('inner')
    await store.dispatch('outer')
    await store.transaction(() => record())
    expect(errors).toHaveLength(3)
    for (const error of errors) expect(error).toBeInstanceOf(TypeError)
    expect(store.state.n).toBe(0)
    await store.dispatch('inner')
    expect(store.state.n).toBe(1)
  })
})

describe('expectSeq', () => {
  test('lets a dispatch through at that seq, and refuses it with both seqs elsewhere', async () => {
    const store = await broker.memory()
    expect(await store.dispatch('addTopic', { name: 'a' }, { expectSeq: 0 })).toMatchObject({
      seq: 1,
    })
    const late = await store.dispatch('addTopic', { name: 'b' }, { expectSeq: 0 }).safe()
    expect(late).toMatchObject({ code: 'conflict', details: { expected: 0, actual: 1 } })
    expect(store.seq).toBe(1)
  })

  test('sees what is in flight: of two that expect the same seq, one wins', async () => {
    const store = await broker.memory()
    const results = await Promise.all([
      store.dispatch('addTopic', { name: 'a' }, { expectSeq: 0 }).safe(),
      store.dispatch('addTopic', { name: 'b' }, { expectSeq: 0 }).safe(),
    ])
    expect(results.map(({ ok }) => ok)).toEqual([true, false])
  })
})
