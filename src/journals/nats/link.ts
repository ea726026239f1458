// A journal's way to the servers: requests that end when it is closed, or when the connection breaks.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../../index.ts'
import { acquire, type ConnectionSource } from './connection.ts'
import { type ApiError, isNamed, Refusal } from './failure.ts'
import type { Settings } from './options.ts'

const DEFAULT_MAX_PAYLOAD = 2 ** 20
/** For what changes no record. Requests that meet an election are lost, so it is better to ask again. */
const MAX_WAIT = 1_000
/** A server that lives answers a ping within so many milliseconds. */
const PATIENCE_ALIVE = 500

export class Link {
  readonly #settings: Settings
  readonly #end = new AbortController()
  readonly #underWay = new Set<(cause: Error) => void>()
  #source: ConnectionSource | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Aborts when this is closed. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  get maxPayload(): number {
    return this.#source?.info?.max_payload ?? DEFAULT_MAX_PAYLOAD
  }

  get isClustered(): boolean {
    return this.#source?.info?.cluster !== undefined
  }

  /** Throws StoreError `closed`, ConnectionFailure, or what the client throws. */
  async get(): Promise<NatsConnection> {
    this.#throwIfClosed()
    this.#source ??= acquire(this.#settings, this.#break)
    return this.during(this.#source.get())
  }

  /** As `work`. Fails as soon as the connection breaks, or with StoreError `closed` when this is closed. */
  during<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#underWay.add(reject)
      const end = () => this.#underWay.delete(reject)
      work.then(resolve, reject).finally(end)
    })
  }

  /** Throws what the client throws, but for the connecting. */
  async request(subject: string, payload = ''): Promise<Msg> {
    const connection = await this.get()
    const timeout = Math.min(MAX_WAIT, this.#settings.patience)
    try {
      return await this.during(connection.request(subject, payload, { timeout }))
    } catch (error) {
      await this.failed(connection, error)
      throw error
    }
  }

  /** A request to JetStream itself. Throws Refusal if it refuses. */
  async ask<T extends object>(subject: string, request?: object): Promise<T> {
    await this.get()
    if (!this.isClustered && this.#source?.info?.jetstream !== true) {
      const { title: path } = this.#settings
      throw new StoreError('config', `${path}: JetStream is not enabled on its server`, { path })
    }
    const message = await this.request(subject, request && JSON.stringify(request))
    const answer = message.json<T & { error?: ApiError }>()
    if (answer.error) throw new Refusal(answer.error)
    return answer
  }

  /** After a timeout, finds out whether the connection is to blame: then it is given up at once. */
  async failed(connection: NatsConnection, error: unknown): Promise<void> {
    this.#throwIfClosed(error)
    if (isNamed(error, 'TimeoutError')) await this.isAlive(connection)
  }

  /** Gives the connection up where no one answers a ping. */
  async isAlive(connection: NatsConnection): Promise<boolean> {
    const isAlive = await this.during(answers(connection)).catch(() => false)
    if (!isAlive) await this.#source?.drop(connection)
    return isAlive
  }

  async close(): Promise<void> {
    this.#end.abort()
    this.#break()
    const source = this.#source
    this.#source = undefined
    await source?.release(this.#break)
  }

  readonly #break = (cause?: Error): void => {
    for (const reject of this.#underWay) reject(cause ?? this.#closed())
  }

  #throwIfClosed(cause?: unknown): void {
    if (this.#end.signal.aborted) throw this.#closed(cause)
  }

  #closed(cause?: unknown): StoreError {
    const { title: path } = this.#settings
    return new StoreError('closed', `${path}: was closed`, { path, cause })
  }
}

/** Whether the server answers a ping, or sends anything else: what it sends may be long. */
async function answers(connection: NatsConnection): Promise<boolean> {
  if (connection.isClosed()) return false
  const { inBytes } = connection.stats()
  const done = new AbortController()
  const gaveUp = sleep(PATIENCE_ALIVE, undefined, { signal: done.signal }).then(
    () => connection.stats().inBytes > inBytes,
    () => false,
  )
  const pong = connection.flush().then(
    () => true,
    () => false,
  )
  const answer = await Promise.race([pong, gaveUp])
  done.abort()
  return answer
}
