// Whose SQLite it is: the one that Node has, or the package better-sqlite3. Both are called in the same way here.
import { StoreError } from '../../index.ts'

export type SqliteValue = string | number | null

/** What this engine calls of a prepared statement. */
export interface SqliteStatement {
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
  run(...values: SqliteValue[]): unknown
}

/** What this engine calls of an open database. */
export interface SqliteConnection {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** `DatabaseSync` of node:sqlite, or the class that better-sqlite3 exports. */
export interface SqliteDriver {
  new (path: string, options: { timeout: number }): SqliteConnection
  readonly prototype: object
}

/** Opens the file, which has to exist, and never waits for a lock: that would stop the whole process. */
export function connect(
  Driver: SqliteDriver,
  path: string,
  access: 'read' | 'write',
): SqliteConnection {
  const isReader = access === 'read'
  // better-sqlite3 refuses the other spelling.
  const readOnly = 'pragma' in Driver.prototype ? { readonly: isReader } : { readOnly: isReader }
  return new Driver(path, { ...readOnly, timeout: 0 })
}

/** By names that no bundler follows: no one installs a driver that is not used. */
const BUILT_IN = 'node:sqlite'
const PACKAGE = 'better-sqlite3'

/** Returns Node's own driver, else that of better-sqlite3. Throws StoreError `config` if neither exists. */
export async function loadDriver(name: string): Promise<SqliteDriver> {
  const builtIn = await load<{ DatabaseSync: SqliteDriver }>(BUILT_IN)
  if (builtIn) return builtIn.DatabaseSync
  const installed = await load<{ default: SqliteDriver }>(PACKAGE)
  if (installed) return installed.default
  const what = `this runtime has no node:sqlite, and the package ${PACKAGE} is not installed`
  const next = `use Node 22.13 or newer, or: npm install ${PACKAGE}@12`
  throw new StoreError('config', `${name}: ${what}; ${next}`, { path: name })
}

async function load<T>(module: string): Promise<T | undefined> {
  try {
    return await import(
      /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ module
    )
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (/UNKNOWN_BUILTIN_MODULE|MODULE_NOT_FOUND/.test(String(code))) return undefined
    throw error
  }
}
