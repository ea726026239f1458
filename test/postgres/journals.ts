import { inspect } from 'node:util'
import { defineStore, StoreError } from 'ministore-ts'
import { type PostgresOptions, postgresEngine } from 'ministore-ts/postgres'
import type { Engine, EngineEntry } from 'ministore-ts/shared'
import { afterAll, expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { startPostgres, type TestPostgres } from '../servers/postgres.ts'

/** Stopped after its tests. Where there is none, nothing of it works, and tests are skipped. */
export async function serverOfThisFile(): Promise<TestPostgres & { isHere: boolean }> {
  const server = await startPostgres()
  afterAll(() => server?.stop())
  if (server) return Object.assign(server, { isHere: true })
  const refuse = () => Promise.reject(new Error('there is no PostgreSQL here'))
  return {
    ...{ isHere: false, isOwn: false, url: '', port: 0, password: '' },
    ...{ query: refuse, kill: refuse, restart: refuse, standby: refuse, stop: refuse },
  }
}

export const ledger = defineStore({
  name: 'ledger',
  state: { sum: 0 },
  mutations: { add: { payload: z.int(), apply: ({ sum }, amount) => ({ sum: sum + amount }) } },
})

let journals = 0
/** A name that no other test uses. */
export const freshName = (): string => `journal-${++journals}`

/** Closed after the test. */
export function engineOn(
  connection: PostgresOptions['connection'],
  name: string,
  timeout = 10_000,
): Engine {
  const engine = postgresEngine({ connection, name, timeout })
  onTestFinished(() => engine.close())
  return engine
}

/** A database of its own, with nothing in it. */
export async function freshDatabase(server: TestPostgres, options = ''): Promise<string> {
  const name = `test_${globalThis.crypto.randomUUID().slice(0, 8)}`
  await server.query(`CREATE DATABASE ${name} ${options}`)
  return `${server.url.slice(0, server.url.lastIndexOf('/'))}/${name}`
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
  return { all, done, end: () => ending.abort() }
}

/** The StoreError that it ends in; nothing of it, however deep, may show `secret`. */
export async function failureOf(work: Promise<unknown>, secret?: string): Promise<StoreError> {
  const error = await work.then(
    (value) => expect.fail(`it did not fail: ${inspect(value)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof StoreError)) throw error
  if (secret !== undefined) {
    const shown = inspect(error, { depth: 20, showHidden: true, getters: true })
    expect(`${shown} ${error.stack}`).not.toContain(secret)
  }
  return error
}
