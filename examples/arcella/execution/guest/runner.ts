// The life of one instance on the thread that runs it: begun, called at an interval, stopped. Everything that
// becomes of it is reported; nothing is thrown.
import type { Buffer } from 'node:buffer'
import { ModuleError } from '../../modules/errors.ts'
import { NotGranted } from '../grants.ts'
import type { RunEvent } from '../messages.ts'
import type { CallClock } from './call-clock.ts'
import { Guest, type GuestOptions, type Outcome } from './guest.ts'
import { Output } from './output.ts'

const MAX_ERROR = 1000

export interface RunnerHost {
  /** After `exited`, `failed` or `stopped` nothing more is reported. */
  tell(event: RunEvent): void
  readonly clock: CallClock
  /** `undefined`: here nothing may sleep. */
  readonly sleep: ((ms: number) => void) | undefined
}

export class Runner {
  readonly #options: GuestOptions
  readonly #host: RunnerHost
  readonly #output: Output
  #guest: Guest | undefined
  #timer: NodeJS.Timeout | undefined
  #isEnded = false

  constructor(options: GuestOptions, host: RunnerHost) {
    this.#options = options
    this.#host = host
    this.#output = new Output(options.limits, (stream, line) =>
      host.tell({ type: 'log', stream, line }),
    )
  }

  begin(module: WebAssembly.Module): void {
    const { clock, sleep, tell } = this.#host
    const publish = (body: Buffer) => tell({ type: 'publish', body: body.toString('base64') })
    this.#attempt(() => {
      const host = { output: this.#output, publish, clock, sleep }
      const guest = new Guest(module, this.#options, host)
      this.#guest = guest
      tell({ type: 'started' })
      this.#attempt(() => this.#after(guest.begin()))
    })
  }

  fail(error: unknown): void {
    this.#end(failure(error))
  }

  /** Calls `shutdown`. */
  stop(): void {
    if (this.#isEnded) return
    try {
      this.#guest?.shutdown()
    } catch (error) {
      const line = `its shutdown failed: ${failure(error).error}`
      this.#host.tell({ type: 'log', stream: 'host', line })
    }
    this.#end({ type: 'stopped' })
  }

  /** It is not called again. */
  terminate(): void {
    this.#end({ type: 'stopped' })
  }

  #after(outcome: Outcome) {
    if (outcome !== 'tick') return this.#end({ type: 'exited', exitCode: outcome })
    const tick = () => this.#attempt(() => this.#after(this.#guest?.tick() ?? 0))
    this.#timer = setTimeout(tick, this.#options.limits.tickMs)
  }

  #attempt(action: () => void): void {
    if (this.#isEnded) return
    try {
      action()
    } catch (error) {
      this.fail(error)
    }
  }

  #end(event: RunEvent): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#timer)
    this.#output.end()
    this.#host.tell(event)
  }
}

export function failure(error: unknown): RunEvent & { type: 'failed' } {
  // What is missing today is missing at the next attempt.
  const isFinal =
    error instanceof NotGranted ||
    error instanceof ModuleError ||
    error instanceof WebAssembly.CompileError ||
    error instanceof WebAssembly.LinkError
  return { type: 'failed', error: messageOf(error).slice(0, MAX_ERROR), isFinal }
}

function messageOf(error: unknown): string {
  if (error instanceof WebAssembly.RuntimeError) return `trap: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
