// When another process has appended: the log's file changes, which the system tells. What the system does not tell is found by
// looking, which costs microseconds.
import { type FSWatcher, watch } from 'node:fs'

/** In milliseconds. A commit shows after its sync, so later than the change of the file that tells of it. */
const FIRST = 1
const POLL = 1000
/** If the system has no watcher left. */
const POLL_WITHOUT = 50

export class Changes {
  #watcher: FSWatcher | undefined
  #isTold = false
  #wake: () => void = () => undefined

  /** `log`: the file that grows with each commit. */
  constructor(log: string) {
    try {
      const watcher = watch(log, { persistent: false }, () => this.#tell())
      watcher.on('error', () => this.close())
      this.#watcher = watcher
    } catch {
      // Too many are watched, or the file is not there: looking finds everything as well, only later.
    }
  }

  /** Resolves when `hasNews` returns true, and when the signal aborts. Asks more often after the file has changed. */
  async until(hasNews: () => boolean, signal: AbortSignal): Promise<void> {
    for (let pause = FIRST; !signal.aborted && !hasNews(); ) {
      const wasTold = await this.#pause(pause, signal)
      pause = wasTold ? FIRST : Math.min(pause * 2, this.#watcher ? POLL : POLL_WITHOUT)
    }
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #tell(): void {
    this.#isTold = true
    this.#wake()
  }

  /** Resolves after so many milliseconds, or before that to true as soon as the file has changed. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isTold)
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', end)
          this.#wake = () => undefined
          resolve()
        }
        const timer = setTimeout(end, milliseconds)
        this.#wake = end
        signal.addEventListener('abort', end)
      })
    const wasTold = this.#isTold
    this.#isTold = false
    return wasTold
  }
}
