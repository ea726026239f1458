// Which SQLite is used: the one of Node, or the one of a package. All are called in the same way here.
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

/** `DatabaseSync` of node:sqlite or of @photostructure/sqlite, or the class that better-sqlite3 exports. */
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
const COMPILED = 'better-sqlite3'
const PREBUILT = '@photostructure/sqlite'

/** Returns the driver of Node, else that of an installed package. Throws StoreError `config` if neither exists. */
export async function loadDriver(name: string): Promise<SqliteDriver> {
  const builtIn = await load<{ DatabaseSync: SqliteDriver }>(BUILT_IN)
  if (builtIn) return builtIn.DatabaseSync
  const compiled = await load<{ default: SqliteDriver }>(COMPILED)
  if (compiled) return compiled.default
  const prebuilt = await load<{ DatabaseSync: SqliteDriver }>(PREBUILT)
  if (prebuilt) return prebuilt.DatabaseSync
  const what = `this runtime has no node:sqlite, and neither ${COMPILED} nor ${PREBUILT} is installed`
  const next = `use Node 22.13 or newer, or: npm install ${COMPILED}@12`
  throw new StoreError('config', `${name}: ${what}; ${next}`, { path: name })
}

/** Vite answers for an optional peer that is not installed with a module that throws, without a code. */
function isAbsent(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (/UNKNOWN_BUILTIN_MODULE|MODULE_NOT_FOUND/.test(String(code))) return true
  return /^Could not resolve "/.test(String(message))
}

async function load<T>(module: string): Promise<T | undefined> {
  try {
    return await import(
      /* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ module
    )
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
