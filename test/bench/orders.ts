// The work of most rows: a store of orders, whose records take about 150 bytes.
import { defineStore, memoryJournal } from 'ministore-ts'
import { z } from 'zod'

export interface Order {
  id: string
  item: string
  count: number
}
export interface OrdersState {
  orders: Record<string, Order>
  total: number
}
/** A record as peers keep it. */
export interface Stored {
  readonly at: string
  readonly type: 'put'
  readonly payload: Order
}

export const orders = defineStore({
  name: 'orders',
  state: { orders: {} as Record<string, Order>, total: 0 },
  mutations: {
    put: {
      payload: z.object({ id: z.string(), item: z.string(), count: z.number().int() }),
      apply: (draft, payload) => void fold(draft, payload),
    },
  },
})

/** The reducer of all contestants: changes `state`, and returns it. */
export function fold(state: OrdersState, payload: Order): OrdersState {
  state.orders[payload.id] = payload
  state.total += payload.count
  return state
}

/** Sixteen ids by default, so that the state stays small: what is measured is the dispatch. */
export const order = (n: number, live = 16): Order => ({
  id: `order-${n % live}`,
  item: 'paper 80 g A4, 500 sheets',
  count: n % 10,
})

/** As in a process that has run for a while: otherwise the compiler's warming up is measured. */
export async function warmUp({ isQuick }: { readonly isQuick: boolean }): Promise<void> {
  const store = await orders.open(memoryJournal())
  for (let n = 0; n < (isQuick ? 5000 : 20_000); n++) await store.dispatch('put', order(n))
  await store.close()
}

/** What a peer writes for one dispatch. */
export const recordText = (n: number): string =>
  JSON.stringify({ at: new Date().toISOString(), type: 'put', payload: order(n) } satisfies Stored)

const shape = { seq: 100_000, at: new Date().toISOString(), type: 'put', payload: order(7) }
/** As long as a line of the journal: what the floor writes. */
export const line = `${JSON.stringify({ ...shape, crc: '00000000' })}\n`
