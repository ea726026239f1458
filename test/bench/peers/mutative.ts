// mutative: drafts as Immer's, said to be faster.
import type { Contestant, Runner } from '../measure.ts'
import { fold, type OrdersState, order } from '../orders.ts'
import { type TopicsState, topic, topicsOf } from '../topics.ts'
import { load } from './load.ts'

interface Mutative {
  create<S>(base: S, recipe: (draft: S) => void): S
}

export const mutative: Contestant = {
  name: 'mutative',
  role: 'peer',
  note: 'create alone, without freezing: no store, no schema, no record',
  async start() {
    const { create } = load<Mutative>('mutative')
    let state: OrdersState = { orders: {}, total: 0 }
    const call = (n: number) => {
      state = create(state, (draft) => void fold(draft, order(n)))
    }
    return { isSync: true, call }
  },
}

/** A state of `size` topics, one of which each call changes. Throws Missing. */
export async function mutativeTopics(size: number): Promise<Runner> {
  const { create } = load<Mutative>('mutative')
  let state: TopicsState = { topics: topicsOf(size) }
  const call = (n: number) => {
    const next = topic(n, size)
    state = create(state, (draft) => {
      draft.topics[next.name] = next
    })
  }
  return { isSync: true, call }
}
