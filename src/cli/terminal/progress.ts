// How far a long reading is: one line on standard error, only where someone is watching.
import { grouped } from './text.ts'

const EVERY_MS = 100
const ERASE = '\r\u001b[K'

export interface Progress {
  /** How much is done, of `total` if that is known; else in records. May be called at any rate. */
  report(done: number, total?: number): void
  /** Removes the line. */
  end(): void
}

/** Says nothing unless standard error is a terminal, outside of CI. */
export function progress(verb: string, path: string): Progress {
  const { stderr, env } = process
  if (!stderr.isTTY || env['CI']) return { report() {}, end() {} }
  // What ends early shows something only when it takes long.
  let last = performance.now()
  let isShown = false
  const end = () => {
    if (isShown) stderr.write(ERASE)
    isShown = false
    process.off('exit', end)
  }
  process.once('exit', end)
  return {
    report(done, total) {
      const now = performance.now()
      if (now - last < EVERY_MS) return
      last = now
      isShown = true
      const far =
        total === undefined
          ? `${grouped(done)} records`
          : `${Math.floor((done / Math.max(total, 1)) * 100)} %`
      const line = `${verb} ${path}: ${far}`
      stderr.write(`${ERASE}${line.slice(-(stderr.columns || 80) + 1)}`)
    },
    end,
  }
}
