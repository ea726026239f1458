// Redux Toolkit: Immer reducers in memory; without its development checks.
import type { Contestant, Runner } from '../measure.ts'
import { fold, type Order, type OrdersState, order } from '../orders.ts'
import { type Topic, topic, topicName } from '../topics.ts'
import { load } from './load.ts'

interface Action<P> {
  readonly payload: P
}
interface Slice {
  readonly reducer: unknown
  readonly actions: Record<string, (payload?: unknown) => object>
}
interface ReduxStore<S> {
  dispatch(action: object): unknown
  getState(): S
  subscribe(listener: () => void): () => void
}
interface Adapter {
  getInitialState(): unknown
  readonly updateOne: unknown
  readonly setAll: unknown
}
interface Toolkit {
  createSlice(options: object): Slice
  configureStore<S>(options: object): ReduxStore<S>
  createEntityAdapter<T>(options: { selectId(value: T): string }): Adapter
}

const PLAIN = {
  middleware: (defaults: (options: object) => unknown) =>
    defaults({ immutableCheck: false, serializableCheck: false }),
  devTools: false,
}

export interface ReduxOrders {
  readonly store: ReduxStore<OrdersState>
  put(n: number): unknown
}

/** Throws Missing. */
export async function reduxOrders(): Promise<ReduxOrders> {
  const { createSlice, configureStore } = load<Toolkit>('@reduxjs/toolkit')
  const initialState: OrdersState = { orders: {}, total: 0 }
  const put = (draft: OrdersState, { payload }: Action<Order>) => void fold(draft, payload)
  const { reducer, actions } = createSlice({ name: 'orders', initialState, reducers: { put } })
  const store = configureStore<OrdersState>({ reducer, ...PLAIN })
  return { store, put: (n) => store.dispatch(actions['put']?.(order(n)) ?? {}) }
}

export const reduxToolkit: Contestant = {
  name: 'Redux Toolkit',
  role: 'peer',
  note: 'slice and store, development checks off; no schema, no record',
  async start() {
    const { put } = await reduxOrders()
    return { isSync: true, call: put }
  },
}

/** A store of `size` topics, one of which each call changes. Throws Missing. */
export async function reduxTopics(size: number): Promise<Runner> {
  const { createSlice, configureStore, createEntityAdapter } = load<Toolkit>('@reduxjs/toolkit')
  const adapter = createEntityAdapter<Topic>({ selectId: ({ name }) => name })
  const { reducer, actions } = createSlice({
    name: 'topics',
    initialState: adapter.getInitialState(),
    reducers: { update: adapter.updateOne, fill: adapter.setAll },
  })
  const store = configureStore<unknown>({ reducer, ...PLAIN })
  store.dispatch(actions['fill']?.(Array.from({ length: size }, (_, n) => topic(n, size))) ?? {})
  const call = (n: number) => {
    const { name: _, ...changes } = topic(n, size)
    return store.dispatch(actions['update']?.({ id: topicName(n, size), changes }) ?? {})
  }
  return { isSync: true, call }
}
