// What has to be so before a journal can be kept: the server's settings, and the tables.
import type { Client } from 'pg'
import { StoreError } from '../index.ts'
import type { Connection, Server } from './connection.ts'
import { CREATE, FIND, GREET, SCHEMA_VERSION, VERSION } from './statements.ts'

/** gen_random_uuid() came with it. */
const OLDEST = 13

/** Of every new connection: it may lead to another server than the last. `standby`: the code for one. */
export async function greet(
  client: Client,
  { name, timeout }: Server,
  standby: 'config' | 'unavailable',
): Promise<void> {
  const { rows } = await client.query(GREET, [String(Math.ceil(timeout * 0.8))])
  const { standby: isStandby, fsync, encoding, version } = rows[0] ?? {}
  const refuse = (code: 'config' | 'unavailable', why: string) =>
    new StoreError(code, `${name}: ${why}`, { path: name })
  if (Number(version) < OLDEST * 10_000) {
    throw refuse('config', `the server is older than PostgreSQL ${OLDEST}: use a newer one`)
  }
  if (isStandby === 'true') {
    throw refuse(standby, 'the server is a standby, which cannot be written to: name the primary')
  }
  if (fsync !== 'on') {
    throw refuse('config', 'the server runs with fsync=off and would lose records: set it to on')
  }
  if (encoding !== 'UTF8') {
    throw refuse(
      'config',
      `the database is encoded in ${encoding}: create one with ENCODING 'UTF8'`,
    )
  }
}

/** A role that may not create tables can use those that are there. */
export async function prepareTables(server: Server, connection: Connection): Promise<void> {
  if (await findTables(server, connection)) return
  await connection.run(CREATE)
  await checkVersion(server, connection)
}

/** Whether they are there, and are as they should be. */
export async function findTables(server: Server, connection: Connection): Promise<boolean> {
  const [found] = (await connection.run(FIND)).rows
  if (found?.['tables'] !== '3') return false
  if (found['lossy'] !== '0') {
    const what = 'a table is UNLOGGED, and a crash would empty it: ALTER TABLE … SET LOGGED'
    throw refusal(server, what)
  }
  await checkVersion(server, connection)
  return true
}

async function checkVersion(server: Server, connection: Connection): Promise<void> {
  const [row] = (await connection.run(VERSION)).rows
  if (row?.['version'] !== String(SCHEMA_VERSION)) {
    const version = row?.['version'] ?? 'none'
    const what = `its tables have version ${version}, not ${SCHEMA_VERSION}: update ministore`
    throw refusal(server, what)
  }
}

const refusal = ({ name }: Server, why: string): StoreError =>
  new StoreError('config', `${name}: ${why}`, { path: name })
