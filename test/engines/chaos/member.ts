// A process of the campaign, as whoever started it sees it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { home } from '../../cli/build.ts'
import { emptyTally, type Job, type Order, type Said, type Tally, type Told } from './report.ts'

export class Member {
  readonly job: Job
  readonly told: Told[] = []
  tally: Tally = emptyTally()
  /** Why it ended by itself. */
  failure: string | undefined
  digest: { readonly seq: number; readonly digest: string } | undefined
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
  readonly #process: ChildProcess
  readonly #waiting = new Map<Said['what'], () => void>()
  #isGone = false
  #isWanted = true

  /** `onTold`: with each operation that has its answer. */
  constructor(job: Job, onTold: (told: Told) => void) {
    this.job = job
    const program = join(home(), 'test/engines/chaos/child.js')
    const child = spawn(process.execPath, [program, JSON.stringify(job)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#process = child
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(-2_000)
    })
    child.stdin.on('error', () => undefined)
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.#hear(JSON.parse(line), onTold),
    )
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#isGone = true
      const isDone = this.digest !== undefined && code === 0
      if (this.#isWanted && !isDone)
        this.failure ??= `ended by itself (${signal ?? code}) ${complaint}`
      for (const wake of this.#waiting.values()) wake()
    })
  }

  get name(): string {
    return this.job.by
  }

  /** Resolves when it has said so, or is gone. */
  async saying(what: 'opened' | 'idle' | 'digest', within: number): Promise<void> {
    if (this.#isGone) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#waiting.set(what, resolve)
      timer = setTimeout(() => {
        this.failure ??= `does not get to '${what}' within ${within} ms`
        resolve()
      }, within)
    })
    clearTimeout(timer)
  }

  order(order: Order): void {
    this.#process.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  pause(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#isWanted = false
    this.#process.kill('SIGKILL')
    await this.ended
  }

  /** After its digest: it has to end by itself. */
  async leave(within: number): Promise<void> {
    const timer = setTimeout(() => {
      this.failure ??= `does not end within ${within} ms after it was closed`
      this.#process.kill('SIGKILL')
    }, within)
    await this.ended
    clearTimeout(timer)
  }

  #hear(said: Said, onTold: (told: Told) => void): void {
    switch (said.what) {
      case 'opened':
      case 'idle':
        break
      case 'tally':
        this.tally = said.tally
        break
      case 'digest':
        this.digest = { seq: said.seq, digest: said.digest }
        break
      case 'failed':
        this.failure ??= said.why
        break
      default:
        this.told.push(said)
        onTold(said)
    }
    this.#waiting.get(said.what)?.()
  }
}
