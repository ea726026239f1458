// The drivers of SQLite that this runtime has.
import type { SqliteDriver } from 'ministore-ts/sqlite'

/** Each driver that this runtime has. Node 20 has only the package. */
export const DRIVERS: readonly (readonly [string, SqliteDriver])[] = (
  await Promise.all([
    found('node:sqlite', (module) => module['DatabaseSync']),
    found('better-sqlite3', (module) => module['default']),
  ])
).flat()

async function found(
  module: string,
  driverIn: (module: Record<string, unknown>) => unknown,
): Promise<(readonly [string, SqliteDriver])[]> {
  try {
    return [[module, driverIn(await import(module)) as SqliteDriver]]
  } catch (error) {
    const isAbsent = /UNKNOWN_BUILTIN_MODULE|MODULE_NOT_FOUND/.test(
      String((error as { code?: unknown }).code),
    )
    if (isAbsent) return []
    throw error
  }
}
