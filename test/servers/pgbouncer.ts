// PgBouncer before the PostgreSQL of a test: it gives each session of the server to many clients in turn.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Client } from 'pg'
import { freePort, type TestPostgres } from './postgres.ts'
import { killed, spawnWatched, watchDirectory } from './watchdog.ts'

export type PoolMode = 'session' | 'transaction' | 'statement'

export interface TestPooler {
  /** Of the same superuser and database, through the pooler. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * With two sessions of the server for all clients together. Undefined if the package pgbouncer is not installed, which
 * is an error with MINISTORE_REQUIRE_SERVERS=1.
 */
export async function startPgBouncer(
  server: TestPostgres,
  mode: PoolMode,
): Promise<TestPooler | undefined> {
  if (!isInstalled()) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'ministore-pgbouncer-'))
  chmodSync(directory, 0o755)
  watchDirectory(directory)
  const port = await freePort()
  const users = join(directory, 'users.txt')
  writeFileSync(users, `"postgres" "${server.password}"\n`)
  const file = join(directory, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = ${mode}
default_pool_size = 2
max_client_conn = 200
`,
  )
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const pooler = spawnWatched('pgbouncer', ['-q', ...account, file])
  let log = ''
  pooler.stderr?.on('data', (bytes) => {
    log = `${log}${bytes}`.slice(-4000)
  })
  const url = new URL(server.url)
  url.port = String(port)
  while (!(await answers(url.href))) {
    if (pooler.exitCode !== null) throw new Error(`PgBouncer does not start:\n${log}`)
    await setTimeout(20)
  }
  return {
    url: url.href,
    async stop() {
      await killed(pooler, 'SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function isInstalled(): boolean {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    const advice = 'no PgBouncer found for the tests: install the package pgbouncer'
    if (process.env['MINISTORE_REQUIRE_SERVERS'] === '1') throw new Error(advice)
    console.warn(advice)
    return false
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}
