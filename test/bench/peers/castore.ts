// Castore, with its storage in memory.
import type { Contestant } from '../measure.ts'
import { fold, type Order, type OrdersState, order } from '../orders.ts'
import { load } from './load.ts'

interface PutEvent {
  readonly aggregateId: string
  readonly version: number
  readonly type: 'put'
  readonly timestamp: string
  readonly payload: Order
}
interface Folded extends OrdersState {
  readonly aggregateId: string
  readonly version: number
}
interface Store {
  pushEvent(event: Omit<PutEvent, 'timestamp'>): Promise<unknown>
  getAggregate(id: string): Promise<{ aggregate: Folded | undefined }>
}
interface Core {
  readonly EventStore: new (options: object) => Store
  readonly EventType: new (options: { type: string }) => unknown
}
interface Adapter {
  readonly InMemoryEventStorageAdapter: new (options: { initialEvents: PutEvent[] }) => unknown
}

async function createStore(initialEvents: PutEvent[] = []): Promise<Store> {
  const { EventStore, EventType } = load<Core>('@castore/core')
  const name = '@castore/event-storage-adapter-in-memory'
  const { InMemoryEventStorageAdapter } = load<Adapter>(name)
  return new EventStore({
    eventStoreId: 'ORDERS',
    eventTypes: [new EventType({ type: 'put' })],
    reducer: (folded: Folded | undefined, { aggregateId, version, payload }: PutEvent) => {
      const state: OrdersState = folded ?? { orders: {}, total: 0 }
      return Object.assign(fold(state, payload), { aggregateId, version })
    },
    eventStorageAdapter: new InMemoryEventStorageAdapter({ initialEvents }),
  })
}

export const castore: Contestant = {
  name: 'Castore, in memory',
  role: 'peer',
  note: 'pushEvent to one of 16 streams; keeps no state',
  isFresh: true,
  async start() {
    const store = await createStore()
    const versions = new Map<string, number>()
    const call = (n: number) => {
      const aggregateId = `order-${n % 16}`
      const version = 1 + (versions.get(aggregateId) ?? 0)
      versions.set(aggregateId, version)
      return store.pushEvent({ aggregateId, version, type: 'put', payload: order(n) })
    }
    return { call }
  },
}

/** Fills a store, and gives what is to be timed. */
export async function castoreReplay(
  payloads: readonly Order[],
): Promise<() => Promise<OrdersState>> {
  const timestamp = new Date().toISOString()
  const store = await createStore(
    payloads.map((payload, index) => ({
      ...{ aggregateId: 'orders', version: index + 1, type: 'put', timestamp, payload },
    })),
  )
  return async () => {
    const { aggregate } = await store.getAggregate('orders')
    if (!aggregate) throw new Error('Castore gave no state')
    return aggregate
  }
}
