// One connection: lines in, answers out, in their order. A request is begun when the one before it is answered.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type Line, LineReader } from '../../sockets/lines.ts'
import { describeIssues } from '../registry/refusals.ts'
import type { Operations } from './operations.ts'
import {
  type Answer,
  type Command,
  commandOf,
  commands,
  MAX_LINE_BYTES,
  request,
} from './protocol.ts'
import { messageOf } from './refusal.ts'

export interface SessionOptions {
  readonly operations: Operations
  readonly onError: (error: unknown) => void
}

/** Skipped bytes of one line after which the connection is closed. */
const MOST_SKIPPED_BYTES = 2 ** 26
/** How long a closing daemon waits for a peer that does not read. */
const CLOSE_MS = 1000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class Session {
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #lines = new LineReader(MAX_LINE_BYTES)
  #isClosing = false
  #answering: Promise<void> = Promise.resolve()

  constructor(socket: Socket, options: SessionOptions) {
    this.#socket = socket
    this.#options = options
  }

  /** Resolves when the connection is closed. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
        for (const line of this.#lines.read(chunk)) {
          if (this.#isClosing) return
          this.#answering = this.#answer(line)
          await this.#answering
        }
        if (this.#lines.bytes > MOST_SKIPPED_BYTES) return
      }
    } catch {
      // The connection broke: the peer knows.
    } finally {
      await this.close()
    }
  }

  /** Answers what is under way, and nothing more. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#answering
    if (this.#socket.closed) return
    const isClosed = new Promise<void>(
      (resolve) => void this.#socket.once('close', () => resolve()),
    )
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS)
    this.#socket.end()
    // Left unread, what still comes would take the last answers with it.
    this.#socket.resume()
    await isClosed
    clearTimeout(timer)
  }

  async #answer(line: Line): Promise<void> {
    const answer = await this.#answerTo(line)
    if (!this.#socket.writable) return
    // A peer that does not read its answers is not read, either.
    if (!this.#socket.write(`${JSON.stringify(answer)}\n`))
      await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')])
  }

  async #answerTo(line: Line): Promise<Answer> {
    if (line === 'too_long')
      return refused(`Request too large: a line has at most ${MAX_LINE_BYTES} bytes`)
    let json: unknown
    try {
      json = JSON.parse(utf8.decode(line))
    } catch (error) {
      return refused(`Invalid JSON: ${error instanceof Error ? error.message : error}`)
    }
    const { data, error } = request.safeParse(json)
    if (error) return refused(`Invalid request: ${describeIssues(error.issues)}`)
    const command = commandOf(data.cmd)
    if (command === undefined) return refused(`Unknown command: ${data.cmd}`)
    return this.#perform(command, data.args ?? {})
  }

  async #perform<C extends Command>(command: C, args: unknown): Promise<Answer> {
    const { data, error } = commands[command].safeParse(args)
    if (error) return refused(`Invalid arguments: ${describeIssues(error.issues)}`)
    try {
      const done = await this.#options.operations[command](data)
      return { success: true, ...done }
    } catch (error) {
      return refused(messageOf(error, this.#options.onError))
    }
  }
}

const refused = (message: string): Answer => ({ success: false, message })
