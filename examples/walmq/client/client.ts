// A connection to a walmq server. It does not reconnect: what was not answered may have happened or
// not, and only the caller knows what that means.
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { LineReader, parseLine } from '../../sockets/lines.ts'
import { BrokerError } from '../broker/errors.ts'
import type { NewMessage } from '../messages/types.ts'
import { LIMITS } from '../server/limits.ts'
import {
  type ArgsInput,
  type Data,
  type Event,
  fromServer,
  type Operation,
  schemas,
  type WireError,
} from '../server/protocol.ts'
import { Subscription } from './subscription.ts'

export type Address =
  | { readonly socket: string }
  | { readonly host?: string | undefined; readonly port: number; readonly token: string }

export type SubscribeArgs = Omit<ArgsInput['subscribe'], 'topic'>

interface Waiting {
  /** Throws where it is not what the operation answers. */
  readonly resolve: (data: unknown) => void
  readonly reject: (error: BrokerError) => void
}

/** Throws BrokerError `closed` if no server answers, `unauthorized` if the token is wrong. */
export async function connect(address: Address): Promise<Client> {
  const where = 'socket' in address ? { path: address.socket } : { host: '127.0.0.1', ...address }
  const socket = connectSocket({ ...where, noDelay: true })
  try {
    await once(socket, 'connect')
  } catch (cause) {
    const place = 'socket' in address ? address.socket : `port ${address.port}`
    throw new BrokerError('closed', `no server answers at ${place}`, { cause })
  }
  const client = new Client(socket)
  if ('token' in address) await client.request('auth', { token: address.token })
  return client
}

export class Client {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #closed: Promise<void>
  #requests = 0
  #end: BrokerError | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => void socket.once('close', () => resolve()))
    const lines = new LineReader(LIMITS.lineBytes)
    socket.on('data', (chunk) => {
      try {
        for (const line of lines.read(chunk)) this.#take(line === 'too_long' ? undefined : line)
      } catch (cause) {
        this.#fail(new BrokerError('bad_request', 'the server said what is no answer', { cause }))
      }
    })
    socket.on('error', (cause) =>
      this.#fail(new BrokerError('closed', 'the connection broke', { cause })),
    )
    socket.on('close', () => this.#fail(new BrokerError('closed', 'the connection ended')))
  }

  /** Resolves to the server's answer, or rejects with its BrokerError. */
  request<Op extends Operation>(op: Op, args: ArgsInput[Op]): Promise<Data[Op]> {
    return this.#request(op, args, (data) => data)
  }

  /** Resolves when it is durable. */
  publish(
    topic: string,
    { key, body, partition }: NewMessage & { readonly partition?: number | undefined },
  ): Promise<Data['publish']> {
    return this.request('publish', { topic, key, partition, body_b64: base64(body) })
  }

  async publishBatch(
    topic: string,
    messages: readonly NewMessage[],
  ): Promise<Data['publish_batch']['published']> {
    const batch = messages.map(({ key, body }) => ({ key, body_b64: base64(body) }))
    const { published } = await this.request('publish_batch', { topic, messages: batch })
    return published
  }

  /** A member of the group, until it is closed. What is delivered is kept in memory until it is taken. */
  subscribe(topic: string, args: SubscribeArgs): Promise<Subscription> {
    // At once, as the first message may stand in the next line.
    return this.#request('subscribe', { topic, ...args }, ({ sub }) => {
      const subscription = new Subscription(this, sub)
      this.#subscriptions.set(sub, subscription)
      return subscription
    })
  }

  async close(): Promise<void> {
    this.#fail(new BrokerError('closed', 'the client was closed'))
    this.#socket.destroySoon()
    await this.#closed
  }

  #request<Op extends Operation, Result>(
    op: Op,
    args: ArgsInput[Op],
    then: (data: Data[Op]) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#requests += 1
      const id = this.#requests
      const line = `${JSON.stringify({ id, op, args })}\n`
      const refusal = this.#end ?? refusalOf(line)
      if (refusal) throw refusal
      const settle = (data: unknown) => resolve(then(schemas[op].data.parse(data)))
      this.#waiting.set(id, { resolve: settle, reject })
      this.#socket.write(line)
    })
  }

  #take(line: Buffer | undefined): void {
    if (!line) throw new Error('a line is too long')
    const said = fromServer.parse(parseLine(line))
    if ('event' in said) this.#takeEvent(said)
    else if (said.id === null) {
      // It belongs to no request: it is about the connection.
      if (!said.ok) this.#fail(errorOf(said.error))
    } else {
      const waiting = this.#waiting.get(said.id)
      this.#waiting.delete(said.id)
      if (said.ok) waiting?.resolve(said.data)
      else waiting?.reject(errorOf(said.error))
    }
  }

  #takeEvent(event: Event): void {
    const subscription = this.#subscriptions.get(event.sub)
    if (event.event === 'end') {
      this.#subscriptions.delete(event.sub)
      subscription?.end(event.error && errorOf(event.error))
    } else subscription?.push(event)
  }

  /** The first reason counts: all that is waited for, now and later, fails with it. */
  #fail(error: BrokerError): void {
    if (this.#end) return
    this.#end = error
    for (const { reject } of this.#waiting.values()) reject(error)
    for (const subscription of this.#subscriptions.values()) subscription.end(error)
    this.#waiting.clear()
    this.#subscriptions.clear()
    if (error.code !== 'closed') this.#socket.destroy()
  }
}

/** The server could only tell the connection, and not the request. */
function refusalOf(line: string): BrokerError | undefined {
  const bytes = Buffer.byteLength(line)
  if (bytes <= LIMITS.lineBytes) return undefined
  return new BrokerError(
    'too_large',
    `a request of ${bytes} bytes; the most is ${LIMITS.lineBytes}`,
  )
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

const errorOf = ({ code, message, details }: WireError) =>
  new BrokerError(code, message, { details })
