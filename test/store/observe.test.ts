import { getEventListeners, once } from 'node:events'
import { Readable } from 'node:stream'
import { memoryJournal } from 'ministore-ts'
import { describe, expect, test, vi } from 'vitest'
import { atNoon, broker } from './broker.ts'
import { settle } from './gated-journal.ts'

describe('subscribe', () => {
  test('calls the listener once per commit with state, previous state and the records', async () => {
    const store = await broker.memory([], atNoon)
    const listener = vi.fn()
    const unsubscribe = store.subscribe(listener)
    await store.dispatchAll([{ type: 'reset' }, { type: 'addTopic', payload: { name: 'a' } }])
    expect(listener).toHaveBeenCalledTimes(1)
    const at = '2026-11-22T12:00:00.000Z'
    expect(listener).toHaveBeenCalledWith(store.state, store.getInitialState(), [
      { seq: 1, at, type: 'reset', payload: undefined, part: 1, parts: 2 },
      { seq: 1, at, type: 'addTopic', payload: { name: 'a', partitions: 1 }, part: 2, parts: 2 },
    ])
    unsubscribe()
    unsubscribe()
    await store.dispatch('reset')
    expect(listener).toHaveBeenCalledTimes(1)
  })

  test('while a listener runs, the store has the state that it was given, and no later one', async () => {
    const store = await broker.memory()
    const same: boolean[] = []
    store.subscribe((state) => {
      same.push(store.state === state)
      if (same.length < 3) void store.dispatch('addTopic', { name: `n${same.length}` })
    })
    store.subscribe((state) => void same.push(store.state === state))
    // One group: they become durable together.
    await Promise.all(['a', 'b'].map((name) => store.dispatch('addTopic', { name })))
    await settle()
    expect(same.length).toBeGreaterThanOrEqual(6)
    expect(same).toEqual(same.map(() => true))
    await store.close()
  })

  test('with a selector calls only when the selected value changed', async () => {
    const store = await broker.memory()
    const listener = vi.fn()
    store.subscribe((state) => state.topics['a']?.partitions, listener)
    await store.dispatch('addTopic', { name: 'b' })
    expect(listener).not.toHaveBeenCalled()
    await store.dispatch('addTopic', { name: 'a', partitions: 2 })
    await store.dispatch('setPartitions', { name: 'a', partitions: 2 })
    await store.dispatch('setPartitions', { name: 'a', partitions: 3 })
    expect(listener.mock.calls.map(([value, previous]) => [value, previous])).toEqual([
      [2, undefined],
      [3, 2],
    ])
  })

  test('takes an equality of its own, and calls at once where asked to', async () => {
    const store = await broker.memory()
    const listener = vi.fn()
    store.subscribe((state) => Object.keys(state.topics), listener, {
      equals: (a, b) => a.length === b.length,
      immediate: true,
    })
    expect(listener).toHaveBeenLastCalledWith([], [], [])
    await store.dispatch('addTopic', { name: 'a' })
    await store.dispatch('setPartitions', { name: 'a', partitions: 3 })
    expect(listener).toHaveBeenCalledTimes(2)
  })

  test('keeps a throwing listener from harming the store or other listeners', async () => {
    const errors: unknown[] = []
    const store = await broker.memory([], { onListenerError: (error) => errors.push(error) })
    const heard: number[] = []
    store.subscribe(() => {
      throw new Error('first')
    })
    store.subscribe((async () => {
      throw new Error('asynchronous')
    }) as () => void)
    store.subscribe(
      (state) => {
        if (state.total > 0) throw new Error('selector')
      },
      () => undefined,
    )
    store.subscribe((state) => heard.push(state.total))
    expect(await store.dispatch('addTopic', { name: 'a' })).toMatchObject({ seq: 1 })
    expect(await store.dispatch('addTopic', { name: 'b' })).toMatchObject({ seq: 2 })
    await settle()
    expect(heard).toEqual([1, 2])
    expect(errors.map((error) => (error as Error).message).sort()).toEqual(
      ['asynchronous', 'asynchronous', 'first', 'first', 'selector', 'selector'].sort(),
    )
  })

  test('is not harmed by a handler of listener errors that throws itself', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const onListenerError = () => {
      throw new Error('handler')
    }
    const store = await broker.memory([], { onListenerError })
    store.subscribe(() => {
      throw new Error('listener')
    })
    expect(await store.dispatch('addTopic', { name: 'a' })).toMatchObject({ seq: 1 })
    expect(await store.dispatch('addTopic', { name: 'b' })).toMatchObject({ seq: 2 })
    expect(log).toHaveBeenCalledTimes(2)
    log.mockRestore()
  })

  test('lets a listener dispatch, subscribe and unsubscribe', async () => {
    const store = await broker.memory()
    const late = vi.fn()
    const done: Promise<unknown>[] = []
    const unsubscribe = store.subscribe(() => {
      unsubscribe()
      store.subscribe(late)
      done.push(store.dispatch('addTopic', { name: 'from the listener' }))
    })
    await store.dispatch('addTopic', { name: 'a' })
    await Promise.all(done)
    expect(store.seq).toBe(2)
    expect(late).toHaveBeenCalledTimes(1)
  })

  test('refuses at once what is no function', async () => {
    const store = await broker.memory()
    const subscribe = store.subscribe as (...given: unknown[]) => unknown
    const selector = () => 1
    for (const given of [[], [5], [selector, 5], [5, selector]])
      expect(() => subscribe(...given), String(given)).toThrow(/^subscribe: the \w+ must be a func/)
    const equals = () => subscribe(selector, selector, { equals: 5 })
    expect(equals).toThrow(/^subscribe: options\.equals must be a function/)
  })

  test('has methods that work without their object, as useSyncExternalStore calls them', async () => {
    const { getState, getInitialState, subscribe, dispatch } = await broker.memory()
    const listener = vi.fn()
    subscribe(listener)
    await dispatch('addTopic', { name: 'a' })
    expect(listener).toHaveBeenCalled()
    expect(getState().total).toBe(1)
    expect(getInitialState().total).toBe(0)
  })
})

