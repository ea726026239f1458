// A replica as its group's process sees it: a thread that can be ended at any time.
import { Worker } from 'node:worker_threads'
import { CallClock } from '../guest/call-clock.ts'
import type { GuestOptions } from '../guest/guest.ts'
import { failure } from '../guest/runner.ts'
import { program } from '../launch.ts'
import type { RunEvent } from '../messages.ts'
import type { WorkerData } from './worker.ts'

/** The heap of the thread; the memory of the module is not in it. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }
const WORKER = program('group/worker')

export class Replica {
  readonly #guest: GuestOptions
  readonly #tell: (event: RunEvent) => void
  readonly #clock = new CallClock()
  #worker: Worker | undefined
  #isEnding = false

  constructor(guest: GuestOptions, tell: (event: RunEvent) => void) {
    this.#guest = guest
    this.#tell = tell
  }

  begin(module: WebAssembly.Module): void {
    // It was stopped while the module was compiled.
    if (this.#isEnding) return
    const workerData: WorkerData = { module, guest: this.#guest, clock: this.#clock.shared }
    const { file, args } = WORKER
    const worker = new Worker(file, {
      argv: args,
      workerData,
      env: {},
      resourceLimits: RESOURCE_LIMITS,
      // No one reads it.
      ...{ stdin: true, stdout: true, stderr: true, name: this.#guest.name },
    })
    this.#worker = worker
    for (const stream of [worker.stdout, worker.stderr]) stream.resume()
    worker.on('message', (event: RunEvent) => this.#hear(event))
    worker.on('error', (error) => this.#end(failure(error)))
    worker.on('exit', (code) => this.fail(new Error(`its thread ended with ${code}`)))
  }

  fail(error: unknown): void {
    this.#end(failure(error))
  }

  stop(): void {
    if (this.#worker) this.#worker.postMessage('stop')
    else this.terminate()
  }

  terminate(): void {
    this.#end({ type: 'stopped' })
  }

  /** Called again and again. */
  watch(): void {
    const limit = this.#clock.exceeded
    if (limit === undefined) return
    this.fail(new Error(`a call took longer than ${limit} ms, and was ended`))
  }

  #hear(event: RunEvent): void {
    if (this.#isEnding) return
    if (event.type === 'exited' || event.type === 'failed' || event.type === 'stopped')
      this.#end(event)
    else this.#tell(event)
  }

  /** Tells it when the thread is gone. */
  #end(event: RunEvent): void {
    if (this.#isEnding) return
    this.#isEnding = true
    const gone = this.#worker?.terminate() ?? Promise.resolve()
    gone.then(
      () => this.#tell(event),
      (error) => this.#tell(failure(error)),
    )
  }
}
