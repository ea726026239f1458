// LMDB, which commits in a thread of its own, all puts of a turn in one transaction.
import { join } from 'node:path'
import type { Contestant } from '../measure.ts'
import { recordText } from '../orders.ts'
import { load } from './load.ts'

interface Database {
  put(key: number, value: string): Promise<boolean>
  readonly flushed: Promise<unknown>
  close(): Promise<void>
}
interface Lmdb {
  open(path: string, options: object): Database
}

const contestant = (
  name: string,
  options: object,
  more: { readonly note: string; readonly isDurable: boolean },
): Contestant => ({
  ...{ name, role: 'peer', isGrouping: true, ...more },
  async start(directory) {
    const { open } = load<Lmdb>('lmdb')
    const database = open(join(directory, 'lmdb'), { encoding: 'string', ...options })
    return {
      call: (n) => database.put(n, recordText(n)),
      close: () => database.close(),
    }
  },
})

export const lmdb: Contestant = contestant(
  'lmdb',
  { overlappingSync: false },
  {
    note: 'put awaited, overlappingSync: false, so that a put ends after its sync; groups a turn',
    isDurable: true,
  },
)

export const lmdbDefault: Contestant = contestant(
  'lmdb, as it comes',
  {},
  {
    note: 'put awaited, overlappingSync: true: a put ends when it can be seen, not when it is durable',
    isDurable: false,
  },
)