describe('records', () => {
  const open = async (count: number) => {
    const store = await broker.open(memoryJournal(), atNoon)
    for (let n = 1; n <= count; n++) await store.dispatch('addTopic', { name: `t${n}` })
    return store
  }
  const seqs = async (records: AsyncIterable<{ seq: number }>) => {
    const all: number[] = []
    for await (const { seq } of records) all.push(seq)
    return all
  }

  test('gives what was committed, after and until a seq', async () => {
    const store = await open(5)
    expect(await seqs(store.records())).toEqual([1, 2, 3, 4, 5])
    expect(await seqs(store.records({ after: 2 }))).toEqual([3, 4, 5])
    expect(await seqs(store.records({ after: 1, until: 3 }))).toEqual([2, 3])
    expect(await seqs(store.records({ after: 9 }))).toEqual([])
  })

  test('gives the mutations of a batch one by one, with the same seq', async () => {
    const store = await open(0)
    await store.dispatchAll([{ type: 'reset' }, { type: 'addTopic', payload: { name: 'a' } }])
    const all = []
    for await (const { seq, type, part, parts } of store.records()) {
      all.push({ seq, type, part, parts })
    }
    expect(all).toEqual([
      { seq: 1, type: 'reset', part: 1, parts: 2 },
      { seq: 1, type: 'addTopic', part: 2, parts: 2 },
    ])
  })

  test('with follow waits for more, until the store closes', async () => {
    const store = await open(2)
    const following = seqs(store.records({ follow: true }))
    await settle()
    await store.dispatch('reset')
    await settle()
    await store.dispatch('reset')
    await settle()
    await store.close()
    expect(await following).toEqual([1, 2, 3, 4])
  })

  test('with follow ends at `until` by itself', async () => {
    const store = await open(1)
    const following = seqs(store.records({ follow: true, until: 3 }))
    for (let n = 0; n < 4; n++) await store.dispatch('reset')
    expect(await following).toEqual([1, 2, 3])
  })

  test('reads on only when asked: a slow reader holds nothing in memory', async () => {
    const journal = memoryJournal()
    let read = 0
    const counted = {
      ...journal,
      async *read(after: number, options?: { to?: number | undefined }) {
        for await (const entries of journal.read(after, options)) {
          for (const entry of entries) {
            read += 1
            yield [entry]
          }
        }
      },
    }
    const store = await broker.open(counted)
    for (let n = 0; n < 100; n++) await store.dispatch('reset')
    read = 0
    const records = store.records({ follow: true })
    await records.next()
    await records.next()
    await settle()
    expect(read).toBeLessThanOrEqual(3)
    await records.return?.()
  })

  test('ends with the reason of its signal, waiting or not', async () => {
    const store = await open(1)
    const controller = new AbortController()
    const records = store.records({ follow: true, signal: controller.signal })
    await records.next()
    const waiting = records.next()
    await settle()
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    const late = store.records({ signal: controller.signal })
    await expect(late.next()).rejects.toThrow('enough')
  })

  test('ends at once on an idle store when its reader goes away', async () => {
    const store = await open(1)
    const records = store.records({ follow: true })
    await records.next()
    const waiting = [records.next(), records.next()]
    await settle()
    expect(await records.return?.()).toEqual({ done: true, value: undefined })
    for (const each of waiting) expect(await each).toEqual({ done: true, value: undefined })
    await store.dispatch('reset')
    expect(await records.next()).toEqual({ done: true, value: undefined })
  })

  test('ends at once when it is asked to throw while it waits', async () => {
    const store = await open(1)
    const records = store.records({ follow: true })
    await records.next()
    const waiting = records.next()
    await expect(records.throw?.(new Error('enough'))).rejects.toThrow('enough')
    expect(await waiting).toEqual({ done: true, value: undefined })
  })

  test('ends at once as a Readable that is destroyed', async () => {
    const store = await open(1)
    const readable = Readable.from(store.records({ follow: true })).resume()
    await once(readable, 'data')
    await settle()
    readable.destroy()
    await once(readable, 'close')
  })

  test('leaves nothing on its store or its signal, however it ended', async () => {
    const store = await open(1)
    const listeners = () => getEventListeners(signal, 'abort').length
    const { signal } = new AbortController()
    const followers = Array.from({ length: 50 }, () => store.records({ follow: true, signal }))
    for (const each of followers) await each.next()
    const waiting = followers.map((each) => each.next())
    await settle()
    expect(listeners()).toBe(1)
    const [first, ...others] = followers
    await first?.return?.()
    expect(listeners()).toBe(1)
    await store.dispatch('reset')
    await Promise.all(waiting)
    expect(listeners()).toBe(0)
    const again = others.map((each) => each.next())
    await settle()
    await store.close()
    expect((await Promise.all(again)).every(({ done }) => done)).toBe(true)
    expect(listeners()).toBe(0)
  })

  test('one signal for many followers, of several stores, warns of nothing', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => void warnings.push(warning)
    process.on('warning', onWarning)
    const controller = new AbortController()
    const stores = await Promise.all([open(0), open(0)])
    const { signal } = controller
    const ends = stores.flatMap((store) =>
      Array.from({ length: 30 }, () =>
        seqs(store.records({ follow: true, signal })).catch((error) => error.name),
      ),
    )
    for (const store of stores) for (let n = 0; n < 20; n++) await store.dispatch('reset')
    await settle()
    controller.abort()
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['AbortError']))
    expect(getEventListeners(signal, 'abort')).toEqual([])
    // Node gives its warnings on the next tick.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})
