// Journals in SQLite: ministore-ts/sqlite, with node:sqlite or an optional peer.
import { type SharedJournal, type SharedOptions, sharedJournal } from '../shared/index.ts'
import { type SqliteOptions, sqliteEngine } from './engine.ts'

export type {
  SqliteConnection,
  SqliteDriver,
  SqliteStatement,
  SqliteValue,
} from './driver.ts'
export { type SqliteOptions, sqliteEngine } from './engine.ts'

export interface SqliteJournalOptions extends SqliteOptions, SharedOptions {}

/** The journal `name` in a SQLite database. Nothing is touched before `open`. */
export const sqliteJournal = (options: SqliteJournalOptions): SharedJournal =>
  sharedJournal(sqliteEngine(options), options)
