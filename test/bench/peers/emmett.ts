// Emmett: streams of events, in memory or in SQLite.
import { join } from 'node:path'
import type { Contestant } from '../measure.ts'
import { fold, type Order, type OrdersState, order } from '../orders.ts'
import { load } from './load.ts'

interface PutEvent {
  readonly type: 'put'
  readonly data: { readonly at: string; readonly payload: Order }
}
interface Store {
  appendToStream(stream: string, events: PutEvent[]): Promise<unknown>
  aggregateStream(
    stream: string,
    options: {
      evolve(state: OrdersState, event: PutEvent): OrdersState
      initialState(): OrdersState
    },
  ): Promise<{ state: OrdersState }>
}
interface Emmett {
  getInMemoryEventStore(): Store
}
interface EmmettSqlite {
  getSQLiteEventStore(options: { fileName: string }): Store
}

const PACKAGE = '@event-driven-io/emmett'

const eventOf = (n: number): PutEvent => ({
  type: 'put',
  data: { at: new Date().toISOString(), payload: order(n) },
})

export const emmettSqlite: Contestant = {
  name: 'Emmett, SQLite',
  role: 'peer',
  note: 'as it comes: WAL, synchronous=FULL; opens the database for each append; one at a time, and again where it answers SQLITE_BUSY to its own pragma',
  isDurable: true,
  async start(directory) {
    const { getSQLiteEventStore } = load<EmmettSqlite>(`${PACKAGE}-sqlite`)
    const store = getSQLiteEventStore({ fileName: join(directory, 'emmett.db') })
    const call = (n: number) => {
      const append = () => store.appendToStream('orders', [eventOf(n)])
      return append().catch(append).catch(append)
    }
    return { isSerial: true, call }
  },
}

export const emmettInMemory: Contestant = {
  name: 'Emmett, in memory',
  role: 'peer',
  note: 'append to one of 16 streams; keeps no state',
  isFresh: true,
  async start() {
    const { getInMemoryEventStore } = load<Emmett>(PACKAGE)
    const store = getInMemoryEventStore()
    return { call: (n) => store.appendToStream(`order-${n % 16}`, [eventOf(n)]) }
  },
}

const BATCH = 10_000

/** Fills a store, and gives what is to be timed. */
export async function emmettReplay(
  payloads: readonly Order[],
): Promise<() => Promise<OrdersState>> {
  const { getInMemoryEventStore } = load<Emmett>(PACKAGE)
  const store = getInMemoryEventStore()
  const at = new Date().toISOString()
  // It spreads what it is given into the arguments of one call.
  for (let first = 0; first < payloads.length; first += BATCH) {
    const batch = payloads.slice(first, first + BATCH)
    await store.appendToStream(
      'orders',
      batch.map((payload) => ({ type: 'put', data: { at, payload } })),
    )
  }
  return async () => {
    const { state } = await store.aggregateStream('orders', {
      evolve: (state, { data }) => fold(state, data.payload),
      initialState: () => ({ orders: {}, total: 0 }),
    })
    return state
  }
}
