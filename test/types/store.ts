// What an open store takes and gives: dispatch, outcomes, state, subscribe, records.
import {
  type AnyRejection,
  type AnyStoreDefinition,
  type Conflict,
  type Executed,
  type FileOpenOptions,
  type Invalid,
  type Journal,
  type JournalRecord,
  memoryJournal,
  type OpenOptions,
  type Outcome,
  type Receipt,
  type Recovery,
  type Rejection,
  reject,
  type Store,
  type StoreOf,
} from 'ministore-ts'
import type { z } from 'zod'
import { type Equal, expectType, keeps } from './helpers.ts'
import { inOrder as broker, kinds } from './inference.ts'

type Broker = typeof broker
type ReadonlyTopics = Broker['initial']
type TopicExists = Rejection<'topic_exists', { name: string }>
type Full = Rejection<'full', undefined>
type Taken = Rejection<'taken', { names: string[] }>

declare const store: StoreOf<Broker>

keeps('a dispatch resolves with a receipt, or .safe() with that or a rejection', async () => {
  const outcome = store.dispatch('addTopic', { name: 'orders' })
  expectType<Equal<typeof outcome, Outcome<Receipt, TopicExists | Full | Invalid | Conflict>>>()
  expectType<Equal<Awaited<typeof outcome>, Receipt>>()
  const result = await outcome.safe()
  expectType<Equal<typeof result, Receipt | TopicExists | Full | Invalid | Conflict>>()
})

keeps('.safe() is told apart by `ok`, and then by `code`', async () => {
  const result = await store.dispatch('addTopic', { name: 'orders' }).safe()
  if (result.ok) {
    expectType<Equal<typeof result, Receipt>>()
    return result.seq
  }
  expectType<Equal<(typeof result)['code'], 'topic_exists' | 'full' | 'invalid' | 'conflict'>>()
  switch (result.code) {
    case 'topic_exists':
      expectType<Equal<typeof result.details, { name: string }>>()
      return result.details.name
    case 'full':
      expectType<Equal<typeof result.details, undefined>>()
      return result.message
    case 'invalid':
      expectType<Equal<typeof result.details.target, string>>()
      expectType<Equal<typeof result.details.issues, readonly z.core.$ZodIssue[]>>()
      return result.details.issues.length
    case 'conflict':
      expectType<
        Equal<typeof result.details, { readonly expected: number; readonly actual: number }>
      >()
      return result.details.actual
    default:
      expectType<Equal<typeof result, never>>()
      return result
  }
})

keeps('a mutation that never refuses has only the rejections every dispatch has', async () => {
  const result = await store.dispatch('reset').safe()
  expectType<Equal<typeof result, Receipt | Invalid | Conflict>>()
})

keeps('a dispatch takes the input type: what has a default may be left out', async () => {
  await store.dispatch('addTopic', { name: 'orders' })
  await store.dispatch('addTopic', { name: 'orders', partitions: 3 })
  await store.dispatch('addTopic', { name: 'orders' }, { key: 'k', expectSeq: 3 })
  expectType<
    Equal<
      Parameters<typeof store.dispatch<'addTopic'>>[1],
      { name: string; partitions?: number | undefined }
    >
  >()
})

keeps('a mutation without payload is dispatched by its name alone', async () => {
  await store.dispatch('reset')
  await store.dispatch('reset', undefined, { key: 'k' })
  await store.dispatchAll([{ type: 'reset' }, { type: 'addTopic', payload: { name: 'orders' } }])
})

keeps('a payload that may be left out is an optional argument', async () => {
  const other = await kinds.memory()
  await other.dispatch('whole')
  await other.dispatch('optional')
  await other.dispatch('whole', { size: 2 }, { expectSeq: 0 })
  await other.dispatchAll([{ type: 'whole' }, { type: 'optional', payload: { size: 1 } }])
})

keeps('dispatchAll may refuse with the code of any mutation', async () => {
  const result = await store.dispatchAll([{ type: 'reset' }], { key: 'k', expectSeq: 1 }).safe()
  expectType<Equal<typeof result, Receipt | TopicExists | Full | Invalid | Conflict>>()
})

keeps('what definition.schema has parsed can be dispatched', async () => {
  const message: unknown = JSON.parse('{}')
  await store.dispatchAll([broker.schema.parse(message)])
  const { type, payload } = broker.schema.parse(message)
  await (type === 'addTopic' ? store.dispatch(type, payload) : store.dispatch(type))
})

keeps('a command takes its input and gives its value or its own rejections too', async () => {
  const done = await store.execute('createTopics', { names: ['a'] })
  expectType<Equal<typeof done, Executed<{ created: number }>>>()
  const result = await store
    .execute('createTopics', { names: ['a'], dryRun: true }, { expectSeq: 1 })
    .safe()
  expectType<
    Equal<
      typeof result,
      Executed<{ created: number }> | Taken | TopicExists | Full | Invalid | Conflict
    >
  >()
  if (!result.ok && result.code === 'taken') return result.details.names
  return result.ok ? result.value.created : result.message
})

keeps('a command without input is executed by its name alone', async () => {
  const { value } = await store.execute('count')
  expectType<Equal<typeof value, number>>()
  const result = await store.execute('count', undefined, { expectSeq: 0 }).safe()
  expectType<Equal<typeof result, Executed<number> | TopicExists | Full | Invalid | Conflict>>()
})

