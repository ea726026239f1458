// The way out of one connection: JSON lines, never faster than the peer reads where one waits for it.
import type { Socket } from 'node:net'
import type { Answer, Event } from './protocol.ts'

export class Outlet {
  readonly #socket: Socket
  #waiting: (() => void)[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    const wake = () => {
      const waiting = this.#waiting
      this.#waiting = []
      for (const each of waiting) each()
    }
    socket.on('drain', wake).on('close', wake)
  }

  /** What no one is there to read is dropped. */
  send(value: Answer | Event): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(value)}\n`)
  }

  /** Resolves when the peer has read enough, or is gone. */
  async drained(): Promise<void> {
    while (this.#socket.writableNeedDrain && !this.#socket.destroyed)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve))
  }
}
