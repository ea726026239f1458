// The servers of a campaign, and what can be done to them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { natsEngine } from 'ministore-ts/nats'
import { postgresEngine } from 'ministore-ts/postgres'
import type { Engine } from 'ministore-ts/shared'
import { type SqliteConnection, sqliteEngine } from 'ministore-ts/sqlite'
import { ADMIN, type Nats, startNats } from '../../servers/nats.ts'
import { startPostgres, type TestPostgres } from '../../servers/postgres.ts'
import { DRIVERS } from '../../sqlite/drivers.ts'
import type { Network } from './network.ts'
import type { EngineName } from './report.ts'

export interface Fault {
  /** What has to be there before it; writers go on for a while after that. */
  prepare?(): Promise<void>
  /** Resolves when nothing stands in the way of the writers any more. */
  strike(): Promise<void>
}

export const JOURNAL = 'chaos'

/** Returns a random number from `from` up to `to`. */
export type Between = (from: number, to: number) => number

export interface Ground {
  readonly ports: readonly number[]
  /** As the engine takes them. */
  servers(ports: readonly number[]): string[]
  /** Straight to the servers. */
  engine(): Engine
  faults(network: Network, between: Between): Record<string, Fault>
  stop(): Promise<void>
}

/** Undefined where there is no server that may be killed. */
export function startGround(engine: EngineName): Promise<Ground | undefined> {
  if (engine === 'sqlite') return Promise.resolve(new SqliteGround())
  return engine === 'postgres' ? PostgresGround.start() : NatsGround.start()
}

type Standby = Awaited<ReturnType<TestPostgres['standby']>>
type ToStandby = (standby: Standby) => Promise<void>

class PostgresGround implements Ground {
  #primary: TestPostgres
  readonly ports: readonly number[]

  private constructor(primary: TestPostgres) {
    this.#primary = primary
    this.ports = [primary.port]
  }

  static async start(): Promise<PostgresGround | undefined> {
    const primary = await startPostgres()
    return primary?.isOwn ? new PostgresGround(primary) : undefined
  }

