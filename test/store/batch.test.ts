import { memoryJournal, reject } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { atNoon, broker } from './broker.ts'

describe('a batch', () => {
  test('is one record with one seq, and its reducers see earlier effects', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal, atNoon)
    const receipt = await store.dispatchAll([
      { type: 'addTopic', payload: { name: 'a' } },
      { type: 'setPartitions', payload: { name: 'a', partitions: 4 } },
    ])
    expect(receipt.seq).toBe(1)
    expect(store.state.topics['a']?.partitions).toBe(4)
    expect(journal.entries).toHaveLength(1)
    expect(JSON.parse(journal.entries[0]?.text ?? '')).toEqual({
      at: '2026-11-22T12:00:00.000Z',
      batch: [
        { type: 'addTopic', payload: { name: 'a', partitions: 1 } },
        { type: 'setPartitions', payload: { name: 'a', partitions: 4 } },
      ],
    })
  })

  test('happens altogether or not at all', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal)
    const result = await store
      .dispatchAll([
        { type: 'addTopic', payload: { name: 'a' } },
        { type: 'addTopic', payload: { name: 'a' } },
      ])
      .safe()
    expect(result).toMatchObject({ code: 'topic_exists' })
    expect(journal.entries).toEqual([])
    expect(store.state.total).toBe(0)
    expect(await store.dispatch('addTopic', { name: 'a' })).toMatchObject({ seq: 1 })
  })

  test('without mutations writes nothing', async () => {
    const store = await broker.memory([{ type: 'addTopic', payload: { name: 'a' } }])
    expect(await store.dispatchAll([])).toMatchObject({ ok: true, seq: 1 })
    expect(store.seq).toBe(1)
  })
})

describe('a transaction', () => {
  test('decides on the state that its own dispatches made', async () => {
    const store = await broker.memory()
    const seen: number[] = []
    const { value, seq } = await store.transaction((tx) => {
      seen.push(tx.state.total)
      const meta = tx.dispatch('addTopic', { name: 'a' })
      seen.push(tx.state.total)
      tx.dispatch('setPartitions', { name: 'a', partitions: 3 })
      return { meta, at: tx.at }
    })
    expect(seen).toEqual([0, 1])
    expect(seq).toBe(1)
    expect(value.meta).toEqual({ seq: 1, at: value.at })
    expect(store.state.topics['a']?.partitions).toBe(3)
  })

  test('is aborted by a rejection, its own or one of a guard', async () => {
    const store = await broker.memory()
    const own = await store
      .transaction((tx) => {
        tx.dispatch('addTopic', { name: 'a' })
        return reject('changed_my_mind', { why: 'no reason' })
      })
      .safe()
    expect(own).toMatchObject({ code: 'changed_my_mind', details: { why: 'no reason' } })
    const checked = await store
      .transaction((tx) => {
        tx.dispatch('addTopic', { name: 'a' })
        tx.dispatch('addTopic', { name: 'a' })
      })
      .safe()
    expect(checked).toMatchObject({ code: 'topic_exists' })
    expect(store.seq).toBe(0)
    expect(store.state.total).toBe(0)
  })

  test('can go on behind a rejection that it catches: the refused mutation had no effect', async () => {
    const store = await broker.memory([{ type: 'addTopic', payload: { name: 'a' } }])
    await store.transaction((tx) => {
      try {
        tx.dispatch('addTopic', { name: 'a' })
      } catch {
        tx.dispatch('addTopic', { name: 'b' })
      }
    })
    expect(Object.keys(store.state.topics)).toEqual(['a', 'b'])
  })

  test('rejects with the very error that run threw', async () => {
    const store = await broker.memory()
    const mine = new RangeError('mine')
    const throwing = store.transaction((tx) => {
      tx.dispatch('addTopic', { name: 'a' })
      throw mine
    })
    await expect(throwing).rejects.toBe(mine)
    expect(store.seq).toBe(0)
  })

  test('that is asynchronous is refused, and a late dispatch of it as well', async () => {
    const store = await broker.memory()
    let late: unknown
    const run = async (tx: { dispatch(type: 'addTopic', payload: { name: string }): unknown }) => {
      tx.dispatch('addTopic', { name: 'a' })
      await Promise.resolve()
      try {
        tx.dispatch('addTopic', { name: 'b' })
      } catch (error) {
        late = error
      }
    }
    await expect(store.transaction(run as unknown as () => void)).rejects.toThrow(/asynchronous/)
    await Promise.resolve()
    expect(late).toBeInstanceOf(TypeError)
    expect(store.seq).toBe(0)
  })

  test('that only reads writes nothing, and resolves once what it read is durable', async () => {
    const store = await broker.memory()
    const writing = store.dispatch('addTopic', { name: 'a' })
    const { value, seq } = await store.transaction((tx) => tx.state.total)
    expect(value).toBe(1)
    expect(seq).toBe(1)
    expect(store.seq).toBe(1)
    await writing
  })
})

describe('a command', () => {
  test('decides, dispatches all or none and gives back its value', async () => {
    const store = await broker.memory()
    const { value, seq } = await store.execute('createTopics', { names: ['a', 'b'] })
    expect(value).toEqual({ created: 2 })
    expect(seq).toBe(1)
    const taken = await store.execute('createTopics', { names: ['c', 'b'] }).safe()
    expect(taken).toMatchObject({ code: 'taken', details: { names: ['b'] } })
    expect(Object.keys(store.state.topics)).toEqual(['a', 'b'])
  })

  test('has its input checked', async () => {
    const store = await broker.memory()
    const result = await store.execute('createTopics', { names: 'a' as unknown as string[] }).safe()
    expect(result).toMatchObject({ code: 'invalid', details: { target: 'createTopics' } })
  })

  test('that is not there is named, with the nearest that is', async () => {
    const store = await broker.memory()
    const misspelt = store.execute('createTopic' as 'createTopics', { names: [] })
    await expect(misspelt).rejects.toThrow(/"createTopic" is not in commands; did you mean "create/)
  })

  test('meets expectSeq like any dispatch', async () => {
    const store = await broker.memory()
    const result = await store.execute('createTopics', { names: ['a'] }, { expectSeq: 3 }).safe()
    expect(result).toMatchObject({ code: 'conflict', details: { expected: 3, actual: 0 } })
  })

  test('is named in its record, for those who read the journal', async () => {
    const journal = memoryJournal()
    const store = await broker.open(journal, atNoon)
    const heard: unknown[] = []
    store.subscribe((_state, _previous, records) => heard.push(...records))
    await store.execute('createTopics', { names: ['a'] })
    await store.transaction((tx) => tx.dispatch('addTopic', { name: 'b' }))
    const read: unknown[] = []
    for await (const record of store.records()) read.push(record)
    expect(read).toEqual(heard)
    expect(read).toMatchObject([{ seq: 1, command: 'createTopics' }, { seq: 2 }])
    expect(read[1]).not.toHaveProperty('command')
    expect(journal.entries[0]?.text).toMatch(/^\{"at":"[^"]+","command":"createTopics","type":/)
    expect(journal.entries[1]?.text).not.toContain('"command"')
  })

  test('is no business of the reducers: they see the same record without it', async () => {
    const journal = memoryJournal()
    const live = await broker.open(journal, atNoon)
    await live.execute('createTopics', { names: ['a'] })
    const bare = journal.entries.map(({ text }) => text.replace('"command":"createTopics",', ''))
    expect((await broker.open(memoryJournal(bare))).state).toEqual(live.state)
  })
})
