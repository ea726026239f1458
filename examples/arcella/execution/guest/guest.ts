// One instance of a module, on the thread that runs it: linked, called, ended.
import type { Buffer } from 'node:buffer'
import { type Grants, NotGranted } from '../grants.ts'
import type { Limits } from '../types.ts'
import type { CallClock } from './call-clock.ts'
import { link } from './imports.ts'
import { GuestFault, GuestMemory } from './memory.ts'
import type { Output } from './output.ts'
import { Exit, openWasi } from './wasi.ts'

/** Can be sent to another thread. */
export interface GuestOptions {
  readonly name: string
  /** Without it, `_start` is called: a command. With it, the module is a service. */
  readonly entrypoint: string | undefined
  readonly shutdown: string | undefined
  readonly grants: Grants
  readonly limits: Limits
  /** For a call of `tick`. */
  readonly tickLimitMs: number
  /** For any call. It stands for fuel. */
  readonly callLimitMs: number | undefined
}

export interface GuestHost {
  readonly output: Output
  publish(body: Buffer): void
  readonly clock: CallClock
  readonly sleep: ((ms: number) => void) | undefined
}

/** A code: it ended. `tick`: it wants to be called again. */
export type Outcome = number | 'tick'

const START = '_start'
const TICK = 'tick'
const INITIALIZE = '_initialize'

export class Guest {
  readonly #options: GuestOptions
  readonly #host: GuestHost
  readonly #exports: WebAssembly.Instance['exports']

  /** Runs the start function, if it has one. Throws NotGranted if it can never run here. */
  constructor(module: WebAssembly.Module, options: GuestOptions, host: GuestHost) {
    this.#options = options
    this.#host = host
    const { name, grants, limits, callLimitMs } = options
    const { output } = host
    const memory = () => this.#memory()
    const pausing = host.sleep && ((ms: number) => host.clock.pausing(() => host.sleep?.(ms)))
    const { imports, wasi } = link(
      module,
      { grants, limits, output, memory, publish: host.publish },
      () => openWasi({ name, grants, output, memory, sleep: pausing }),
    )
    this.#exports = this.#timed(
      callLimitMs,
      () => new WebAssembly.Instance(module, imports),
    ).exports
    this.#requireExports(wasi !== undefined)
    wasi?.attach(this.#exportedMemory())
  }

  /** Calls `_start`, or the entrypoint. */
  begin(): Outcome {
    const { entrypoint } = this.#options
    return this.#ended(() => {
      if (entrypoint === undefined) {
        this.#call(START)
        return 0
      }
      if (this.#has(INITIALIZE)) this.#call(INITIALIZE)
      this.#call(entrypoint)
      return this.#has(TICK) ? 'tick' : 0
    })
  }

  tick(): Outcome {
    return this.#ended(() => {
      this.#call(TICK)
      return 'tick'
    })
  }

  /** Before it is stopped. */
  shutdown(): void {
    const { shutdown } = this.#options
    if (shutdown === undefined) return
    this.#ended(() => {
      this.#call(shutdown)
      return 0
    })
  }

  #ended(calls: () => Outcome): Outcome {
    try {
      return calls()
    } catch (error) {
      if (error instanceof Exit) return error.code
      throw error
    }
  }

  #call(name: string): void {
    const { callLimitMs, tickLimitMs } = this.#options
    const limit = name === TICK ? Math.min(tickLimitMs, callLimitMs ?? tickLimitMs) : callLimitMs
    const called = this.#exports[name]
    if (typeof called === 'function') this.#timed(limit, () => called())
  }

  #timed<T>(limitMs: number | undefined, action: () => T): T {
    this.#host.clock.enter(limitMs)
    try {
      return action()
    } finally {
      this.#host.clock.leave()
    }
  }

  #has(name: string): boolean {
    return typeof this.#exports[name] === 'function'
  }

  /** What its deployment names, and what WASI needs. */
  #requireExports(isWasi: boolean): void {
    const { entrypoint = START, shutdown } = this.#options
    for (const name of [entrypoint, shutdown]) {
      if (name === undefined || this.#has(name)) continue
      const why =
        name === START ? 'and its deployment names no entrypoint' : 'which is to be called'
      throw new NotGranted(`it exports no function ${name}, ${why}`)
    }
    if (isWasi && !(this.#exports['memory'] instanceof WebAssembly.Memory))
      throw new NotGranted('it exports no memory, which WASI needs')
  }

  #memory(): GuestMemory {
    return new GuestMemory(this.#exportedMemory())
  }

  #exportedMemory(): WebAssembly.Memory {
    // There are none while its start function runs.
    const exports: Partial<WebAssembly.Instance['exports']> = this.#exports ?? {}
    if (exports['memory'] instanceof WebAssembly.Memory) return exports['memory']
    throw new GuestFault('it exports no memory')
  }
}