keeps('a transaction is an unnamed command', async () => {
  const result = await store
    .transaction(
      (tx) => {
        expectType<Equal<typeof tx.state, ReadonlyTopics>>()
        if (tx.state.total > 3) return reject('enough', { total: tx.state.total })
        tx.dispatch('reset')
        tx.dispatch('addTopic', { name: 'orders' })
        return [tx.at]
      },
      { expectSeq: 1 },
    )
    .safe()
  expectType<
    Equal<
      typeof result,
      | Executed<string[]>
      | Rejection<'enough', { total: number }>
      | TopicExists
      | Full
      | Invalid
      | Conflict
    >
  >()
})

keeps('the state is deeply readonly, however it is reached', async () => {
  expectType<Equal<typeof store.state, ReadonlyTopics>>()
  expectType<Equal<ReturnType<typeof store.getState>, ReadonlyTopics>>()
  expectType<Equal<ReturnType<typeof store.getInitialState>, ReadonlyTopics>>()
  const replayed = await broker.replay(memoryJournal())
  expectType<Equal<typeof replayed.state, ReadonlyTopics>>()
  expectType<
    Equal<
      (typeof store.state.topics)[string],
      { readonly name: string; readonly partitions: number; readonly createdAt: string }
    >
  >()
})

keeps('a listener is told the state, the one before and the records', () => {
  const stop = store.subscribe((state, previous, records) => {
    expectType<Equal<typeof state, ReadonlyTopics>>()
    expectType<Equal<typeof previous, ReadonlyTopics>>()
    expectType<Equal<typeof records, readonly JournalRecord<Broker>[]>>()
  })
  expectType<Equal<typeof stop, () => void>>()
})

keeps('a selector gives its listener and `equals` the type it selects', () => {
  const stop = store.subscribe(
    (state) => {
      expectType<Equal<typeof state, ReadonlyTopics>>()
      return Object.keys(state.topics)
    },
    (names, previous, records) => {
      expectType<Equal<typeof names, string[]>>()
      expectType<Equal<typeof previous, string[]>>()
      expectType<Equal<typeof records, readonly JournalRecord<Broker>[]>>()
    },
    { equals: (a, b) => a.length === b.length, immediate: true },
  )
  expectType<Equal<typeof stop, () => void>>()
})

keeps('records() yields every mutation there ever was, told apart by its type', async () => {
  const { signal } = new AbortController()
  for await (const record of store.records({ after: 0, until: 9, follow: true, signal })) {
    expectType<Equal<typeof record, JournalRecord<Broker>>>()
    expectType<Equal<typeof record.seq, number>>()
    expectType<Equal<typeof record.at, string>>()
    expectType<Equal<typeof record.key, string | undefined>>()
    expectType<Equal<typeof record.part, number>>()
    expectType<Equal<typeof record.parts, number>>()
    if (record.type === 'addTopic') {
      expectType<
        Equal<typeof record.payload, { readonly name: string; readonly partitions: number }>
      >()
    } else if (record.type === 'renameTopic') {
      expectType<Equal<typeof record.payload, { readonly from: string; readonly to: string }>>()
    } else {
      expectType<Equal<typeof record.payload, undefined>>()
    }
  }
})

keeps('a path is opened with the options of files, any journal with those of all', async () => {
  const file: FileOpenOptions = { lock: false, readOnly: true, sync: 'blocking', now: Date.now }
  const any: OpenOptions = { now: () => 0, onListenerError: (error: unknown) => void error }
  const journal: Journal = memoryJournal()
  const opened = [
    await broker.open('data/broker.jsonl'),
    await broker.open('data/broker.jsonl', { ...file, durability: 'os' }),
    await broker.open(journal),
    await broker.open(journal, any),
    await broker.memory([{ type: 'addTopic', payload: { name: 'orders' } }], any),
  ]
  expectType<Equal<(typeof opened)[number], StoreOf<Broker>>>()
})

keeps('what may be either a path or a journal can be opened, replayed and checked', async () => {
  const open = (where: string | Journal) => broker.open(where, { now: () => 0 })
  expectType<Equal<ReturnType<typeof open>, Promise<StoreOf<Broker>>>>()
  return async (where: string | Journal) => {
    const { seq, digest } = await broker.replay(where, { until: 3 })
    const report = await broker.replayCheck(where, { digest })
    expectType<Equal<typeof seq, number>>()
    expectType<Equal<(typeof report.findings)[number]['message'], string>>()
    return report.ok ? report.digest : report.findings[0]?.rule
  }
})

keeps('a store says what opening found, and can be disposed of', async () => {
  await using own = await broker.memory()
  expectType<Equal<typeof own.recovery, Recovery>>()
  expectType<Equal<typeof own.seq, number>>()
})

keeps('code for any definition and any store can be written', async () => {
  const all: readonly AnyStoreDefinition[] = [broker, kinds]
  const watch = <S, M, C, Q>(any: Store<S, M, C, Q>) => any.subscribe((state) => void state)
  watch(store)
  const codes = async (outcome: Outcome<Receipt, AnyRejection>) => {
    const result = await outcome.safe()
    return result.ok ? 'ok' : result.code
  }
  return [all, await codes(store.dispatch('reset'))]
})
