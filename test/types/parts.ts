// Declarations in files of their own keep their types when they are spread into defineStore.
import {
  commandsFor,
  defineStore,
  type JournalRecord,
  type Meta,
  type Mutation,
  type MutationInput,
  mutationsFor,
  mutationsFromUnion,
  type Rejection,
  type RejectionOf,
  reject,
  type State,
} from 'ministore-ts'
import { z } from 'zod'
import { type Equal, expectType, keeps } from './helpers.ts'

interface Account {
  balance: number
  notes: string[]
}
type ReadonlyAccount = { readonly balance: number; readonly notes: readonly string[] }
type TooPoor = Rejection<'too_poor', { missing: number }>
const account: Account = { balance: 0, notes: [] }

const money = mutationsFor<Account>()({
  withdraw: {
    apply(draft, payload, meta) {
      expectType<Equal<typeof draft, Account>>()
      expectType<Equal<typeof payload, { amount: number; note: string }>>()
      expectType<Equal<typeof meta, Meta>>()
      draft.balance -= payload.amount
    },
    guard(state, payload) {
      expectType<Equal<typeof state, ReadonlyAccount>>()
      expectType<Equal<typeof payload, { amount: number; note: string }>>()
      const missing = payload.amount - state.balance
      return missing > 0 ? reject('too_poor', { missing }) : undefined
    },
    upcast: { 1: z.object({ sum: z.number() }).transform(({ sum }) => ({ amount: sum })) },
    payload: z.object({ amount: z.number(), note: z.string().default('') }),
  },
  clear: { apply: () => ({ balance: 0, notes: [] }) },
})

const payments = commandsFor<Account, typeof money>()({
  pay: {
    run(tx, input) {
      expectType<Equal<typeof tx.state, ReadonlyAccount>>()
      expectType<Equal<typeof input, { amounts: number[] }>>()
      if (input.amounts.length === 0) return reject('nothing_to_pay')
      for (const amount of input.amounts) tx.dispatch('withdraw', { amount })
      return { left: tx.state.balance }
    },
    input: z.object({ amounts: z.array(z.number()) }),
  },
  wipe: { run: (tx) => tx.dispatch('clear').seq },
})

const reading = commandsFor<Account>()({ balance: { run: (tx) => tx.state.balance } })

const bank = defineStore({
  name: 'bank',
  commands: {
    ...payments,
    ...reading,
    note: {
      input: z.string(),
      run(tx, text) {
        tx.dispatch('withdraw', { amount: 0, note: text })
        tx.dispatch('deposit', 1)
      },
    },
  },
  mutations: {
    ...money,
    deposit: {
      payload: z.number().positive(),
      guard: (_state, amount) => (amount > 100 ? reject('too_rich') : undefined),
      apply(draft, amount) {
        expectType<Equal<typeof amount, number>>()
        draft.balance += amount
      },
    },
  },
  state: account,
})
type Bank = typeof bank

keeps('mutationsFor infers payload, rejections and the rest as the literal does', async () => {
  expectType<Equal<State<Bank>, Account>>()
  expectType<
    Equal<
      MutationInput<Bank>,
      | { type: 'withdraw'; payload: { amount: number; note?: string | undefined } }
      | { type: 'clear'; payload?: undefined }
      | { type: 'deposit'; payload: number }
    >
  >()
  expectType<
    Equal<
      Mutation<Bank, 'withdraw'>,
      { type: 'withdraw'; payload: { amount: number; note: string } }
    >
  >()
  expectType<Equal<RejectionOf<Bank, 'withdraw'>, TooPoor>>()
  expectType<Equal<RejectionOf<Bank, 'clear'>, never>>()
  expectType<Equal<RejectionOf<Bank>, TooPoor | Rejection<'too_rich', undefined>>>()
})

keeps('commandsFor infers input, value and rejections as the literal does', () => {
  type Commands = NonNullable<Bank['~types']>['commands']
  expectType<
    Equal<
      Commands['pay'],
      {
        input: { amounts: number[] }
        value: { left: number }
        rejects: Rejection<'nothing_to_pay', undefined>
      }
    >
  >()
  expectType<Equal<Commands['wipe'], { input: undefined; value: number; rejects: never }>>()
  expectType<Equal<Commands['balance'], { input: undefined; value: number; rejects: never }>>()
  expectType<Equal<Commands['note']['input'], string>>()
})

keeps('retired mutations can come from another file too', () => {
  const moved = defineStore({
    name: 'moved',
    state: account,
    mutations: { clear: money.clear },
    retired: { withdraw: money.withdraw },
  })
  expectType<Equal<Mutation<typeof moved>, { type: 'clear'; payload?: undefined }>>()
  expectType<
    Equal<
      JournalRecord<typeof moved, 'withdraw'>['payload'],
      { readonly amount: number; readonly note: string }
    >
  >()
})

const union = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('nested'),
    payload: z.object({ text: z.string(), times: z.number().default(1) }),
  }),
  z.object({ type: z.literal('flat'), text: z.string(), loud: z.boolean().default(false) }),
  z.object({ type: z.literal('bare') }),
  z.object({ type: z.literal(['open', 'shut']), door: z.number() }),
])

const fromUnion = mutationsFromUnion<Account>()(union, {
  nested(draft, payload, meta) {
    expectType<Equal<typeof draft, Account>>()
    expectType<Equal<typeof payload, { text: string; times: number }>>()
    expectType<Equal<typeof meta, Meta>>()
    draft.notes.push(payload.text)
  },
  flat: (draft, payload) => {
    expectType<Equal<typeof payload, { text: string; loud: boolean }>>()
    draft.notes.push(payload.text)
  },
  bare(draft, payload) {
    expectType<Equal<typeof payload, undefined>>()
    return { ...draft, balance: 0 }
  },
  open(_draft, payload) {
    expectType<Equal<typeof payload, { door: number }>>()
  },
  shut() {},
})

const notes = defineStore({
  name: 'notes',
  state: account,
  mutations: { ...fromUnion, clear: { apply: () => account } },
  commands: {
    shout: {
      input: z.string(),
      run: (tx, text) => tx.dispatch('flat', { text, loud: true }).at,
    },
  },
})
type Notes = typeof notes

keeps('mutationsFromUnion takes the payload field, or all fields but the type', async () => {
  expectType<
    Equal<
      MutationInput<Notes>,
      | { type: 'nested'; payload: { text: string; times?: number | undefined } }
      | { type: 'flat'; payload: { text: string; loud?: boolean | undefined } }
      | { type: 'bare'; payload?: undefined }
      | { type: 'open'; payload: { door: number } }
      | { type: 'shut'; payload: { door: number } }
      | { type: 'clear'; payload?: undefined }
    >
  >()
  expectType<
    Equal<Mutation<Notes, 'flat'>, { type: 'flat'; payload: { text: string; loud: boolean } }>
  >()
  expectType<
    Equal<Mutation<Notes, 'nested'>, { type: 'nested'; payload: { text: string; times: number } }>
  >()
  expectType<Equal<RejectionOf<Notes>, never>>()
  const store = await notes.memory()
  await store.dispatch('bare')
  await store.dispatch('flat', { text: 'hello' })
})

keeps('a definition from a union has a precise schema again', () => {
  expectType<Equal<z.input<Notes['schema']>, MutationInput<Notes>>>()
  expectType<Equal<z.output<Notes['schema']>, MutationInput<Notes>>>()
})
