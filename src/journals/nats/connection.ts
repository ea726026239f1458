// Who holds a connection: the user, or this module. Journals with the same servers and credentials share one.
import { isDeepStrictEqual } from 'node:util'
import type { NatsConnection } from '@nats-io/transport-node'
import { assertVersion, connectTo } from './connect.ts'
import { ConnectionFailure } from './failure.ts'
import type { Settings } from './options.ts'

export interface ConnectionSource {
  /** What the server said of itself when it was last connected. */
  readonly info: NatsConnection['info']
  /** Throws ConnectionFailure, or what the client throws. */
  get(): Promise<NatsConnection>
  /** Gives up a connection whose server does not answer. */
  drop(connection: NatsConnection): Promise<void>
  /** Ends the use of the connection that was acquired with `onBreak`. */
  release(onBreak: OnBreak): Promise<void>
}

/** Called each time a connection breaks, with what was under way on it. */
export type OnBreak = (cause: Error) => void

/** The caller has to release it, with the same `onBreak`. */
export function acquire(settings: Settings, onBreak: OnBreak): ConnectionSource {
  const { connection } = settings
  const source = connection ? givenSource(connection) : ownSource(settings)
  source.users.add(onBreak)
  return source
}

const own: OwnConnection[] = []

function ownSource(settings: Settings): OwnConnection {
  const found = own.find((each) => each.fits(settings))
  if (found) return found
  const made = new OwnConnection(settings)
  own.push(made)
  return made
}

class OwnConnection implements ConnectionSource {
  readonly users: Set<OnBreak> = new Set()
  info: NatsConnection['info']
  readonly #settings: Settings
  readonly #end = new AbortController()
  #connecting: Promise<NatsConnection> | undefined
  #connection: NatsConnection | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  fits({ addresses, connect, patience }: Settings): boolean {
    const { addresses: of, connect: by, patience: within } = this.#settings
    return isDeepStrictEqual(
      { addresses, connect, patience },
      { addresses: of, connect: by, patience: within },
    )
  }

  async get(): Promise<NatsConnection> {
    if (this.#connection && !this.#connection.isClosed()) return this.#connection
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  drop(connection: NatsConnection): Promise<void> {
    return connection.close()
  }

  async release(onBreak: OnBreak): Promise<void> {
    this.users.delete(onBreak)
    if (this.users.size > 0) return
    own.splice(own.indexOf(this), 1)
    this.#end.abort()
    const connection = this.#connection ?? (await this.#connecting?.catch(() => undefined))
    await connection?.close()
  }

  async #connect(): Promise<NatsConnection> {
    const connection = await connectTo(this.#settings, this.#end.signal)
    this.#connection = connection
    this.info = connection.info
    void connection.closed().then(() => {
      for (const onBreak of this.users) onBreak(new Error('the connection was closed'))
    })
    return connection
  }
}

const given = new WeakMap<NatsConnection, GivenConnection>()

function givenSource(connection: NatsConnection): GivenConnection {
  const source = given.get(connection) ?? new GivenConnection(connection)
  given.set(connection, source)
  return source
}

/** The user's: it is never closed here. */
class GivenConnection implements ConnectionSource {
  readonly users: Set<OnBreak> = new Set()
  info: NatsConnection['info']
  readonly #connection: NatsConnection
  /** The client reports changes only. Before the first append, an answer to a request has shown that it was connected. */
  #isConnected = true

  constructor(connection: NatsConnection) {
    this.#connection = connection
    void this.#listen()
  }

  async get(): Promise<NatsConnection> {
    const connection = this.#connection
    if (connection.isClosed() || connection.isDraining())
      throw new ConnectionFailure(
        'closed',
        'the connection that was passed to it was closed. Close stores before their connection',
      )
    // The client would keep what is published now, and send it when its writer has been told that it was not.
    if (!this.#isConnected)
      throw new ConnectionFailure('unavailable', 'the connection that was passed to it is down')
    this.info = connection.info ?? this.info
    assertVersion(this.info)
    return connection
  }

  /** Its own client pings the server, and connects again. */
  async drop(): Promise<void> {}

  async release(onBreak: OnBreak): Promise<void> {
    this.users.delete(onBreak)
  }

  /** Ends with the connection: it has one listener, however many journals use it. */
  async #listen(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'reconnect') this.#isConnected = true
      if (type === 'disconnect') this.#break('the connection was lost')
    }
    this.#break('the connection was closed')
  }

  #break(what: string): void {
    this.#isConnected = false
    for (const onBreak of this.users) onBreak(new Error(what))
  }
}
