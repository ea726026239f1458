// Databases in temporary directories, and the driver that this Node has.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreError } from 'ministore-ts'
import type { Engine, EngineEntry } from 'ministore-ts/shared'
import { type SqliteConnection, type SqliteDriver, sqliteEngine } from 'ministore-ts/sqlite'
import { expect, onTestFinished } from 'vitest'

export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-sqlite-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export const freshFile = (): string => join(freshDirectory(), 'app.db')

/** Closed after the test. */
export function engineOn(
  file: string,
  driver: SqliteDriver,
  name = 'orders',
  timeout = 10_000,
): Engine {
  const engine = sqliteEngine({ file, name, driver, timeout })
  onTestFinished(() => engine.close())
  return engine
}

/** A connection as an application has it, closed after the test. */
export function rawOn(file: string, driver: SqliteDriver): SqliteConnection {
  const raw = new driver(file, { timeout: 0 })
  onTestFinished(() => void raw.close())
  return raw
}

export const entry = (text: string, id = globalThis.crypto.randomUUID() as string) => ({ id, text })
export const notes = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => entry(JSON.stringify({ note: from + index })))

export async function readAll(engine: Engine, after = 0, to?: number): Promise<EngineEntry[]> {
  const all: EngineEntry[] = []
  for await (const batch of engine.read(after, { to })) all.push(...batch)
  return all
}

/** Follows until the test is done. `all` grows. */
export function followAll(engine: Engine, after = 0) {
  const ending = new AbortController()
  const all: EngineEntry[] = []
  const done = (async () => {
    for await (const batch of engine.follow(after, ending.signal)) all.push(...batch)
  })()
  onTestFinished(() => ending.abort())
  return { all, done }
}

/** The StoreError that it ends in. */
export async function failureOf(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    (value) => expect.fail(`it did not fail: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof StoreError)) throw error
  return error
}
