// The process of a group, as the daemon sees it.
import { type ChildProcess, fork } from 'node:child_process'
import { program } from './launch.ts'
import { fromGroup, type RunEvent, type ToGroup } from './messages.ts'
import type { Launch } from './run.ts'

const PROGRAM = program('group/main')
/** Bytes of its standard error that are kept, to say why it died. */
const LAST_WORDS = 2000
let lastRun = 0

export class GroupProcess {
  readonly group: string
  readonly #child: ChildProcess
  readonly #runs = new Map<number, (event: RunEvent) => void>()
  readonly #onEmpty: () => void
  #lastWords = ''
  #isGone = false
  /** Resolves when it is gone. */
  readonly gone: Promise<void>

  /** `onEmpty`: nothing runs in it any longer, or it is gone. */
  constructor(group: string, onEmpty: () => void) {
    this.group = group
    this.#onEmpty = onEmpty
    const { file, args } = PROGRAM
    const child = fork(file, [...args, group], {
      // Nothing of the daemon's environment: modules are in there.
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS)
    })
    // Told by its exit.
    child.stdin?.on('error', () => undefined)
    child.on('message', (message) => this.#hear(message))
    this.gone = new Promise((resolve) => {
      const gone = (why: string) => {
        this.#end(why)
        resolve()
      }
      child.once('error', (error) => {
        // It could not be started, or not be spoken to.
        child.kill('SIGKILL')
        gone(error.message)
      })
      // Its `close` does not come where it was disconnected first.
      child.once('exit', (code, signal) =>
        setImmediate(() => gone(`it ended by ${signal ?? `exit code ${code}`}`)),
      )
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get size(): number {
    return this.#runs.size
  }

  readonly launch: Launch = ({ module }, guest, hear) => {
    lastRun += 1
    const run = lastRun
    this.#runs.set(run, hear)
    this.#send({ type: 'start', run, module, guest })
    return {
      pid: this.pid,
      stop: () => this.#send({ type: 'stop', run }),
      terminate: () => this.#send({ type: 'terminate', run }),
      kill: () => this.kill(),
    }
  }

  /** It goes when no one speaks to it any longer. */
  leave(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #send(message: ToGroup): void {
    // What it does not get, it is gone for, which is reported.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #hear(message: unknown) {
    const { success, data } = fromGroup.safeParse(message)
    if (!success) {
      this.#lastWords = 'it said what no group process says'
      return this.kill()
    }
    const hear = this.#runs.get(data.run)
    const { event } = data
    const isLast = event.type === 'exited' || event.type === 'failed' || event.type === 'stopped'
    if (isLast) this.#runs.delete(data.run)
    hear?.(event)
    if (isLast && this.#runs.size === 0) this.#onEmpty()
  }

  #end(why: string): void {
    if (this.#isGone) return
    this.#isGone = true
    const said = this.#lastWords.trim()
    const error = `the process of group "${this.group}" is gone: ${why}${said && `; ${said}`}`
    const runs = [...this.#runs.values()]
    this.#runs.clear()
    this.#onEmpty()
    for (const hear of runs) hear({ type: 'failed', error, isFinal: false })
  }
}