  servers(ports: readonly number[]): string[] {
    const { password } = this.#primary
    return ports.map((port) => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`)
  }

  engine(): Engine {
    return postgresEngine({ connection: this.#primary.url, name: JOURNAL })
  }

  faults(network: Network, between: Between): Record<string, Fault> {
    return {
      kill: {
        strike: async () => {
          await this.#primary.kill('SIGKILL')
          await sleep(between(0, 500))
          await this.#primary.restart()
        },
      },
      'pause-server': {
        strike: async () => {
          await this.#primary.kill('SIGSTOP')
          await sleep(between(500, 8_000))
          await this.#primary.kill('SIGCONT')
        },
      },
      promote: this.#promotion(network),
      'promote-late': this.#promotion(network, {
        meanwhile: async (standby) => {
          await standby.kill('SIGKILL')
          await sleep(between(200, 2_000))
          // What waited for the standby is there when it is back, and nobody else has it.
          await this.#primary.kill('SIGKILL')
          await this.#primary.restart()
          await sleep(between(1_000, 3_000))
        },
      }),
      'promote-async': this.#promotion(network, {
        before: async (standby) => {
          await this.#primary.query("ALTER SYSTEM SET synchronous_standby_names = ''")
          await this.#primary.query('SELECT pg_reload_conf()')
          await standby.kill('SIGKILL')
        },
      }),
    }
  }

  /** The standby takes over from a primary that is killed and stays off. */
  #promotion(
    network: Network,
    { before, meanwhile }: { before?: ToStandby; meanwhile?: ToStandby } = {},
  ): Fault {
    let standby: Standby | undefined
    return {
      prepare: async () => {
        standby = await this.#primary.standby()
        await before?.(standby)
      },
      strike: async () => {
        const [old, next] = [this.#primary, standby]
        if (!next) throw new Error('there is no standby')
        await meanwhile?.(next)
        await old.kill('SIGKILL')
        if (before || meanwhile) await next.restart()
        await next.promote()
        network.lead(0, next.port)
        this.#primary = next
        await old.stop()
      },
    }
  }

  stop(): Promise<void> {
    return this.#primary.stop()
  }
}

class NatsGround implements Ground {
  readonly #nats: Nats
  readonly ports: readonly number[]

  private constructor(nats: Nats) {
    this.#nats = nats
    this.ports = nats.nodes.map(({ port }) => port)
  }

  static async start(): Promise<NatsGround | undefined> {
    const nats = await startNats({ nodes: 3 })
    return nats && new NatsGround(nats)
  }

  servers(ports: readonly number[]): string[] {
    return ports.map((port) => `nats://${ADMIN.user}:${ADMIN.pass}@127.0.0.1:${port}`)
  }

  engine(): Engine {
    return natsEngine({ servers: this.servers(this.ports), name: JOURNAL })
  }

  faults(_: Network, between: Between): Record<string, Fault> {
    const { nodes } = this.#nats
    const leader = () => this.#nats.leader(`ministore_${JOURNAL}`)
    const followers = async () => {
      const its = await leader()
      return nodes.filter((node) => node !== its)
    }
    return {
      'kill-leader': {
        strike: async () => {
          const node = await leader()
          await node.kill()
          await sleep(between(0, 5_000))
          await node.start()
        },
      },
      // The leader takes appends that nobody confirms: they wait in it, and a conflict tells of them before any read.
      'kill-followers': {
        strike: async () => {
          const both = await followers()
          await Promise.all(both.map((node) => node.kill()))
          await sleep(between(500, 4_000))
          await Promise.all(both.map((node) => node.start()))
        },
      },
      'pause-followers': {
        strike: async () => {
          const both = await followers()
          for (const node of both) node.pause()
          await sleep(between(500, 4_000))
          for (const node of both) node.resume()
        },
      },
      'kill-all': {
        strike: async () => {
          await Promise.all(nodes.map((node) => node.kill()))
          await sleep(between(0, 500))
          await Promise.all(nodes.map((node) => node.start()))
        },
      },
      'pause-leader': {
        strike: async () => {
          const node = await leader()
          node.pause()
          await sleep(between(500, 12_000))
          node.resume()
        },
      },
    }
  }

  stop(): Promise<void> {
    return this.#nats.stop()
  }
}

/** What can be done between the writers and any servers. */
/** No server and no network: what can happen to a file that several processes have open. */
class SqliteGround implements Ground {
  readonly ports = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'ministore-chaos-'))
  readonly #file = join(this.#directory, 'chaos.db')

  servers(): string[] {
    return [this.#file]
  }

  engine(): Engine {
    return sqliteEngine({ file: this.#file, name: JOURNAL })
  }

  faults(_: Network, between: Between): Record<string, Fault> {
    return {
      'hold-lock': {
        strike: () =>
          this.#connected(async (connection) => {
            connection.exec('BEGIN IMMEDIATE')
            await sleep(between(100, 3_000))
            connection.exec('COMMIT')
          }),
      },
      checkpoint: {
        strike: () =>
          this.#connected(async (connection) => {
            for (let times = 0; times < 20; times++) {
              connection.prepare('PRAGMA wal_checkpoint(RESTART)').all()
              await sleep(between(1, 20))
            }
          }),
      },
    }
  }

  async stop(): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Another program that has the database open. It may wait for the lock: only this process does. */
  async #connected(run: (connection: SqliteConnection) => Promise<void>): Promise<void> {
    const [, Driver] = DRIVERS[0] ?? []
    if (!Driver) throw new Error('there is no driver of SQLite')
    const connection = new Driver(this.#file, { timeout: 10_000 })
    try {
      await run(connection)
    } finally {
      connection.close()
    }
  }
}

export function networkFaults(network: Network, between: Between): Record<string, Fault> {
  const disturbance = (traffic: 'hold' | 'lose_requests' | 'lose_answers') => ({
    async strike() {
      const end = network.disturb(traffic)
      await sleep(between(500, 6_000))
      end()
    },
  })
  return {
    cut: { strike: async () => network.cut() },
    hold: disturbance('hold'),
    'lose-requests': disturbance('lose_requests'),
    'lose-answers': disturbance('lose_answers'),
  }
}
