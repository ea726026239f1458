// Journals in PostgreSQL: ministore-ts/postgres, with the peer `pg`.
import { type SharedJournal, type SharedOptions, sharedJournal } from '../shared/index.ts'
import { type PostgresOptions, postgresEngine } from './engine.ts'

export type { PostgresConnection } from './address.ts'
export { type PostgresOptions, postgresEngine } from './engine.ts'

export interface PostgresJournalOptions extends PostgresOptions, SharedOptions {}

/** The journal `name` in a PostgreSQL database. Nothing is touched before `open`. */
export const postgresJournal = (options: PostgresJournalOptions): SharedJournal =>
  sharedJournal(postgresEngine(options), options)
