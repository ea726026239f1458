// The connection. The client's own reconnecting is off: it would keep what was published while it was
// disconnected, and send it later, when its writer has long been told something else. So a connection
// that broke is gone with all that was in it, and the next request makes another.
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, errors, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../index.ts'
import { type ApiError, failureOf, Refusal } from './failure.ts'
import { type Address, type Settings, showAddress } from './options.ts'

const OLDEST = [2, 12] as const
const DEFAULT_MAX_PAYLOAD = 2 ** 20
/** For what changes no record. Requests that meet an election are lost, so it is better to ask again. */
const MAX_WAIT = 1_000
/** A server that lives answers a ping within so many milliseconds. */
const PATIENCE_ALIVE = 500

export class Link {
  /** Of the server that it was connected to last. */
  maxPayload: number = DEFAULT_MAX_PAYLOAD
  isClustered = false
  hasJetStream = true
  readonly #settings: Settings
  readonly #end = new AbortController()
  #connecting: Promise<NatsConnection> | undefined
  #connection: NatsConnection | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Aborts when this is closed. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  /** Throws StoreError `unavailable`, `config`, or `closed`. */
  async get(): Promise<NatsConnection> {
    this.#throwIfClosed()
    if (this.#connection && !this.#connection.isClosed()) return this.#connection
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Throws what the client throws, but for the connecting. */
  async request(subject: string, payload = ''): Promise<Msg> {
    const connection = await this.get()
    const timeout = Math.min(MAX_WAIT, this.#settings.patience)
    try {
      return await connection.request(subject, payload, { timeout })
    } catch (error) {
      await this.failed(connection, error)
      throw error
    }
  }

  /** A request to JetStream itself. Throws Refusal where it refuses. */
  async ask<T extends object>(subject: string, request?: object): Promise<T> {
    await this.get()
    if (!this.hasJetStream) {
      const { title: path } = this.#settings
      throw new StoreError('config', `${path}: JetStream is not enabled on its server`, { path })
    }
    const message = await this.request(subject, request && JSON.stringify(request))
    const answer = message.json<T & { error?: ApiError }>()
    if (answer.error) throw new Refusal(answer.error)
    return answer
  }

  /** After a timeout, finds out whether the connection is to blame: then it is closed at once. */
  async failed(connection: NatsConnection, error: unknown): Promise<void> {
    this.#throwIfClosed(error)
    if (error instanceof errors.TimeoutError) await this.dropIfDead(connection)
  }

  /** Closes the connection where nobody answers a ping. */
  async dropIfDead(connection: NatsConnection): Promise<void> {
    if (!(await answers(connection))) await connection.close()
  }

  async close(): Promise<void> {
    this.#end.abort()
    const connection = this.#connection ?? (await this.#connecting?.catch(() => undefined))
    await connection?.close()
  }

  #throwIfClosed(cause?: unknown): void {
    if (this.#end.signal.aborted)
      throw new StoreError('closed', `${this.#settings.title}: was closed`, {
        path: this.#settings.title,
        cause,
      })
  }

  async #connect(): Promise<NatsConnection> {
    const { title, patience } = this.#settings
    const { host, port } = await this.#findServer()
    this.#throwIfClosed()
    let connection: NatsConnection
    try {
      connection = await connect({
        ...this.#settings.connect,
        servers: [showAddress({ host, port })],
        name: 'ministore',
        reconnect: false,
        ignoreClusterUpdates: true,
        timeout: patience,
        pingInterval: 2_000,
        maxPingOut: 2,
        noAsyncTraces: true,
      })
    } catch (error) {
      throw failureOf(error, title)
    }
    try {
      this.#throwIfClosed()
      this.#checkVersion(connection)
    } catch (error) {
      await connection.close()
      throw error
    }
    this.maxPayload = connection.info?.max_payload ?? DEFAULT_MAX_PAYLOAD
    this.isClustered = connection.info?.cluster !== undefined
    this.hasJetStream = this.isClustered || connection.info?.jetstream === true
    this.#connection = connection
    return connection
  }

  #checkVersion(connection: NatsConnection): void {
    const version = connection.info?.version ?? ''
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
    const why = 'below 2.12 there are no atomic batches, and conflicts were missed'
    throw new StoreError(
      'config',
      `${this.#settings.title}: its NATS server is version ${version}, but 2.12 is needed: ${why}`,
      { path: this.#settings.title },
    )
  }

  /**
   * The first server that says anything. The client would wait for one that takes connections and is
   * silent, such as a paused one, and leave the socket open when it gave up.
   */
  async #findServer(): Promise<Address> {
    const { addresses, title, connect, patience } = this.#settings
    const speaksFirst = !connect.tls?.handshakeFirst
    const stop = AbortSignal.any([this.#end.signal, AbortSignal.timeout(patience)])
    const done = new AbortController()
    const signal = AbortSignal.any([stop, done.signal])
    try {
      return await Promise.any(addresses.map((it) => listening(it, speaksFirst, signal)))
    } catch (cause) {
      this.#throwIfClosed(cause)
      const reasons = cause instanceof AggregateError ? cause.errors.map(String) : [String(cause)]
      throw new StoreError(
        'unavailable',
        `${title}: no server can be reached: ${reasons.join('; ')}`,
        { path: title },
      )
    } finally {
      done.abort()
    }
  }
}

/** Whether the server answers a ping. What the client gives for it never settles when it is closed meanwhile. */
export async function answers(connection: NatsConnection): Promise<boolean> {
  if (connection.isClosed()) return false
  const done = new AbortController()
  const gaveUp = sleep(PATIENCE_ALIVE, false, { signal: done.signal }).catch(() => false)
  const pong = connection.flush().then(
    () => true,
    () => false,
  )
  const answer = await Promise.race([pong, connection.closed().then(() => false), gaveUp])
  done.abort()
  return answer
}

/** Resolves when the server has sent something, or at least taken the connection. */
function listening(address: Address, speaksFirst: boolean, signal: AbortSignal): Promise<Address> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(address.port, address.host)
    const end = (error?: Error) => {
      signal.removeEventListener('abort', give)
      socket.destroy()
      if (error) reject(error)
      else resolve(address)
    }
    const give = () => end(new Error(`${showAddress(address)} is silent`))
    socket.once(speaksFirst ? 'data' : 'connect', () => end())
    socket.on('error', end)
    socket.once('close', () => end(new Error(`${showAddress(address)} hung up`)))
    signal.addEventListener('abort', give)
  })
}
