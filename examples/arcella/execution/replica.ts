// One instance over all its attempts: started, started again after it failed, stopped.
import type { GuestOptions } from './guest/guest.ts'
import type { RunEvent } from './messages.ts'
import type { Launch, Run } from './run.ts'
import type { HostOptions, InstanceEvent, InstanceSpec, Limits } from './types.ts'

/** What ending a thread may take, before the process around it is ended. */
const GRACE_MS = 2000

export interface ReplicaHost {
  readonly options: HostOptions
  readonly limits: Limits
  readonly launch: Launch
  /** It is started never again. */
  readonly onEnd: () => void
}

/** Omitted from each member, not from what all have in common. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export class Replica {
  readonly #instance: InstanceSpec
  readonly #guest: GuestOptions
  readonly #host: ReplicaHost
  #run: Run | undefined
  #timer: NodeJS.Timeout | undefined
  #restarts = 0
  /** Failures in a row. */
  #failures = 0
  #startedAt: number | undefined
  #tooSlow = false
  #stopping: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #isTerminated = false

  constructor(instance: InstanceSpec, guest: GuestOptions, host: ReplicaHost) {
    this.#instance = instance
    this.#guest = guest
    this.#host = host
  }

  start(): void {
    this.#startedAt = undefined
    this.#tooSlow = false
    const hear = (event: RunEvent) => this.#hear(event)
    this.#run = this.#host.launch(this.#instance, this.#guest, hear)
    this.#after(this.#host.limits.startMs, () => {
      this.#tooSlow = true
      this.#terminate()
    })
  }

  stop(): Promise<void> {
    if (this.#stopping) return this.#stopping.promise
    let resolve = (): void => undefined
    const promise = new Promise<void>((done) => {
      resolve = done
    })
    this.#stopping = { promise, resolve }
    clearTimeout(this.#timer)
    if (this.#run === undefined) this.#stopped()
    else {
      this.#run.stop()
      const { timeout_seconds } = this.#instance.full.startup
      const timeout =
        timeout_seconds === undefined ? this.#host.limits.timeoutMs : timeout_seconds * 1000
      this.#after(timeout, () => this.#terminate())
    }
    return promise
  }

  #terminate(): void {
    this.#isTerminated = true
    this.#run?.terminate()
    this.#after(GRACE_MS, () => this.#run?.kill())
  }

  #after(ms: number, action: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(action, ms)
  }

  #hear(event: RunEvent) {
    const { id, deployment } = this.#instance
    const { onLog, publish } = this.#host.options
    switch (event.type) {
      case 'log':
        return onLog?.({ id, stream: event.stream, line: event.line })
      case 'publish':
        publish?.({ id, deployment, body: Buffer.from(event.body, 'base64') }).catch(
          (error: Error) =>
            onLog?.({ id, stream: 'host', line: `it was not published: ${error.message}` }),
        )
        return
      case 'started':
        return this.#started()
      default:
        this.#ended(event)
    }
  }

  #started(): void {
    if (this.#stopping || this.#isTerminated) return
    clearTimeout(this.#timer)
    this.#startedAt = performance.now()
    this.#emit({ type: 'started', pid: this.#run?.pid ?? 0, restarts: this.#restarts })
  }

  #ended(event: RunEvent) {
    clearTimeout(this.#timer)
    this.#run = undefined
    // Its group's process is gone, or a call of it took too long: it was not asked to the end.
    if (event.type === 'failed') this.#isTerminated = true
    if (this.#stopping) return this.#stopped()
    this.#isTerminated = false
    if (event.type === 'exited') {
      this.#host.onEnd()
      return this.#emit({ type: 'exited', exitCode: event.exitCode })
    }
    if (event.type === 'failed') return this.#failed(event.error, event.isFinal)
    const { startMs } = this.#host.limits
    this.#failed(this.#tooSlow ? `it did not start within ${startMs} ms` : 'it was stopped', false)
  }

  #stopped(): void {
    this.#host.onEnd()
    this.#emit({ type: 'stopped', how: this.#isTerminated ? 'terminated' : 'ended' })
    this.#stopping?.resolve()
  }

  #failed(error: string, isFinal: boolean): void {
    const { restarts: most, stableMs, backOffMs, backOffMaxMs } = this.#host.limits
    const ran = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt
    if (ran >= stableMs) this.#failures = 0
    const isLast = isFinal || this.#failures >= most
    const retryInMs = isLast ? undefined : Math.min(backOffMs * 2 ** this.#failures, backOffMaxMs)
    this.#failures += 1
    if (retryInMs === undefined) this.#host.onEnd()
    else
      this.#after(retryInMs, () => {
        this.#restarts += 1
        this.start()
      })
    this.#emit({ type: 'failed', error, restarts: this.#restarts, retryInMs })
  }

  #emit(event: Without<InstanceEvent, 'id' | 'generation'>): void {
    const { id, generation } = this.#instance
    this.#host.options.onEvent({ ...event, id, generation })
  }
}
