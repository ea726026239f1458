// Immer alone, with the same reducers: what a dispatch stands on.
import { freeze, produce } from 'immer'
import type { Contestant, Runner } from '../measure.ts'
import { fold, type OrdersState, order } from '../orders.ts'
import { type TopicsState, topic, topicsOf } from '../topics.ts'

export const bareImmer: Contestant = {
  name: 'bare Immer produce',
  role: 'floor',
  note: 'the same reducer',
  async start() {
    let state: OrdersState = { orders: {}, total: 0 }
    const call = (n: number) => {
      state = produce(state, (draft) => void fold(draft, order(n)))
    }
    return { isSync: true, call }
  },
}

/** A state of `size` topics, one of which each call changes. */
export async function immerTopics(size: number): Promise<Runner> {
  let state: TopicsState = freeze({ topics: topicsOf(size) }, true)
  const call = (n: number) => {
    const next = topic(n, size)
    state = produce(state, (draft) => {
      draft.topics[next.name] = next
    })
  }
  return { isSync: true, call }
}
