// SQLite in this thread, in WAL mode: each insert is a transaction of its own.
import { join } from 'node:path'
import type { Contestant } from '../measure.ts'
import { fold, type OrdersState, recordText, type Stored } from '../orders.ts'
import { load } from './load.ts'

interface Database {
  pragma(text: string): unknown
  exec(sql: string): unknown
  prepare(sql: string): {
    run(...values: unknown[]): unknown
    iterate(): Iterable<{ text: string }>
  }
  close(): void
}
type BetterSqlite3 = new (path: string) => Database

function open(path: string): Database {
  const Database = load<BetterSqlite3>('better-sqlite3')
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec('CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, text TEXT NOT NULL)')
  return database
}

export const betterSqlite3: Contestant = {
  name: 'better-sqlite3',
  role: 'peer',
  note: 'journal_mode=WAL, synchronous=FULL; one INSERT, one transaction',
  isDurable: true,
  async start(directory) {
    const database = open(join(directory, 'records.db'))
    const insert = database.prepare('INSERT INTO records (text) VALUES (?)')
    return {
      isSync: true,
      call: (n) => insert.run(recordText(n)),
      close: () => database.close(),
    }
  },
}

/** Puts the records into a new database, for `replaySqlite`. */
export function fillSqlite(path: string, texts: Iterable<string>): void {
  const database = open(path)
  const insert = database.prepare('INSERT INTO records (text) VALUES (?)')
  database.exec('BEGIN')
  for (const text of texts) insert.run(text)
  database.exec('COMMIT')
  database.close()
}

export function replaySqlite(path: string): OrdersState {
  const database = open(path)
  const state: OrdersState = { orders: {}, total: 0 }
  for (const { text } of database.prepare('SELECT text FROM records ORDER BY seq').iterate()) {
    const { payload } = JSON.parse(text) as Stored
    fold(state, payload)
  }
  database.close()
  return state
}
