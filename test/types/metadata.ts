// What the types know of metadata: required where its schema requires a field, and no longer required once it is bound.
import {
  commandsFor,
  defineStore,
  type JournalRecord,
  mutationsFor,
  reject,
  type StoreOf,
} from 'ministore-ts'
import { z } from 'zod'
import { type Equal, expectType, keeps } from './helpers.ts'

const schema = z.object({
  actor: z.string(),
  reason: z.string().optional(),
  source: z.enum(['ui', 'api']).default('api'),
})

interface Guarded {
  readonly actor: string
  readonly reason?: string | undefined
  readonly source: 'ui' | 'api'
  readonly correlationId?: string | undefined
  readonly causationId?: number | string | undefined
  readonly traceparent?: string | undefined
}

const audited = defineStore({
  name: 'audited',
  state: { total: 0 },
  mutations: {
    add: {
      payload: z.object({ by: z.number() }),
      guard(_, { by }, meta) {
        expectType<Equal<Pick<typeof meta.metadata, keyof Guarded>, Guarded>>()
        if (by > 9 && meta.metadata.actor !== 'root') return reject('too_much', { by })
      },
      apply(draft, { by }, meta) {
        // @ts-expect-error the state does not depend on metadata
        meta.metadata
        draft.total += by
      },
    },
    reset: { apply: () => ({ total: 0 }) },
  },
  commands: {
    addTwice: {
      input: z.object({ by: z.number() }),
      run(tx, { by }) {
        expectType<Equal<typeof tx.metadata.actor, string>>()
        tx.dispatch('add', { by })
        tx.dispatch('add', { by })
        return tx.metadata.actor
      },
    },
    rest: { run: () => undefined },
  },
  metadata: schema,
})

const optional = defineStore({
  name: 'optional',
  state: { total: 0 },
  metadata: z.object({ actor: z.string().optional() }),
  mutations: { add: { apply: (draft) => void draft.total++ } },
})

const plain = defineStore({
  name: 'plain',
  state: { total: 0 },
  mutations: {
    add: {
      guard(_state, _payload, { metadata }) {
        expectType<Equal<typeof metadata.correlationId, string | undefined>>()
        // @ts-expect-error it declares no metadata
        metadata.actor
      },
      apply: (draft) => void draft.total++,
    },
  },
})

declare const store: StoreOf<typeof audited>
declare const free: StoreOf<typeof optional>
declare const bare: StoreOf<typeof plain>
const metadata = { actor: 'ann' }

keeps('metadata is required wherever the schema requires a field', () => {
  store.dispatch('add', { by: 1 }, { metadata })
  store.dispatch('reset', undefined, { metadata, key: 'k', expectSeq: 1 })
  store.dispatchAll([{ type: 'reset' }], { metadata })
  store.transaction((tx) => tx.metadata.actor.length, { metadata })
  store.execute('addTwice', { by: 1 }, { metadata })
  store.execute('rest', undefined, {
    metadata: { ...metadata, correlationId: 'c', causationId: 4 },
  })
  // @ts-expect-error needs metadata
  store.dispatch('add', { by: 1 })
  // @ts-expect-error needs metadata
  store.dispatch('reset')
  // @ts-expect-error needs metadata
  store.dispatch('reset', undefined, { key: 'k' })
  // @ts-expect-error needs metadata
  store.dispatchAll([{ type: 'reset' }])
  // @ts-expect-error needs metadata
  store.transaction(() => undefined)
  // @ts-expect-error needs metadata
  store.execute('addTwice', { by: 1 })
  // @ts-expect-error needs metadata
  store.execute('rest')
  // @ts-expect-error needs an actor
  store.dispatch('add', { by: 1 }, { metadata: { reason: 'x' } })
  // @ts-expect-error `who` is not a field
  store.dispatch('add', { by: 1 }, { metadata: { actor: 'ann', who: 'ann' } })
})

keeps('metadata without a required field is optional', () => {
  free.dispatch('add')
  free.dispatch('add', undefined, { metadata: { actor: 'ann', traceparent: 't' } })
  free.dispatchAll([{ type: 'add' }])
  free.transaction(() => undefined)
  bare.dispatch('add', undefined, { metadata: { correlationId: 'c' } })
  // @ts-expect-error it declares no metadata
  bare.dispatch('add', undefined, { metadata: { actor: 'ann' } })
})

keeps('a bound view requires what it was not given', () => {
  const view = store.with({ metadata })
  view.dispatch('add', { by: 1 })
  view.dispatch('reset', undefined, { metadata: { reason: 'x' } })
  view.execute('addTwice', { by: 1 })
  view.dispatchAll([{ type: 'reset' }])
  view.transaction(() => undefined)
  const partly = store.with({ metadata: { correlationId: 'c' } })
  partly.dispatch('reset', undefined, { metadata })
  // @ts-expect-error still needs an actor
  partly.dispatch('reset')
  partly.with({ metadata }).dispatch('reset')
  // @ts-expect-error `who` is not a field
  store.with({ metadata: { actor: 'ann', who: 'ann' } })
  // @ts-expect-error an actor is a string
  store.with({ metadata: { actor: 4 } })
  // A view is accepted wherever the store is.
  const asStore: StoreOf<typeof audited> = view
  return asStore
})

keeps('records and listeners have the metadata, of which any field may be missing', () => {
  type Record = JournalRecord<typeof audited>
  expectType<
    Equal<
      Pick<NonNullable<Record['metadata']>, 'actor' | 'source' | 'causationId'>,
      {
        readonly actor?: string | undefined
        readonly source?: 'ui' | 'api' | undefined
        readonly causationId?: number | string | undefined
      }
    >
  >()
  store.subscribe((_state, _previous, records) => {
    for (const record of records)
      expectType<Equal<NonNullable<typeof record.metadata>['actor'], string | undefined>>()
  })
  ;async () => {
    for await (const record of store.records())
      expectType<Equal<NonNullable<typeof record.metadata>['actor'], string | undefined>>()
  }
})

keeps('parts in other files know the metadata by the type of its schema', () => {
  const mutations = mutationsFor<{ total: number }, typeof schema>()({
    add: {
      guard(_state, _payload, meta) {
        if (meta.metadata.actor === 'eve') return reject('forbidden', meta.metadata.source)
      },
      apply: (draft) => void draft.total++,
    },
  })
  const commands = commandsFor<{ total: number }, typeof mutations, typeof schema>()({
    go: { run: (tx) => tx.metadata.actor },
  })
  return defineStore({ name: 'parts', state: { total: 0 }, metadata: schema, mutations, commands })
})

keeps('metadata is a z.object of JSON', () => {
  const mutations = { add: { apply: () => undefined } }
  // @ts-expect-error a string
  defineStore({ name: 'a', state: { total: 0 }, mutations, metadata: z.string() })
  // @ts-expect-error a Date
  defineStore({ name: 'a', state: { total: 0 }, mutations, metadata: z.object({ at: z.date() }) })
})
