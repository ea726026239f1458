// What a stream republishes, until someone takes it: bounded, since what is dropped here is read again.
import type { NatsConnection, Subscription } from '@nats-io/transport-node'
import type { EngineEntry } from '../shared/index.ts'
import { directRecord, type Found } from './direct.ts'

const MAX_WAITING = 10_000
const MAX_WAITING_CHARS = 16 * 2 ** 20

export class Feed {
  readonly #subscription: Subscription
  #waiting: Found[] = []
  #chars = 0
  #error: Error | undefined
  #isOver = false
  #wake: () => void = () => undefined

  constructor(connection: NatsConnection, subject: string) {
    this.#subscription = connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) this.#error = error
        else this.#add(directRecord(message))
        this.#wake()
      },
    })
    // Of the subscription and not of the connection, which may live longer and would keep this one for as long.
    void this.#subscription.closed.then(() => {
      // If it was refused, `take` has to throw.
      this.#isOver = this.#error === undefined
      this.#wake()
    })
  }

  /** The connection is gone, and this with it. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** What came since. Throws if the user may not subscribe. */
  take(): Found[] {
    if (this.#error) throw this.#error
    const taken = this.#waiting
    this.#waiting = []
    this.#chars = 0
    return taken
  }

  /** Resolves when something came, when the connection is gone, on the signal, or after so long. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length > 0 || this.#error || this.#isOver || signal.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, milliseconds)
      this.#wake = wake
      signal.addEventListener('abort', wake)
    })
  }

  close(): void {
    if (!this.#isOver) this.#subscription.unsubscribe()
  }

  #add(found: Found): void {
    if (this.#waiting.length >= MAX_WAITING || this.#chars >= MAX_WAITING_CHARS) this.take()
    this.#waiting.push(found)
    this.#chars += found.text.length
  }
}

/** Those that follow `after` without a gap. */
export function contiguous(found: readonly EngineEntry[], after: number): readonly EngineEntry[] {
  const begin = found.findIndex(({ seq }) => seq === after + 1)
  if (begin < 0) return []
  const rest = found.slice(begin)
  const end = rest.findIndex(({ seq }, at) => seq !== after + 1 + at)
  return end < 0 ? rest : rest.slice(0, end)
}
