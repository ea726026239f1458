import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineStore, memoryJournal, reject, StoreError, type StoreEvent } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { names } from '../shared/names.ts'
import { perfect, Server } from '../shared/simulated-engine.ts'
import { broker } from '../store/broker.ts'
import { gatedJournal, settle } from '../store/gated-journal.ts'

/** A store, as JavaScript sees it. */
type Loose = {
  readonly [M in 'dispatch' | 'execute' | 'transaction']: (given: unknown) => Promise<unknown>
}

type Of<T extends StoreEvent['type']> = Extract<StoreEvent, { type: T }>

/** What an observer was told. */
class Told {
  readonly events: StoreEvent[] = []
  readonly observer = (event: StoreEvent): void => void this.events.push(event)
  of<T extends StoreEvent['type']>(type: T): Of<T>[] {
    return this.events.filter((event): event is Of<T> => event.type === type)
  }
}

afterEach(() => vi.restoreAllMocks())

describe('a dispatch that is observed', () => {
  test('is reported with its mutations, outcome, code and durations', async () => {
    const told = new Told()
    const store = await broker.memory([], { observer: told.observer })
    await store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    await store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    await store.dispatch('addTopic', { name: 'a' }).safe()
    await store.dispatch('addTopic', { name: '' }).safe()
    await store.dispatch('addTopic', { name: 'b' }, { expectSeq: 9 }).safe()
    await store.dispatchAll([
      { type: 'setPartitions', payload: { name: 'a', partitions: 2 } },
      { type: 'reset' },
    ])
    await store.execute('createTopics', { names: ['c', 'd'] })
    await store.execute('createTopics', { names: [] })
    await store.transaction(() => reject('not_today')).safe()
    const seen = told.of('dispatch').map(({ method, command, mutations, outcome, code, seq }) => {
      return [method, command, mutations.join(), outcome, code, seq]
    })
    expect(seen).toEqual([
      ['dispatch', undefined, 'addTopic', 'committed', undefined, 1],
      ['dispatch', undefined, 'addTopic', 'duplicate', undefined, 1],
      ['dispatch', undefined, 'addTopic', 'rejected', 'topic_exists', undefined],
      ['dispatch', undefined, 'addTopic', 'rejected', 'invalid', undefined],
      ['dispatch', undefined, 'addTopic', 'rejected', 'conflict', undefined],
      ['dispatchAll', undefined, 'setPartitions,reset', 'committed', undefined, 2],
      ['execute', 'createTopics', 'addTopic,addTopic', 'committed', undefined, 3],
      ['execute', 'createTopics', '', 'unchanged', undefined, 3],
      ['transaction', undefined, '', 'rejected', 'not_today', undefined],
    ])
    expect(told.of('dispatch')[0]).toMatchObject({
      store: 'broker',
      journal: 'memory',
      decisions: 1,
    })
  })

  test('says how long its guard, its reducer and its append took', async () => {
    const told = new Told()
    const wait = (milliseconds: number) => {
      for (const end = performance.now() + milliseconds; performance.now() < end; );
    }
    const slow = defineStore({
      name: 'slow',
      state: { count: 0 },
      mutations: {
        go: {
          payload: z.object({ guard: z.number(), apply: z.number() }),
          guard(_state, { guard }) {
            wait(guard)
            return guard > 30 ? reject('slow') : undefined
          },
          apply: (_draft, { apply }) => wait(apply),
        },
      },
    })
    const journal = gatedJournal()
    const store = await slow.open(journal, { observer: told.observer })
    const sent = store.dispatch('go', { guard: 20, apply: 5 })
    await settle()
    wait(40)
    journal.appends[0]?.release()
    await sent
    await store.dispatch('go', { guard: 31, apply: 0 }).safe()
    const [first, refused] = told.of('dispatch')
    // Lower limits only: on a busy machine, anything can take longer.
    expect(first?.check).toBeGreaterThanOrEqual(20)
    expect(first?.draft).toBeGreaterThanOrEqual(5)
    expect(first?.append).toBeGreaterThanOrEqual(40)
    const { check = 0, draft = 0, append = 0, duration = 0 } = first ?? {}
    expect(check + draft + append).toBeLessThanOrEqual(duration)
    expect(draft).toBeLessThan(duration - 50)
    expect(refused?.check).toBeGreaterThanOrEqual(31)
    expect(refused).not.toHaveProperty('append')
  })

  test('is failed with a code, or unknown, where something is broken', async () => {
    const told = new Told()
    const journal = gatedJournal()
    const store = await broker.open(journal, { observer: told.observer })
    const loose = store as unknown as Loose
    const outcomes = [
      loose.dispatch('no such type, but a secret'),
      loose.execute('no such command, but a secret'),
      loose.transaction(5),
      store.dispatch('setPartitions', { name: 'none', partitions: 1 }),
      store.dispatch('reset'),
    ].map((each) => each.then(String, () => 'failed'))
    await settle()
    journal.appends[0]?.fail(new StoreError('unknown', 'it broke'))
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['failed']))
    const seen = told.of('dispatch').map(({ outcome, code }) => [outcome, code])
    expect(seen.map(String).toSorted()).toEqual([
      'failed,',
      'failed,apply_failed',
      'failed,unknown_mutation',
      'failed,unknown_mutation',
      'unknown,unknown',
    ])
    expect(JSON.stringify(told.events)).not.toContain('secret')
    expect(told.of('append')).toMatchObject([{ outcome: 'failed', code: 'unknown', records: 1 }])
    expect(told.of('stop')).toMatchObject([{ code: 'unknown', store: 'broker' }])
  })

  test('names no mutation that the definition does not have, whatever was asked for', async () => {
    const told = new Told()
    const store = await broker.memory([], { observer: told.observer })
    const ask = store.dispatchAll as unknown as (...given: unknown[]) => Promise<unknown>
    const given = [{ type: 'a secret' }, { type: 'reset' }]
    await expect(ask(given, { expectSeq: 9 })).rejects.toMatchObject({ code: 'conflict' })
    expect(told.of('dispatch')).toMatchObject([{ mutations: ['reset'], code: 'conflict' }])
  })

  test('has nothing of a payload, a state, a message or metadata but its traceparent', async () => {
    const told = new Told()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const notes = defineStore({
      name: 'notes',
      state: { notes: ['secret of the state'] },
      metadata: z.object({ actor: z.string() }),
      mutations: {
        add: {
          payload: z.string(),
          guard: (_state, text) =>
            text.includes('!') ? reject('loud', { text }, `too loud: ${text}`) : undefined,
          apply: (draft, text) => void draft.notes.push(text),
        },
      },
    })
    const directory = mkdtempSync(join(tmpdir(), 'ministore-observer-'))
    const store = await notes.open(join(directory, 'notes.jsonl'), { observer: told.observer })
    const metadata = { actor: 'secret actor', traceparent, correlationId: 'secret id' }
    await store.dispatch('add', 'secret payload', { metadata, key: 'secret key' })
    await store.dispatch('add', 'secret!', { metadata }).safe()
    await store.snapshot()
    await store.compact()
    await store.close()
    expect(told.events.map(({ type }) => type)).toEqual(
      'replay append dispatch dispatch snapshot compaction'.split(' '),
    )
    expect(JSON.stringify(told.events)).not.toContain('secret')
    expect(told.of('dispatch').map((event) => event.traceparent)).toEqual([
      traceparent,
      traceparent,
    ])
  })

  test('calls the observer in the asynchronous context of its caller', async () => {
    const requests = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const observer = ({ type }: StoreEvent) => {
      if (type === 'dispatch') seen.push(requests.getStore())
    }
    const store = await broker.memory([], { observer })
    const ask = (id: string) => requests.run(id, () => store.dispatch('addTopic', { name: id }))
    await Promise.all([ask('one'), ask('two'), ask('three')])
    expect(seen).toEqual(['one', 'two', 'three'])
  })

  test('succeeds where the observer throws', async () => {
    const observer = vi.fn(() => {
      throw new Error('the observer is broken')
    })
    const store = await broker.memory([], { observer })
    await store.dispatch('addTopic', { name: 'a' })
    const refused = await store.dispatch('addTopic', { name: 'a' }).safe()
    expect(refused).toMatchObject({ ok: false, code: 'topic_exists' })
    expect(store.state.total).toBe(1)
    expect(observer).toHaveBeenCalledTimes(4)
  })
})

