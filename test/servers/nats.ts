// Real NATS servers for tests: one, or a cluster of three; with passwords, on loopback, on free ports.
import { type ChildProcess, execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cp, rename } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { killed, spawnWatched, watchDirectory } from './watchdog.ts'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/ministore/', import.meta.url))
const CACHED = join(CACHE, 'nats-server')

export const INSTALL =
  'no nats-server of at least version 2.12 was found: put one on the PATH, or let the tests fetch Debian’s with apt-get'

/** May do everything. Other users are the test's own. */
export const ADMIN = { user: 'admin', pass: 'admin-7d1f' }

export interface NatsUser {
  readonly user: string
  readonly pass: string
  /** As in a server's configuration: `{ publish: […], subscribe: […] }`. Default: everything. */
  readonly permissions?: string | undefined
}

export interface NatsOptions {
  /** One server, or a cluster of three. */
  readonly nodes?: 1 | 3
  readonly users?: readonly NatsUser[]
  /** Lines for the server's configuration. */
  readonly config?: string
  readonly jetstream?: boolean
  /** Another one than `findNats` finds, which may be too old to sync. */
  readonly binary?: string
}

export interface NatsNode {
  readonly name: string
  readonly port: number
  readonly url: string
  readonly pid: number | undefined
  /** Its data. */
  readonly directory: string
  /** Resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** After `kill`, on the same port and directory. Resolves when it takes connections. */
  start(): Promise<void>
  pause(): void
  resume(): void
  /** What its monitoring says of the clients that are connected. */
  clients(): Promise<readonly Client[]>
}

export interface Client {
  readonly name?: string
  readonly subscriptions: number
}

export interface Nats {
  readonly nodes: readonly NatsNode[]
  readonly urls: string[]
  /** A connection of the admin's, to any node that lives. The caller closes it. */
  admin(): Promise<NatsConnection>
  /** The node that leads the stream, as the servers say. */
  leader(stream: string): Promise<NatsNode>
  /** Until every node has joined and there is a leader. */
  ready(): Promise<void>
  stop(): Promise<void>
}

/** undefined where no server is to be had; throws then when MINISTORE_REQUIRE_SERVERS=1. */
export async function startNats(options: NatsOptions = {}): Promise<Nats | undefined> {
  const binary = options.binary ?? (await findNats())
  if (binary === undefined) return undefined
  // Between choosing a port and taking it, somebody else may take it.
  for (let attempt = 1; ; attempt++) {
    const cluster = await Cluster.make(binary, options)
    try {
      await cluster.start()
      return cluster
    } catch (error) {
      await cluster.stop()
      if (attempt === 3) throw error
    }
  }
}

/** The path of a server that is new enough. */
export async function findNats(): Promise<string | undefined> {
  if (isNewEnough('nats-server')) return 'nats-server'
  if (isNewEnough(CACHED)) return CACHED
  await download().catch(() => undefined)
  if (isNewEnough(CACHED)) return CACHED
  if (process.env['MINISTORE_REQUIRE_SERVERS'] === '1') throw new Error(INSTALL)
  return undefined
}

function isNewEnough(binary: string): boolean {
  const [major = 0, minor = 0] = natsVersion(binary) ?? []
  return major > 2 || (major === 2 && minor >= 12)
}

/** undefined where there is none, or none that runs here. */
export function natsVersion(binary: string): readonly number[] | undefined {
  try {
    const text = execFileSync(binary, ['-v'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return /v(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number)
  } catch {
    return undefined
  }
}

/** Debian's newest package, unpacked beside the system. Several test files may ask at once. */
async function download(): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const lock = join(CACHE, 'nats-server.lock')
  for (;;) {
    if (existsSync(CACHED)) return
    try {
      mkdirSync(lock)
      break
    } catch {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > 120_000) rmSync(lock, { recursive: true, force: true })
      await sleep(200)
    }
  }
  const dir = mkdtempSync(join(tmpdir(), 'ministore-apt-'))
  watchDirectory(dir)
  try {
    for (const made of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(dir, made), { recursive: true })
    writeFileSync(join(dir, 'sources.list'), 'deb http://deb.debian.org/debian sid main\n')
    const settings = [
      ...['-o', `Dir::Etc::sourcelist=${dir}/sources.list`, '-o', 'Dir::Etc::sourceparts=-'],
      ...['-o', `Dir::State=${dir}/state`, '-o', `Dir::Cache=${dir}/cache`],
    ]
    const apt = (...args: string[]) =>
      run('apt-get', [...settings, ...args], { cwd: dir, timeout: 100_000 })
    await apt('update')
    await apt('download', 'nats-server')
    await run('sh', ['-c', 'dpkg-deb -x nats-server*.deb unpacked'], { cwd: dir })
    await cp(join(dir, 'unpacked/usr/sbin/nats-server'), `${CACHED}.new`)
    await rename(`${CACHED}.new`, CACHED)
  } finally {
    rmSync(dir, { recursive: true, force: true })
    rmSync(lock, { recursive: true, force: true })
  }
}

class Cluster implements Nats {
  readonly nodes: readonly Node[]
  readonly #dir: string
  readonly #hasJetstream: boolean

  constructor(dir: string, nodes: readonly Node[], hasJetstream: boolean) {
    this.nodes = nodes
    this.#dir = dir
    this.#hasJetstream = hasJetstream
  }

