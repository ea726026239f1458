// Keys in a table of PostgreSQL, through a pool of `pg` that the caller has. It imports nothing of it.
import { z } from 'zod'
import { SecretError } from './error.ts'
import {
  type KeyEntry,
  type KeyStorage,
  type KeyStore,
  type KeyStoreOptions,
  keyStore,
} from './keys.ts'

/** What is asked of a pool or a client of `pg`. */
export interface KeyDatabase {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

export interface PostgresKeysOptions extends KeyStoreOptions {
  /** Default `ministore_keys`. May be given as `schema.table`. Created if it does not exist. */
  readonly table?: string | undefined
}

const ENTRY = z.strictObject({
  key: z.strictObject({ id: z.string(), bytes: z.string() }).optional(),
  forgotten: z.array(z.string()),
})

/**
 * Keys in a table: keep it in another database than the journal, with backups of its own. A key that was destroyed stays
 * on the server's disk until `VACUUM` and its write-ahead log are through with it: wrap the keys with `masterKey` or a KMS.
 * Throws SecretError `key_store` where the database refuses; TypeError if `table` is not a name.
 */
export function postgresKeys(
  database: KeyDatabase,
  { table = 'ministore_keys', ...options }: PostgresKeysOptions = {},
): KeyStore {
  if (!/^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/.test(table))
    throw new TypeError('postgresKeys: `table` must be a name of a-z, 0-9 and _, or schema.table')
  return keyStore(storageIn(database, table), options)
}

function storageIn(database: KeyDatabase, table: string): KeyStorage {
  let created: Promise<unknown> | undefined
  const query = async (text: string, values: unknown[]) => {
    try {
      created ??= createTable(database, table)
      await created
      return (await database.query(text, values)).rows
    } catch (cause) {
      created = undefined
      const what = `the table ${table} of keys cannot be used: ${(cause as Error).message}`
      throw new SecretError('key_store', what, { cause })
    }
  }
  const read = async (subject: string) => {
    const [row] = await query(`select entry from ${table} where subject = $1`, [subject])
    return row === undefined ? undefined : entryIn(row, subject)
  }
  return {
    read,
    async create(subject, entry) {
      const text = JSON.stringify(entry)
      const insert = `insert into ${table} (subject, entry) values ($1, $2) on conflict do nothing`
      await query(insert, [subject, text])
      return (await read(subject)) ?? entry
    },
    async replace(subject, entry) {
      const text = JSON.stringify(entry)
      await query(`update ${table} set entry = $2 where subject = $1`, [subject, text])
    },
  }
}

/** Two processes that begin at the same time may both create it: PostgreSQL refuses one of them with `23505` or `42P07`. */
async function createTable(database: KeyDatabase, table: string): Promise<void> {
  const create = `create table if not exists ${table} (subject text primary key, entry jsonb not null)`
  try {
    await database.query(create)
  } catch (error) {
    if (!['23505', '42P07'].includes(String(Object(error).code))) throw error
  }
}

function entryIn(row: unknown, subject: string): KeyEntry {
  const parsed = ENTRY.safeParse(Object(row).entry)
  if (!parsed.success) {
    const what = `the row of subject ${subject} is not a key: it was damaged. Restore it.`
    throw new SecretError('bad_key', what, { subject })
  }
  const { key, forgotten } = parsed.data
  return { ...(key && { key }), forgotten }
}