describe('the channels of node:diagnostics_channel', () => {
  test('have the events of every store, from the moment that somebody listens', async () => {
    const store = await broker.memory()
    await store.dispatch('addTopic', { name: 'before' })
    const heard: unknown[] = []
    const listener = (event: unknown) => void heard.push(event)
    subscribe('ministore:dispatch', listener)
    try {
      await store.dispatch('addTopic', { name: 'a' })
    } finally {
      unsubscribe('ministore:dispatch', listener)
    }
    await store.dispatch('addTopic', { name: 'after' })
    expect(heard).toMatchObject([
      { type: 'dispatch', outcome: 'committed', mutations: ['addTopic'] },
    ])
  })

  test('are one for each type of event', async () => {
    const told = new Told()
    const types = 'dispatch append replay snapshot compaction follow reconnect stop'.split(' ')
    const heard: string[] = []
    const listener = (_event: unknown, name: string | symbol) => void heard.push(String(name))
    for (const type of types) subscribe(`ministore:${type}`, listener)
    try {
      const directory = mkdtempSync(join(tmpdir(), 'ministore-channels-'))
      const path = join(directory, 'broker.jsonl')
      const store = await broker.open(path, { observer: told.observer })
      await store.dispatch('addTopic', { name: 'a' })
      await store.snapshot()
      await store.compact()
      await store.close()
      const shared = await twoWriters(told, told)
      await shared.close()
      const gated = gatedJournal()
      const stopping = await broker.open(gated, { observer: told.observer })
      const lost = stopping.dispatch('reset').then(String, () => 'failed')
      await settle()
      gated.appends[0]?.fail(new Error('the disk is gone'))
      await lost
    } finally {
      for (const type of types) unsubscribe(`ministore:${type}`, listener)
    }
    expect(heard).toEqual(told.events.map(({ type }) => `ministore:${type}`))
    expect([...new Set(heard)].toSorted()).toEqual(
      types.map((each) => `ministore:${each}`).toSorted(),
    )
  })

  test('cost a look at whether somebody listens, and nothing is measured then', async () => {
    const store = await broker.open(memoryJournal())
    expect(channel('ministore:dispatch').hasSubscribers).toBe(false)
    const measured = vi.spyOn(performance, 'now')
    await store.dispatch('addTopic', { name: 'a' })
    await store.execute('createTopics', { names: ['b'] })
    await store.dispatch('addTopic', { name: 'a' }).safe()
    expect(measured).not.toHaveBeenCalled()
  })
})

