import { StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { broker } from './broker.ts'
import { gatedJournal, settle } from './gated-journal.ts'

const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ name: `t${from + index}` }))

describe('group commit', () => {
  test('has one append in the air, and what arrives meanwhile goes out as the next', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const first = names(3).map((payload) => store.dispatch('addTopic', payload))
    await settle()
    const second = names(5, 3).map((payload) => store.dispatch('addTopic', payload))
    await settle()
    expect(journal.appends.map(({ texts }) => texts.length)).toEqual([3])
    journal.appends[0]?.release()
    await Promise.all(first)
    await settle()
    expect(journal.appends.map(({ texts }) => texts.length)).toEqual([3, 5])
    journal.appends[1]?.release()
    expect((await Promise.all(second)).map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8])
  })

  test('takes up what a journal left over, in order', async () => {
    const journal = gatedJournal()
    const whole = journal.append.bind(journal)
    journal.append = (batch, expected) => whole(batch.slice(0, 2), expected)
    const store = await broker.open(journal)
    const pending = names(5).map((payload) => store.dispatch('addTopic', payload))
    for (let append = 0; append < 3; append++) {
      await settle()
      journal.appends[append]?.release()
    }
    expect((await Promise.all(pending)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(journal.appends.map(({ texts }) => texts.length)).toEqual([2, 2, 1])
    expect(store.state.total).toBe(5)
  })

  test('publishes and resolves every record by itself, in order', async () => {
    const store = await broker.memory()
    const heard: (number | string)[] = []
    store.subscribe((state, previous, [record]) => {
      heard.push(`${record?.seq}: ${previous.total} → ${state.total}`)
    })
    await Promise.all(
      names(3).map((payload) =>
        store.dispatch('addTopic', payload).then(({ seq }) => heard.push(seq)),
      ),
    )
    expect(heard.filter((item) => typeof item === 'string')).toEqual([
      '1: 0 → 1',
      '2: 1 → 2',
      '3: 2 → 3',
    ])
    expect(heard.filter((item) => typeof item === 'number')).toEqual([1, 2, 3])
  })
})

describe('when an append fails', () => {
  test('what was in it has its outcome, the rest was certainly not written, reads go on', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const durable = store.dispatch('addTopic', { name: 'durable' })
    await settle()
    journal.appends[0]?.release()
    await durable
    const inAppend = store.dispatch('addTopic', { name: 'a' }).catch((error: unknown) => error)
    await settle()
    const queued = store.dispatch('addTopic', { name: 'b' }).catch((error: unknown) => error)
    journal.appends[1]?.fail(new Error('the cable is out'))
    expect(await inAppend).toMatchObject({ code: 'unknown' })
    expect(await queued).toMatchObject({ code: 'io' })
    expect(await queued).toBeInstanceOf(StoreError)
    const later = await store.dispatch('addTopic', { name: 'c' }).catch((error: unknown) => error)
    expect(later).toMatchObject({ code: 'io' })
    expect(String(later)).toContain('the cable is out')
    expect(journal.appends).toHaveLength(2)
    expect(Object.keys(store.state.topics)).toEqual(['durable'])
    expect(store.seq).toBe(1)
    await store.close()
  })

  test('what only repeats or reads something durable has its answer all the same', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const first = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    await settle()
    journal.appends[0]?.release()
    await first
    const failing = store.dispatch('addTopic', { name: 'b' }).catch((error: unknown) => error)
    await settle()
    const again = store.dispatch('addTopic', { name: 'a' }, { key: 'k' })
    journal.appends[1]?.fail(new Error('disk'))
    expect(await failing).toMatchObject({ code: 'unknown' })
    expect(await again).toEqual({ ...(await first), duplicate: true })
  })

  test('a journal that names the outcome is believed', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const pending = store.dispatch('addTopic', { name: 'a' }).catch((error: unknown) => error)
    await settle()
    journal.appends[0]?.fail(new StoreError('io', 'disk full, rolled back'))
    expect(await pending).toMatchObject({ code: 'io', message: 'disk full, rolled back' })
  })

  test('another writer in the journal stops the store: nothing was written', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    journal.append = async () => ({ ok: false, head: 7 })
    await expect(store.dispatch('addTopic', { name: 'a' })).rejects.toThrow(/another writer/)
    await expect(store.dispatch('addTopic', { name: 'a' })).rejects.toMatchObject({ code: 'io' })
  })
})

describe('close', () => {
  test('waits for what is in flight and refuses the rest', async () => {
    const journal = gatedJournal()
    const store = await broker.open(journal)
    const pending = store.dispatch('addTopic', { name: 'a' })
    const closing = store.close()
    await expect(store.dispatch('addTopic', { name: 'b' })).rejects.toMatchObject({
      code: 'closed',
    })
    await settle()
    journal.appends[0]?.release()
    expect(await pending).toMatchObject({ seq: 1 })
    await closing
    expect(store.state.total).toBe(1)
    expect(store.close()).toBe(closing)
  })

  test('happens by itself at the end of `await using`', async () => {
    let closes = 0
    const journal = gatedJournal()
    journal.close = async () => {
      closes += 1
    }
    const store = await broker.open(journal)
    await store[Symbol.asyncDispose]()
    expect(closes).toBe(1)
    await expect(store.records().next()).rejects.toMatchObject({ code: 'closed' })
  })
})
