// The connections to one database, shared by all journals of this process that name it in the same way.
import {
  Client,
  type ClientBase,
  type ClientConfig,
  Pool,
  type PoolClient,
  type QueryConfig,
} from 'pg'
import { StoreError } from '../../index.ts'
import type { Address } from './address.ts'
import { failure, isFromServer, isLoss, type Lost, type Site, type Stage } from './failure.ts'
import { AS_TEXT, pipelined, type Row } from './pipeline.ts'
import { assertUsable, type Session, sessionOf } from './session.ts'
import { Signals } from './signals.ts'
import { GREET, LISTENER, type Statement } from './statements.ts'

export type { Row } from './pipeline.ts'

/** How many connections one process opens to a database, if the program does not say: four for calls, one to listen. */
const CONNECTIONS = 5
/** How long the server may take to say goodbye, in milliseconds. */
const FAREWELL_MS = 300

/** Whose calls they are. */
export interface Caller extends Site {
  /** How long one call may take, in milliseconds. */
  readonly timeout: number
  /** Aborts when the journal closes. */
  readonly signal: AbortSignal
  /** Fails with this code if the server is a standby; undefined for a caller that only reads. */
  readonly standby: 'config' | 'unavailable' | undefined
}

export interface Answer {
  readonly rows: readonly Row[]
  /** The server warned meanwhile: among others, that it did not wait for its standby. */
  readonly hasWarned: boolean
  readonly isStandby: boolean
}

/** How far a call has come. */
export interface Progress {
  stage: Stage
  hasWarned: boolean
  /** The connection is of no use any more, although the call has a result. */
  isBroken?: boolean
}

const open = new Map<unknown, Database>()

/** Shared with all who name the same one, until each of them has called `release`. */
export function borrowDatabase(address: Address, timeout: number, listen: boolean): Database {
  const { key } = address
  const id = typeof key === 'string' ? `${key} ${timeout} ${listen}` : key
  const known = open.get(id) ?? new Database(address, timeout, listen, () => open.delete(id))
  open.set(id, known)
  known.users += 1
  return known
}

export class Database {
  users = 0
  readonly signals: Signals
  readonly #pool: Pool
  /** A session of the program's own pool must stay as it is. */
  readonly #isOwn: boolean
  readonly #clients: Set<Client>
  readonly #timeout: number
  readonly #forget: () => void
  /** Undefined for one in which nothing may be kept. */
  readonly #greeted = new WeakMap<ClientBase, Session | undefined>()
  readonly #seen = new Set<string>()
  #sessions = 0