/** Two stores on one journal whose engine is away twice, and who both take the same name at once. */
async function twoWriters(told: Told, others = new Told()) {
  const server = new Server()
  let failures = 2
  const network = { ...perfect, isAway: () => failures-- > 0 }
  const now = () => Date.parse('2026-01-01T00:00:07.000Z')
  const writer = await names.open(sharedJournal(server.engine()), {
    observer: others.observer,
    now: () => Date.parse('2026-01-01T00:00:02.000Z'),
  })
  const observed = await names.open(sharedJournal(server.engine(network)), {
    observer: told.observer,
    now,
  })
  await Promise.all([
    writer.dispatch('take', { name: 'x', by: 'writer' }),
    observed.dispatch('take', { name: 'y', by: 'observed' }),
  ])
  await writer.close()
  return observed
}

describe('an append that is observed', () => {
  test('has the records of all dispatches that share it, and those that wait', async () => {
    const told = new Told()
    const journal = gatedJournal()
    const store = await broker.open(journal, { observer: told.observer })
    const add = (name: string) => store.dispatch('addTopic', { name })
    const first = [add('a'), add('b'), add('c')]
    await settle()
    const second = add('d')
    journal.appends[0]?.release()
    await Promise.all(first)
    await settle()
    journal.appends[1]?.release()
    await second
    expect(told.of('append')).toMatchObject([
      { outcome: 'durable', records: 3, pending: 4 },
      { outcome: 'durable', records: 1, pending: 1 },
    ])
  })

  test('says how long a disk took to make it durable', async () => {
    const told = new Told()
    const directory = mkdtempSync(join(tmpdir(), 'ministore-sync-'))
    const options = { observer: told.observer }
    const store = await broker.open(join(directory, 'broker.jsonl'), options)
    await store.dispatch('reset')
    await store.close()
    const [{ duration = 0, sync = 0 } = {}] = told.of('append')
    expect(sync).toBeGreaterThan(0)
    expect(sync).toBeLessThanOrEqual(duration)
  })
})

