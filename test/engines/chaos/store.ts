// What the writers of the campaign share: rules that no writer can keep alone, and a state that another
// order of the same records would not give.
import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'

/** How much may be spent until somebody refills. */
export const BUDGET = 40
/** How many operations of each writer the state remembers. */
export const REMEMBERED = 128

const op = { by: z.string(), n: z.number() }

interface State {
  /** Who has which name. */
  names: Record<string, string>
  spent: number
  /** The last operations of each writer. */
  done: Record<string, number[]>
  /** Of all records in their order. */
  trail: number
}
interface Op {
  readonly by: string
  readonly n: number
}

function leaveTrail(draft: State, { by, n }: Op, seq: number): void {
  draft.done[by] ??= []
  const mine = draft.done[by]
  if (mine.at(-1) !== n) mine.push(n)
  if (mine.length > REMEMBERED) mine.shift()
  draft.trail = (Math.imul(draft.trail, 31) + Math.imul(n, 7) + by.length + seq) >>> 0
}

export const chaos = defineStore({
  name: 'chaos',
  state: { names: {}, spent: 0, done: {}, trail: 0 } as State,
  mutations: {
    note: {
      payload: z.object(op),
      apply: (draft, payload, { seq }) => leaveTrail(draft, payload, seq),
    },
    take: {
      payload: z.object({ ...op, name: z.string() }),
      guard(state, { name }) {
        const by = state.names[name]
        return by === undefined ? undefined : reject('taken', { name, by })
      },
      apply(draft, payload, { seq }) {
        draft.names[payload.name] = payload.by
        leaveTrail(draft, payload, seq)
      },
    },
    free: {
      payload: z.object({ ...op, name: z.string() }),
      guard: (state, { by, name }) =>
        state.names[name] === by ? undefined : reject('not_yours', { name }),
      apply(draft, payload, { seq }) {
        delete draft.names[payload.name]
        leaveTrail(draft, payload, seq)
      },
    },
    spend: {
      payload: z.object({ ...op, amount: z.number() }),
      guard: ({ spent }, { amount }) =>
        spent + amount <= BUDGET ? undefined : reject('too_much', { spent }),
      apply(draft, payload, { seq }) {
        draft.spent += payload.amount
        leaveTrail(draft, payload, seq)
      },
    },
    refill: {
      payload: z.object(op),
      guard: ({ spent }) => (spent * 2 > BUDGET ? undefined : reject('not_needed', { spent })),
      apply(draft, payload, { seq }) {
        draft.spent = 0
        leaveTrail(draft, payload, seq)
      },
    },
  },
  commands: {
    /** Takes the first name that is free. It has no key: that it is done once is its own rule. */
    takeAny: {
      input: z.object({ ...op, names: z.array(z.string()) }),
      run(tx, { names, ...op }) {
        if (tx.state.done[op.by]?.includes(op.n)) return reject('done', op)
        const name = names.find((each) => tx.state.names[each] === undefined)
        if (name === undefined) return reject('none_free', op)
        tx.dispatch('take', { ...op, name })
        tx.dispatch('spend', { ...op, amount: 1 })
        return name
      },
    },
  },
})
