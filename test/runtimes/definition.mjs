// What fixture.jsonl was written with, as it is today: `add` is at its second version, `rename` is
// retired. Plain JavaScript, as every runtime loads it from the packed tarball.
import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'

export const parcels = defineStore({
  name: 'parcels',
  state: { parcels: {}, numbers: [], texts: [], nested: [], ticks: 0, last: '' },
  mutations: {
    add: {
      payload: z.object({ name: z.string(), tags: z.array(z.string()) }),
      upcast: { 1: z.object({ title: z.string() }).transform(upcastTitle) },
      guard: (state, { name }) => (name in state.parcels ? reject('taken', { name }) : undefined),
      apply(draft, { name, tags }, { seq, at, key = '' }) {
        draft.parcels[name] = { tags, seq, at, key }
        draft.last = name
      },
    },
    remove: {
      payload: z.object({ name: z.string() }),
      apply(draft, { name }) {
        delete draft.parcels[name]
      },
    },
    measure: {
      payload: z.array(z.number()),
      apply(draft, numbers) {
        draft.numbers.push(...numbers)
      },
    },
    write: {
      payload: z.string(),
      apply(draft, text) {
        draft.texts.push(text)
      },
    },
    nest: {
      payload: z.any(),
      apply(draft, value) {
        draft.nested.push(value)
      },
    },
    tick: {
      apply(draft) {
        draft.ticks += 1
      },
    },
  },
  retired: {
    rename: {
      payload: z.object({ from: z.string(), to: z.string() }),
      apply(draft, { from, to }) {
        draft.parcels[to] = draft.parcels[from]
        delete draft.parcels[from]
      },
    },
  },
})

function upcastTitle({ title }) {
  return { name: title, tags: ['of version 1'] }
}
