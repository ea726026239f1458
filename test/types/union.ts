// What mutationsFromUnion makes of each kind of union and option that it takes.
import { defineStore, type Mutation, type MutationInput, mutationsFromUnion } from 'ministore-ts'
import { z } from 'zod'
import * as mini from 'zod/mini'
import { type Equal, expectType, keeps } from './helpers.ts'

interface State {
  notes: string[]
}
const state: State = { notes: [] }

const form = z.discriminatedUnion('form', [
  z.object({ kind: z.literal('draw'), form: z.literal('dot'), x: z.number() }),
  z.object({ kind: z.literal('draw'), form: z.literal('text'), text: z.string() }),
])
const rich = z
  .discriminatedUnion('kind', [
    form,
    z.lazy(() => z.object({ kind: z.literal(['show', 'hide']), id: z.string() })),
    z.object({ kind: z.enum(['undo', 'redo']) }),
    z.object({ kind: z.literal('frozen'), tags: z.array(z.string()) }).readonly(),
    z.strictObject({ kind: z.literal('strict'), a: z.string() }),
    z.looseObject({ kind: z.literal('loose'), a: z.string() }),
    z
      .object({ kind: z.literal('rest') })
      .extend({ a: z.number() })
      .catchall(z.number()),
    z
      .object({ kind: z.literal('nested'), payload: z.object({ n: z.number().default(1) }) })
      .refine(({ payload }) => payload.n > 0),
  ])
  .refine(({ kind }) => kind !== 'undo')

type Draw = { form: 'dot'; x: number } | { form: 'text'; text: string }
const parts = mutationsFromUnion<State>()(rich, {
  draw(draft, payload) {
    expectType<Equal<typeof draft, State>>()
    expectType<Equal<typeof payload, Draw>>()
  },
  show(_, payload) {
    expectType<Equal<typeof payload, { id: string }>>()
  },
  hide(_, { id }) {
    expectType<Equal<typeof id, string>>()
  },
  undo(_, payload) {
    expectType<Equal<typeof payload, undefined>>()
  },
  redo() {},
  frozen(draft, { tags }) {
    draft.notes.push(...tags)
  },
  strict(_, payload) {
    expectType<Equal<typeof payload, { a: string }>>()
  },
  loose(_, { a, ...others }) {
    expectType<Equal<typeof a, string>>()
    expectType<Equal<typeof others, { [x: string]: unknown }>>()
  },
  rest(_, payload) {
    expectType<Equal<(typeof payload)['a'], number>>()
    expectType<Equal<(typeof payload)['other'], number>>()
  },
  nested(_, payload) {
    expectType<Equal<typeof payload, { n: number }>>()
  },
})
const { loose: _, ...kept } = parts
const drawing = defineStore({ name: 'drawing', state, mutations: { ...kept } })

keeps('unions in unions, lazy and readonly options and several names are mutations', async () => {
  expectType<Equal<Mutation<typeof drawing, 'draw'>, { type: 'draw'; payload: Draw }>>()
  expectType<Equal<Mutation<typeof drawing, 'hide'>, { type: 'hide'; payload: { id: string } }>>()
  expectType<
    Equal<
      MutationInput<typeof drawing, 'nested'>,
      { type: 'nested'; payload: { n?: number | undefined } }
    >
  >()
  const store = await drawing.memory()
  await store.dispatch('draw', { form: 'dot', x: 1 })
  await store.dispatch('redo')
  await store.dispatch('frozen', { tags: ['a'] })
  // @ts-expect-error this form has a text
  await store.dispatch('draw', { form: 'text', x: 1 })
  // @ts-expect-error there is no such option
  await store.dispatch('erase')
})

keeps('a union of zod/mini gives its reducers their payloads', () => {
  const union = mini.discriminatedUnion('op', [
    mini.object({ op: mini.literal('flat'), by: mini.number().check(mini.minimum(1)) }),
    mini.object({ op: mini.literal('nested'), payload: mini.optional(mini.string()) }),
    mini.object({ op: mini.literal('bare') }),
  ])
  const counter = defineStore({
    name: 'counter',
    state,
    mutations: mutationsFromUnion<State>()(union, {
      flat(_draft, payload) {
        expectType<Equal<typeof payload, { by: number }>>()
      },
      nested(_draft, payload) {
        expectType<Equal<typeof payload, string | undefined>>()
      },
      bare: (draft) => ({ notes: draft.notes.slice(1) }),
    }),
  })
  expectType<
    Equal<
      MutationInput<typeof counter>,
      | { type: 'flat'; payload: { by: number } }
      | { type: 'nested'; payload?: string | undefined }
      | { type: 'bare'; payload?: undefined }
    >
  >()
})
