// The drivers of SQLite that this runtime has.
import type { SqliteDriver } from 'ministore-ts/sqlite'

/** Each driver that this runtime has. Node 20 has only packages. */
export const DRIVERS: readonly (readonly [string, SqliteDriver])[] = (
  await Promise.all([
    found('node:sqlite', (module) => module['DatabaseSync']),
    found('better-sqlite3', (module) => module['default']),
    found('@photostructure/sqlite', (module) => module['DatabaseSync']),
  ])
).flat()

async function found(
  module: string,
  driverIn: (module: Record<string, unknown>) => unknown,
): Promise<(readonly [string, SqliteDriver])[]> {
  try {
    const driver = driverIn(await import(module)) as SqliteDriver
    new driver(':memory:', { timeout: 0 }).close()
    return [[module, driver]]
  } catch (error) {
    // The package may be compiled for another version of Node.
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (/UNKNOWN_BUILTIN_MODULE|MODULE_NOT_FOUND|DLOPEN_FAILED/.test(String(code))) return []
    // That is how Vite answers for an optional peer that is not installed.
    if (/^Could not resolve "/.test(String(message))) return []
    throw error
  }
}
