// A connection without the client: any bytes out, JSON lines in.
import { once } from 'node:events'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { LineReader, parseLine } from '../../../../examples/sockets/lines.ts'

export class Raw {
  readonly socket: Socket
  readonly closed: Promise<unknown>
  readonly #lines: AsyncGenerator<unknown, void>
  #id = 0

  constructor(to: NetConnectOpts) {
    this.socket = connect(to)
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => void this.socket.once('close', resolve))
    this.#lines = this.#read()
  }

  /** As it is. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (!this.socket.write(bytes)) await once(this.socket, 'drain')
  }

  /** The next line from the server; undefined when there are no more. Without a call, nothing is read. */
  async next(): Promise<unknown> {
    return (await this.#lines.next()).value
  }

  async *#read(): AsyncGenerator<unknown, void> {
    const lines = new LineReader(Infinity)
    for await (const chunk of this.socket) {
      for (const line of lines.read(chunk)) if (line !== 'too_long') yield parseLine(line)
    }
  }

  /** Where nothing else is under way: the next line is its answer. */
  async request(op: string, args: unknown = {}): Promise<unknown> {
    this.#id += 1
    await this.write(`${JSON.stringify({ id: this.#id, op, args })}\n`)
    return this.next()
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }
}
