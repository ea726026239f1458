// Each engine that there is, started for the tests of a file: where journals of one name come from.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { natsJournal } from 'ministore-ts/nats'
import { postgresJournal } from 'ministore-ts/postgres'
import type { SharedJournal, SharedOptions } from 'ministore-ts/shared'
import { sqliteJournal } from 'ministore-ts/sqlite'
import { afterAll } from 'vitest'
import { ADMIN, startNats } from '../servers/nats.ts'
import { startPostgres } from '../servers/postgres.ts'

export interface TestEngine {
  readonly label: string
  /** As the command line takes it, with the name of a journal. */
  url(name: string): string
  journal(name: string, options?: SharedOptions): SharedJournal
}

let made = 0
/** No two tests share a journal. */
export const newName = (): string => `journal-${++made}`

export const ENGINES = ['PostgreSQL', 'NATS R1', 'NATS R3', 'SQLite'] as const

/** Undefined where there is no server; throws then with MINISTORE_REQUIRE_SERVERS=1. */
export async function startEngine(
  label: (typeof ENGINES)[number],
): Promise<TestEngine | undefined> {
  if (label === 'PostgreSQL') {
    const server = await startPostgres()
    afterAll(() => server?.stop())
    if (!server) return undefined
    return {
      label,
      url: (name) => `${server.url}#${name}`,
      journal: (name, options) => postgresJournal({ connection: server.url, name, ...options }),
    }
  }
  if (label === 'SQLite') {
    const directory = mkdtempSync(join(tmpdir(), 'ministore-sqlite-'))
    afterAll(() => rmSync(directory, { recursive: true, force: true }))
    const file = join(directory, 'journals.db')
    return {
      label,
      url: (name) => `sqlite://${file}#${name}`,
      journal: (name, options) => sqliteJournal({ file, name, ...options }),
    }
  }
  const replicas = label === 'NATS R3' ? 3 : 1
  const nats = await startNats({ nodes: replicas })
  afterAll(() => nats?.stop())
  if (!nats) return undefined
  const [first = ''] = nats.urls
  return {
    label,
    url: (name) => `${first.replace('://', `://${ADMIN.user}:${ADMIN.pass}@`)}#${name}`,
    journal: (name, options) =>
      natsJournal({ servers: nats.urls, ...ADMIN, replicas, name, ...options }),
  }
}
