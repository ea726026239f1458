// event-storage: files of its own, written from this thread. It does not sync unless it is told to.
import type { Contestant } from '../measure.ts'
import { order } from '../orders.ts'
import { load } from './load.ts'

interface Store {
  once(event: 'ready', listener: () => void): void
  commit(stream: string, events: object[], callback: () => void): void
  close(): void
}
type EventStorage = new (options: object) => Store

const contestant = (
  name: string,
  isDurable: boolean,
  note: string,
  storageConfig: object,
): Contestant => ({
  ...{ name, role: 'peer', note, isDurable, isGrouping: true },
  async start(directory) {
    const EventStore = load<EventStorage>('event-storage')
    const store = new EventStore({ storageDirectory: directory, storageConfig })
    await new Promise<void>((resolve) => store.once('ready', resolve))
    return {
      call: (n) =>
        new Promise<void>((resolve) =>
          store.commit(
            'orders',
            [{ at: new Date().toISOString(), type: 'put', payload: order(n) }],
            resolve,
          ),
        ),
      close: () => store.close(),
    }
  },
})

export const eventStorage: Contestant = contestant(
  'event-storage, syncOnFlush',
  true,
  'syncOnFlush: true; writes what one turn brings in one go, and does not sync its index',
  { syncOnFlush: true },
)

export const eventStorageDefault: Contestant = contestant(
  'event-storage, as it comes',
  false,
  'syncOnFlush: false: never syncs',
  {},
)