describe('opening that is observed', () => {
  test('has the records, the snapshot, and whether the replay was the slow one', async () => {
    const told = new Told()
    const options = { observer: told.observer }
    const path = join(mkdtempSync(join(tmpdir(), 'ministore-replay-')), 'broker.jsonl')
    const first = await broker.open(path, options)
    for (const name of ['a', 'b', 'c']) await first.dispatch('addTopic', { name })
    await first.snapshot()
    await first.dispatch('reset')
    await first.close()
    await broker.open(path, options).then((store) => store.close())
    const dated = defineStore({
      name: 'dated',
      state: { at: null as object | null },
      mutations: {
        touch: { apply: (draft, _payload, { at }) => Object.assign(draft, { at: new Date(at) }) },
      },
    })
    await dated.memory([{ type: 'touch' }], options)
    const seen = told.of('replay')
    expect(seen).toMatchObject([
      { records: 0, fallback: false },
      { records: 1, fallback: false, snapshot: 3 },
      { records: 1, fallback: true, store: 'dated' },
    ])
    for (const { duration } of seen) expect(duration).toBeGreaterThan(0)
  })
})

describe('a snapshot or a compaction that is observed', () => {
  test('has its duration and bytes; a failure has its code', async () => {
    const told = new Told()
    const options = { observer: told.observer }
    const path = join(mkdtempSync(join(tmpdir(), 'ministore-kept-')), 'broker.jsonl')
    const store = await broker.open(path, options)
    for (const name of ['a', 'b', 'c']) await store.dispatch('addTopic', { name })
    const { bytes } = await store.snapshot()
    const { before, bytes: after } = await store.compact()
    await store.close()
    const bad = defineStore({
      name: 'bad',
      state: { at: null as object | null },
      mutations: {
        touch: { apply: (draft, _payload, { at }) => Object.assign(draft, { at: new Date(at) }) },
      },
    })
    const other = await bad.open(`${path}.bad`, options)
    await other.dispatch('touch')
    await expect(other.snapshot()).rejects.toMatchObject({ code: 'invalid_state' })
    await other.close()
    expect(told.of('snapshot')).toMatchObject([
      { outcome: 'written', seq: 3, bytes },
      { outcome: 'failed', code: 'invalid_state' },
    ])
    expect(told.of('compaction')).toMatchObject([
      { outcome: 'written', seq: 3, before, bytes: after },
    ])
    expect(told.of('compaction')[0]?.duration).toBeGreaterThan(0)
  })
})

describe('a store with other writers that is observed', () => {
  test('reports conflicts, what was decided again, how late it follows, and that the engine is back', async () => {
    const told = new Told()
    const store = await twoWriters(told)
    expect(told.of('append').map(({ outcome }) => outcome)).toEqual(['conflict', 'durable'])
    expect(told.of('follow')).toMatchObject([{ records: 1, seq: 1, lag: 5_000, decidedAgain: 1 }])
    expect(told.of('dispatch')).toMatchObject([{ outcome: 'committed', decisions: 2, seq: 2 }])
    expect(told.of('reconnect')).toMatchObject([{ attempts: 2 }])
    await store.close()
  })
})
