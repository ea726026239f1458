// A connection to a daemon. Answers come in the order of requests, so none needs a name.
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { LineReader, parseLine } from '../../sockets/lines.ts'
import { type Answer, answer } from './protocol.ts'

/** Lists are as long as they are. */
const MOST_ANSWER_BYTES = 2 ** 28

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** Throws where no daemon answers. */
export async function connect(path: string): Promise<Client> {
  const socket = connectSocket(path)
  try {
    await once(socket, 'connect')
  } catch (cause) {
    throw new Error(`no daemon answers at ${path}`, { cause })
  }
  return new Client(socket)
}

export class Client {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #end: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    const lines = new LineReader(MOST_ANSWER_BYTES)
    socket.on('data', (chunk) => {
      try {
        for (const line of lines.read(chunk)) {
          if (line === 'too_long') throw new Error('a line is too long')
          this.#waiting.shift()?.resolve(answer.parse(parseLine(line)))
        }
      } catch (cause) {
        this.#fail(new Error('the daemon said what is no answer', { cause }))
        socket.destroy()
      }
    })
    socket.on('error', (cause) => this.#fail(new Error('the connection broke', { cause })))
    socket.on('close', () => this.#fail(new Error('the connection ended')))
  }

  /** A line, as it is. Rejects if the connection ends before the answer: it may have been done or not. */
  send(line: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#end) throw this.#end
      this.#waiting.push({ resolve, reject })
      this.#socket.write(`${line}\n`)
    })
  }

  request(cmd: string, args?: object): Promise<Answer> {
    return this.send(JSON.stringify(args === undefined ? { cmd } : { cmd, args }))
  }

  close(): void {
    this.#fail(new Error('the client was closed'))
    this.#socket.destroySoon()
  }

  #fail(error: Error): void {
    this.#end ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end)
  }
}
