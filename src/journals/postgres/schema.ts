// The tables that have to be there before a journal can be kept.
import { StoreError } from '../../index.ts'
import type { Row } from './database.ts'
import { CREATE, FIND, SCHEMA_VERSION, type Statement, VERSION } from './statements.ts'

type Ask = (statement: Statement, values?: unknown[]) => Promise<readonly Row[]>

/** A role that may not create tables can use those that are there. */
export async function prepareTables(name: string, ask: Ask): Promise<void> {
  if (await findTables(name, ask, false)) return
  await ask(CREATE)
  await checkVersion(name, ask)
}

/** Returns whether the tables exist. Throws StoreError `config` if they are not as they should be, or if a right is missing. */
export async function findTables(name: string, ask: Ask, isToRead: boolean): Promise<boolean> {
  const [found] = await ask(FIND, [isToRead])
  if (found?.['tables'] !== '3') return false
  if (found['lossy'] !== '0') {
    const what = 'a table is UNLOGGED, and a crash would empty it: ALTER TABLE … SET LOGGED'
    throw refusal(name, what)
  }
  if (found['lacking']) {
    const what = `the role lacks rights to the tables. Their owner can give them: ${found['lacking']}`
    throw refusal(name, `${what} See docs/engines/postgres.md, "Rights"`)
  }
  await checkVersion(name, ask)
  return true
}

async function checkVersion(name: string, ask: Ask): Promise<void> {
  const [row] = await ask(VERSION)
  const version = row?.['version'] ?? undefined
  if (version === undefined) {
    const next = `run INSERT INTO ministore_schema VALUES (${SCHEMA_VERSION})`
    throw refusal(name, `ministore_schema has no version. If you made the tables by hand, ${next}`)
  }
  if (version === String(SCHEMA_VERSION)) return
  const what = `its tables have version ${version}, and this code knows version ${SCHEMA_VERSION}`
  throw refusal(name, `${what}: a newer ministore upgraded them. Update ministore`)
}

const refusal = (name: string, why: string): StoreError =>
  new StoreError('config', `${name}: ${why}`, { path: name })
