// What refuses, and what a caller sees of it. With `noImplicitReturns`, as this repository has it.
import {
  type Conflict,
  commandsFor,
  defineStore,
  type Executed,
  type Invalid,
  mutationsFor,
  type Receipt,
  type Rejection,
  reject,
  type StoreOf,
} from 'ministore-ts'
import { z } from 'zod'
import { type Equal, expectType, keeps } from './helpers.ts'

interface Docs {
  owners: Record<string, string>
  total: number
}
const key = z.object({ id: z.string() })
type Gone = Rejection<'gone', { id: string }>

const parts = mutationsFor<Docs>()({
  drop: {
    payload: key,
    guard(state, { id }) {
      if (!state.owners[id]) return reject('gone', { id })
    },
    apply(draft, { id }) {
      delete draft.owners[id]
    },
  },
})

const decisions = commandsFor<Docs, typeof parts>()({
  dropAll: {
    input: z.array(z.string()),
    run(tx, ids) {
      if (ids.length > 9) return reject('too_many', { most: 9 })
      for (const id of ids) tx.dispatch('drop', { id })
    },
  },
})

const docs = defineStore({
  name: 'docs',
  state: { owners: {}, total: 0 } as Docs,
  mutations: {
    ...parts,
    write: {
      payload: key,
      guard(state, { id }) {
        if (!state.owners[id]) return reject('gone', { id })
        if (state.owners[id] !== 'me') return reject('locked_by', { owner: state.owners[id] })
      },
      apply(draft) {
        draft.total++
      },
    },
    rename: {
      payload: key,
      guard: (state, { id }) => {
        if (!state.owners[id]) return reject('gone', { id })
        if (state.total > 9) return reject('locked_by', { owner: '', until: state.total })
      },
      apply(draft) {
        draft.total++
      },
    },
    lock: {
      payload: key,
      guard: (state, { id }) => (state.owners[id] ? reject('locked_by') : undefined),
      apply(draft, { id }) {
        draft.owners[id] = 'me'
      },
    },
  },
  commands: {
    ...decisions,
    writeAll: {
      input: z.array(z.string()),
      run(tx, ids) {
        if (ids.length === 0) return reject('gone', { id: '' })
        for (const id of ids) tx.dispatch('write', { id })
      },
    },
    count: {
      run(tx) {
        if (tx.state.total < 0) return reject('negative')
        return { total: tx.state.total }
      },
    },
  },
})

declare const store: StoreOf<typeof docs>
type Locked = Rejection<
  'locked_by',
  { owner: string } | { owner: string; until: number } | undefined
>
type Any = Gone | Locked | Invalid | Conflict

keeps('a guard and a run that reject only sometimes need no `return undefined`', () => {
  type Types = NonNullable<(typeof docs)['~types']>
  expectType<Equal<Types['mutations']['drop']['rejects'], Gone>>()
  expectType<
    Equal<Types['mutations']['write']['rejects'], Gone | Rejection<'locked_by', { owner: string }>>
  >()
  expectType<Equal<Types['commands']['writeAll']['value'], undefined>>()
  expectType<Equal<Types['commands']['dropAll']['value'], undefined>>()
  expectType<Equal<Types['commands']['count']['value'], { total: number }>>()
})

keeps('a transaction that rejects only sometimes needs no `return undefined`', async () => {
  const result = await store
    .transaction((tx) => {
      if (tx.state.total > 3) return reject('enough')
    })
    .safe()
  expectType<Equal<typeof result, Executed<undefined> | Rejection<'enough', undefined> | Any>>()
})

keeps('outside of a definition, reject() is a Rejection and nothing else', () => {
  const plain = reject('gone', { id: '' })
  expectType<Equal<typeof plain, Gone>>()
  const need = (id: string) => (id === '' ? reject('gone', { id }) : undefined)
  expectType<Equal<ReturnType<typeof need>, Gone | undefined>>()
  const declared: Gone | undefined = reject('gone', { id: '' })
  return declared
})

keeps('a caller sees each code once, with every type of its details once', async () => {
  const all = await store.dispatchAll([{ type: 'drop', payload: { id: 'a' } }]).safe()
  expectType<Equal<typeof all, Receipt | Any>>()
  const done = await store.execute('writeAll', ['a']).safe()
  expectType<Equal<typeof done, Executed<undefined> | Any>>()
  const other = await store.execute('dropAll', ['a']).safe()
  expectType<
    Equal<typeof other, Executed<undefined> | Rejection<'too_many', { most: number }> | Any>
  >()
})

keeps('a switch over the code knows the details, whichever mutation refused', async () => {
  const result = await store.execute('writeAll', ['a']).safe()
  if (result.ok) return result.seq
  switch (result.code) {
    case 'gone':
      return result.details.id
    case 'locked_by':
      return result.details && 'until' in result.details
        ? result.details.until
        : result.details?.owner
    case 'invalid':
      return result.details.issues
    case 'conflict':
      return result.details.actual
  }
})