  constructor({ config, pool }: Address, timeout: number, listen: boolean, forget: () => void) {
    this.#isOwn = pool === undefined
    this.#forget = forget
    this.#timeout = timeout
    const clients = new Set<Client>()
    this.#clients = clients
    this.#pool =
      pool ??
      new Pool({
        ...{ max: CONNECTIONS, connectionTimeoutMillis: timeout, idleTimeoutMillis: 0, ...config },
        Client: class extends Client {
          constructor(options?: ClientConfig) {
            super(options)
            clients.add(this)
            this.once('end', () => clients.delete(this))
          }
        },
      })
    // A connection that breaks while idle is not missed.
    if (this.#isOwn) this.#pool.on('error', () => undefined)
    // The only connection must not be taken for listening.
    this.signals = new Signals(this, timeout, listen && (this.#pool.options.max ?? 0) > 1)
  }

  /**
   * How many sessions of the server have been used. Each new one may come after a crash, and show what the server
   * had not shown while it waited for its standby.
   */
  get sessions(): number {
    return this.#sessions
  }

  /** Throws StoreError; `lost`: the code if the statement may have been executed. */
  run(
    caller: Caller,
    statement: Statement,
    values: readonly unknown[] = [],
    lost: Lost = 'unavailable',
  ): Promise<Answer> {
    return this.lease(caller, lost, async (client, progress) => {
      const { text, name, isScript } = statement
      const session = await this.#greet(client, caller)
      progress.stage = 'sent'
      if (session ?? isScript) {
        const query = { text, name, values: [...values], types: AS_TEXT }
        const { rows } = await client.query<Row>(query)
        return { rows, ...progress, isStandby: session?.isStandby ?? false }
      }
      const settings = { text: GREET, values: [limitOf(caller), '0'] }
      const [facts, result] = await pipelined(client, [settings], { text, values })
      const { isStandby } = this.learn(facts?.rows[0], caller)
      return { rows: result?.rows ?? [], ...progress, isStandby }
    })
  }

  /**
   * Hands a connection to `use`, for one call, and throws it away at the first doubt. Throws StoreError: what `use`
   * throws means what `progress.stage` says.
   */
  async lease<R>(
    caller: Caller,
    lost: Lost,
    use: (client: PoolClient, progress: Progress) => Promise<R>,
  ): Promise<R> {
    if (caller.signal.aborted) throw closed(caller.name)
    const progress: Progress = { stage: 'connecting', hasWarned: false }
    const held = new Lease(this.#pool, caller, progress)
    try {
      const result = await inTime(held.use(use), caller)
      held.release(progress.isBroken)
      return result
    } catch (error) {
      held.release(progress.stage !== 'refused')
      if (error instanceof StoreError) throw error
      const reason = failure(caller, error, progress.stage, lost)
      throw caller.signal.aborted && reason.code !== 'unknown' ? closed(caller.name) : reason
    }
  }

  /** Whether it is a session that is ours alone; what the journal needs then stays set in it. */
  async #greet(client: PoolClient, caller: Caller): Promise<Session | undefined> {
    if (!this.#isOwn) return undefined
    if (!this.#greeted.has(client)) {
      // A pooler between makes a process ID up. Then the server takes the settings for this statement alone.
      const pid = String(processIdOf(client))
      const query = { text: GREET, values: [limitOf(caller), pid], types: AS_TEXT }
      const { rows } = await client.query<Row>(query)
      const session = this.learn(rows[0], caller)
      this.#greeted.set(client, rows[0]?.['pid'] === pid ? session : undefined)
    }
    const session = this.#greeted.get(client)
    if (session) assertUsable(session, caller)
    return session
  }

  /** Throws StoreError if the session cannot be used. `row`: of `GREET`. */
  learn(row: Row | undefined, caller: Caller): Session {
    const session = sessionOf(row)
    if (!this.#seen.has(session.id)) {
      if (this.#seen.size === MOST_SESSIONS) this.#seen.clear()
      this.#seen.add(session.id)
      this.#sessions += 1
    }
    assertUsable(session, caller)
    return session
  }

  /** A connection to listen on, until `release`. Undefined if it would hear nothing. */
  async listener(): Promise<PoolClient | undefined> {
    const client = await this.#pool.connect()
    client.on('error', ignore)
    try {
      const { rows } = await client.query({
        text: LISTENER,
        query_timeout: this.#timeout,
      } as QueryConfig)
      if (rows[0].pid === String(processIdOf(client)) && !rows[0].standby) return client
      client.off('error', ignore)
      client.release()
      return undefined
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  /** The last one ends the connections, unless they are the program's own. */
  async release(): Promise<void> {
    this.users -= 1
    if (this.users > 0) return
    this.#forget()
    await this.signals.close(FAREWELL_MS)
    if (!this.#isOwn) return
    const ended = this.#pool.end()
    await Promise.all([...this.#clients].map(farewell))
    await ended
  }
}

/** What the server, or a pooler before it, calls the session. */
const processIdOf = (client: ClientBase): number =>
  (client as unknown as { processID: number | null }).processID ?? 0

/** More than any pooler keeps. */
const MOST_SESSIONS = 10_000

/** The server gives up before its caller does, which then knows that nothing happened. */
export const limitOf = ({ timeout }: Caller): string => String(Math.ceil(timeout * 0.8))

export const closed = (name: string): StoreError =>
  new StoreError('closed', `${name} is closed: open it again`, { path: name })

/** A connection of a pool that is used once, and given back even if it comes too late. */
class Lease {
  readonly #pool: Pool
  readonly #caller: Caller
  readonly #progress: Progress
  #client: PoolClient | undefined
  #isOver = false

  constructor(pool: Pool, caller: Caller, progress: Progress) {
    this.#pool = pool
    this.#caller = caller
    this.#progress = progress
  }

  async use<R>(run: (client: PoolClient, progress: Progress) => Promise<R>): Promise<R> {
    const client = await this.#connect()
    if (this.#isOver) {
      client.release()
      throw new Error('too late')
    }
    this.#client = client
    client.on('error', ignore)
    client.on('notice', this.#warn)
    try {
      return await run(client, this.#progress)
    } catch (error) {
      // Severities come in the server's language, so: after ERROR it goes on, after FATAL it is gone.
      if (isFromServer(error) && !isLoss(error) && (await isAlive(client)))
        this.#progress.stage = 'refused'
      throw error
    }
  }

  #connect(): Promise<PoolClient> {
    if (!this.#pool.ending) return this.#pool.connect()
    const what = `${this.#caller.name}: its pool was ended. End the pool after the stores are closed`
    throw new StoreError('config', what, { path: this.#caller.name })
  }

  release(isBroken = false): void {
    this.#isOver = true
    const client = this.#client
    if (!client) return
    client.off('notice', this.#warn)
    if (!isBroken) client.off('error', ignore)
    client.release(isBroken)
  }

  readonly #warn = ({ code }: { code?: string | undefined }) => {
    if (code === WARNING) this.#progress.hasWarned = true
  }
}

/** SQLSTATE of a warning that has no better one, such as that of a wait for a standby that was cut short. */
const WARNING = '01000'

const ignore = () => undefined

async function isAlive(client: PoolClient): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  )
}

/** Rejects when the time is over, or when the journal closes. */
async function inTime<T>(work: Promise<T>, { timeout, signal }: Caller): Promise<T> {
  let end = ignore as () => void
  const over = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout)
    const abort = () => reject(new Error('the journal was closed'))
    signal.addEventListener('abort', abort)
    end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  })
  try {
    return await Promise.race([work, over])
  } finally {
    end()
  }
}

/** Resolves when the socket is gone, which may be asked to go. */
function farewell(client: Client): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => client.connection.stream.destroy(), FAREWELL_MS)
    client.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
