// The writer, bundled once so that it starts in a fraction of a second, and talked to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { bundle } from './bundle.ts'
import type { Job, Said } from './children/bank.ts'

export interface Program {
  /** Starts it, loaded and waiting for its job; behind `wrapper`, a command that runs it. */
  start(wrapper?: readonly string[]): Child
  /** Removes the bundle. */
  remove(): void
}

/** Bundles children/writer.ts with the sources and all that they import. */
export async function buildWriter(): Promise<Program> {
  const { main, remove } = await bundle('test/trust/children/writer.ts')
  const node = [process.execPath, main]
  return { start: (wrapper = []) => new Child([...wrapper, ...node]), remove }
}

export class Child {
  readonly said: Said[] = []
  /** Its exit code, or the signal that ended it. All that it said is in `said` by then. */
  readonly ended: Promise<number | string>
  /** What it wrote to its standard error. */
  complaint = ''
  readonly #process: ChildProcess
  readonly #watchers = new Set<() => void>()
  #hasEnded = false

  constructor([command = '', ...args]: readonly string[]) {
    const child = spawn(command, args, { stdio: 'pipe' })
    this.#process = child
    // Killed before it read its job: that is what killing is about.
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      this.complaint += chunk
    })
    let line = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      // A last line without its end was not said.
      const [first = '', ...lines] = chunk.split('\n')
      line += first
      for (const next of lines) {
        this.said.push(JSON.parse(line))
        line = next
      }
      this.#look()
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true
      this.#look()
      return signal ?? code
    })
  }

  give(job: Job): void {
    this.#process.stdin?.end(JSON.stringify(job))
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  /** Resolves once it has said enough, or ended. */
  saying(isEnough: (said: readonly Said[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watcher = () => {
        if (!this.#hasEnded && !isEnough(this.said)) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
      watcher()
    })
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}
