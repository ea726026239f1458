// The tables that have to be there before a journal can be kept.
import { StoreError } from '../../index.ts'
import type { Row } from './database.ts'
import { CREATE, FIND, SCHEMA_VERSION, type Statement, VERSION } from './statements.ts'

type Ask = (statement: Statement) => Promise<readonly Row[]>

/** A role that may not create tables can use those that are there. */
export async function prepareTables(name: string, ask: Ask): Promise<void> {
  if (await findTables(name, ask)) return
  await ask(CREATE)
  await checkVersion(name, ask)
}

/** Whether they are there, and are as they should be. */
export async function findTables(name: string, ask: Ask): Promise<boolean> {
  const [found] = await ask(FIND)
  if (found?.['tables'] !== '3') return false
  if (found['lossy'] !== '0') {
    const what = 'a table is UNLOGGED, and a crash would empty it: ALTER TABLE … SET LOGGED'
    throw refusal(name, what)
  }
  await checkVersion(name, ask)
  return true
}

async function checkVersion(name: string, ask: Ask): Promise<void> {
  const [row] = await ask(VERSION)
  if (row?.['version'] !== String(SCHEMA_VERSION)) {
    const version = row?.['version'] ?? 'none'
    const what = `its tables have version ${version}, not ${SCHEMA_VERSION}: update ministore`
    throw refusal(name, what)
  }
}

const refusal = (name: string, why: string): StoreError =>
  new StoreError('config', `${name}: ${why}`, { path: name })