  static async make(binary: string, options: NatsOptions): Promise<Cluster> {
    const count = options.nodes ?? 1
    const dir = mkdtempSync(join(tmpdir(), 'ministore-nats-'))
    watchDirectory(dir)
    const ports = await freePorts(count * 3)
    const routes = ports.slice(count, count * 2)
    const nodes = Array.from({ length: count }, (_, at) => {
      const name = `n${at + 1}`
      const [port = 0, route = 0, monitor = 0] = [
        ports[at],
        ports[at + count],
        ports[at + count * 2],
      ]
      const config = join(dir, `${name}.conf`)
      writeFileSync(
        config,
        configuration({ name, port, route, monitor, routes, dir: join(dir, name), options }),
      )
      return new Node({ name, port, monitor, binary, config })
    })
    return new Cluster(dir, nodes, options.jetstream !== false)
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url)
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()))
    await this.ready()
  }

  async ready(): Promise<void> {
    if (!this.#hasJetstream || this.nodes.length === 1) return
    for (const until = Date.now() + 20_000; ; await sleep(50)) {
      const living = this.nodes.filter(({ pid }) => pid !== undefined)
      const states = await Promise.all(living.map((node) => node.meta().catch(() => undefined)))
      const isReady = states.every((state) => state?.leader && state.cluster_size === 3)
      const current = states.some(
        (state) => state?.replicas?.filter((it) => it.current).length === living.length - 1,
      )
      if (isReady && current) return
      if (Date.now() > until) throw new Error('the NATS cluster does not find together')
    }
  }

  admin(): Promise<NatsConnection> {
    const servers = this.nodes.filter(({ pid }) => pid !== undefined).map(({ url }) => url)
    return connect({ servers, ...ADMIN, reconnect: false, timeout: 2_000 })
  }

  async leader(stream: string): Promise<NatsNode> {
    const connection = await this.admin()
    try {
      for (const until = Date.now() + 10_000; ; await sleep(20)) {
        const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 })
        const info = await manager.streams.info(stream).catch(() => undefined)
        const node = this.nodes.find(({ name }) => name === info?.cluster?.leader)
        if (node) return node
        if (Date.now() > until) throw new Error(`no node leads ${stream}`)
      }
    } finally {
      await connection.close()
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()))
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

class Node implements NatsNode {
  readonly name: string
  readonly port: number
  readonly url: string
  readonly directory: string
  readonly #options: { binary: string; config: string; monitor: number }
  #child: ChildProcess | undefined

  constructor(options: {
    name: string
    port: number
    monitor: number
    binary: string
    config: string
  }) {
    this.name = options.name
    this.port = options.port
    this.url = `nats://127.0.0.1:${options.port}`
    this.directory = options.config.replace(/\.conf$/, '')
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async start(): Promise<void> {
    const child = spawnWatched(this.#options.binary, ['-c', this.#options.config])
    this.#child = child
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        // Read on for ever: a full pipe would stop the server.
        if (log.length < 50_000) log += text
        if (text.includes('Server is ready') || log.includes('Server is ready')) resolve()
      })
      child.once('exit', () => {
        if (this.#child === child) this.#child = undefined
        reject(new Error(`nats-server ended: ${log.slice(-2_000)}`))
      })
      child.once('error', reject)
    })
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child) await killed(this.#child, signal)
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async meta(): Promise<MetaCluster | undefined> {
    return (await this.#monitored<{ meta_cluster?: MetaCluster }>('jsz')).meta_cluster
  }

  async clients(): Promise<readonly Client[]> {
    return (await this.#monitored<{ connections: Client[] }>('connz')).connections
  }

  async #monitored<T>(what: string): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.#options.monitor}/${what}`, {
      signal: AbortSignal.timeout(500),
    })
    return (await answer.json()) as T
  }
}

interface MetaCluster {
  readonly leader?: string
  readonly cluster_size?: number
  readonly replicas?: readonly { readonly current?: boolean }[]
}

interface Place {
  readonly name: string
  readonly port: number
  readonly route: number
  readonly monitor: number
  readonly routes: readonly number[]
  readonly dir: string
  readonly options: NatsOptions
}

function configuration({ name, port, route, monitor, routes, dir, options }: Place): string {
  const users = [ADMIN, ...(options.users ?? [])].map((it: NatsUser) => {
    const permissions = it.permissions === undefined ? '' : `, permissions: ${it.permissions}`
    return `{ user: "${it.user}", password: "${it.pass}"${permissions} }`
  })
  const urls = routes.map((it) => `"nats://127.0.0.1:${it}"`)
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitor}"`,
    `server_name: ${name}`,
    `authorization { users: [\n${users.join('\n')}\n] }`,
    options.config ?? '',
  ]
  if (options.jetstream !== false)
    lines.push(
      `jetstream { store_dir: "${dir}"${options.binary ? '' : ', sync_interval: always'} }`,
    )
  if (routes.length > 1)
    lines.push(
      `cluster { name: ministore, listen: "127.0.0.1:${route}", routes: [${urls.join(', ')}] }`,
    )
  return `${lines.join('\n')}\n`
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer().listen(0, '127.0.0.1')
      return new Promise<typeof server>((resolve) =>
        server.once('listening', () => resolve(server)),
      )
    }),
  )
  return servers.map((server) => {
    const address = server.address()
    server.close()
    return typeof address === 'object' && address ? address.port : 0
  })
}
