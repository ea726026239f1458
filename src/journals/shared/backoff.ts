// Exponential backoff with jitter.
import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_MS = 2
const LONGEST_MS = 250

/**
 * "Full jitter": a random time below a limit that doubles
 * (M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
 */
export class Backoff {
  attempts = 0
  readonly #begin = performance.now()
  readonly #until: number
  readonly #signal: AbortSignal

  /** `timeout`: in milliseconds from now. The signal ends a wait at once. */
  constructor(timeout: number, signal: AbortSignal) {
    this.#until = performance.now() + timeout
    this.#signal = signal
  }

  /** Milliseconds since it was made. */
  get elapsed(): number {
    return performance.now() - this.#begin
  }

  /** Waits for a random time that becomes longer, or for `milliseconds`. Returns false, at once, if the time is over. */
  async wait(milliseconds?: number): Promise<boolean> {
    const left = this.#until - performance.now()
    if (left <= 0 || this.#signal.aborted) return false
    this.attempts += 1
    if (milliseconds === 0) return true
    const limit = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.attempts)
    const ms = Math.min(left, milliseconds ?? Math.random() * limit)
    return sleep(ms, true, { signal: this.#signal }).catch(() => false)
  }
}
