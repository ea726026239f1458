// One connection: lines in, answers and events out. It ends with its socket, and ends its consumers.
import type { Socket } from 'node:net'
import { type Line, LineReader, parseLine } from '../../sockets/lines.ts'
import { BrokerError, type BrokerErrorCode } from '../broker/errors.ts'
import type { Broker } from '../broker/types.ts'
import type { Limits } from './limits.ts'
import { type Operations, operationsOf } from './operations.ts'
import { Outlet } from './outlet.ts'
import { issueText, type Operation, request, schemas, withId } from './protocol.ts'
import { Subscriptions } from './subscriptions.ts'
import { isToken } from './token.ts'
import { wireError } from './wire.ts'

export interface SessionOptions {
  readonly broker: Broker
  readonly limits: Limits
  /** What the first request must show; undefined: nothing. */
  readonly token: string | undefined
  /** Of the whole server. */
  readonly connections: () => number
  readonly onError: (error: unknown) => void
}
interface Call {
  readonly id: number
  readonly op: Operation
  readonly args: unknown
}

export class Session {
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #lines: LineReader
  readonly #outlet: Outlet
  readonly #subscriptions: Subscriptions
  readonly #operations: Operations
  readonly #requests = new Set<Promise<void>>()
  #requestBytes = 0
  #hasRoom: (() => void) | undefined
  #authTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(socket: Socket, options: SessionOptions) {
    const { broker, limits, token, connections, onError } = options
    this.#socket = socket
    this.#options = options
    this.#outlet = new Outlet(socket)
    this.#lines = new LineReader(token === undefined ? limits.lineBytes : limits.authBytes)
    this.#subscriptions = new Subscriptions({
      broker,
      outlet: this.#outlet,
      most: limits.subscriptions,
      onError,
    })
    this.#operations = operationsOf({ broker, subscriptions: this.#subscriptions, connections })
    if (token !== undefined) {
      this.#authTimer = setTimeout(() => this.#socket.destroy(), limits.authMs)
    }
  }

  /** Resolves when the connection is closed. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
        for (const line of this.#lines.read(chunk)) {
          await this.#room()
          if (this.#closing !== undefined) return
          this.#take(line)
        }
        if (this.#lines.bytes > this.#options.limits.skippedBytes) return
      }
    } catch {
      // The connection broke: the peer knows.
    } finally {
      await this.close()
    }
  }

  /** Answers what was asked for, then closes. What its consumers had in flight goes to others. */
  close(reason: BrokerError = new BrokerError('closed', 'the connection ended')): Promise<void> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  async #close(reason: BrokerError): Promise<void> {
    clearTimeout(this.#authTimer)
    const isClosed = new Promise<void>((resolve) => {
      if (this.#socket.closed) resolve()
      else this.#socket.once('close', () => resolve())
    })
    const consumers = this.#subscriptions.close(reason)
    await Promise.all(this.#requests)
    // From here on it is the peer that is waited for.
    const timer = setTimeout(() => this.#socket.destroy(), this.#options.limits.closeMs)
    await consumers
    this.#socket.end()
    // What still comes is dropped. Left unread, it would take the last answers with it.
    this.#socket.resume()
    await isClosed
    clearTimeout(timer)
  }

  /** A peer that does not read its answers, or asks for too much at once, is not read. */
  async #room(): Promise<void> {
    const { requests, requestBytes } = this.#options.limits
    await this.#outlet.drained()
    while (this.#requests.size >= requests || this.#requestBytes >= requestBytes)
      await new Promise<void>((resolve) => {
        this.#hasRoom = resolve
      })
  }

  #take(line: Line): void {
    if (line === 'too_long') {
      this.#refuse(null, 'too_large', `a line has at most ${this.#lines.limit} bytes`)
      if (this.#authTimer) void this.close()
      return
    }
    const call = this.#parse(line)
    if (this.#authTimer) this.#authenticate(call)
    else if (call) this.#start(call, line.length)
  }

  /** Refuses what is not a request. */
  #parse(line: Buffer): Call | undefined {
    let json: unknown
    try {
      json = parseLine(line)
    } catch {
      this.#refuse(null, 'bad_request', 'a request is a line of JSON')
      return undefined
    }
    const { data, error } = request.safeParse(json)
    if (data) return { args: undefined, ...data }
    this.#refuse(withId.safeParse(json).data?.id ?? null, 'bad_request', issueText(error))
    return undefined
  }

  /** Before anything else is done for a peer, and before the next line is looked at. */
  #authenticate(call: Call | undefined): void {
    const { token, limits } = this.#options
    const { data } = schemas.auth.args.safeParse(call?.op === 'auth' ? call.args : undefined)
    if (call && data && token !== undefined && isToken(data.token, token)) {
      clearTimeout(this.#authTimer)
      this.#authTimer = undefined
      this.#lines.limit = limits.lineBytes
      this.#outlet.send({ id: call.id, ok: true, data: {} })
      return
    }
    if (call) this.#refuse(call.id, 'unauthorized', 'the first request is auth, with the token')
    void this.close()
  }

  #start(call: Call, bytes: number): void {
    this.#requestBytes += bytes
    const running = this.#answer(call).finally(() => {
      this.#requests.delete(running)
      this.#requestBytes -= bytes
      this.#hasRoom?.()
    })
    this.#requests.add(running)
  }

  async #answer({ id, op, args }: Call): Promise<void> {
    try {
      this.#outlet.send({ id, ok: true, data: await this.#perform(op, args) })
    } catch (error) {
      this.#outlet.send({ id, ok: false, error: wireError(error, this.#options.onError) })
    }
  }

  #perform<Op extends Operation>(op: Op, args: unknown) {
    const { data, error } = schemas[op].args.safeParse(args)
    if (error) throw new BrokerError('bad_request', `args: ${issueText(error)}`)
    return this.#operations[op](data)
  }

  #refuse(id: number | null, code: BrokerErrorCode, message: string): void {
    this.#outlet.send({ id, ok: false, error: { code, message } })
  }
}
