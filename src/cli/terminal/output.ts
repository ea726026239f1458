// Standard output: never faster than it is read, and quiet once no one reads it.
import { end } from './exit.ts'

type Write = (text: string, done?: (error?: Error | null) => void) => unknown

// Each write is told of its own error; without a listener the same error would end the process.
process.stdout.on('error', () => undefined)

let isLeaving = false
/** The real one, if other code gets another. */
let ownWrite: Write | undefined

const write: Write = (text, done) =>
  ownWrite ? ownWrite(text, done) : process.stdout.write(text, done)

/** Keeps standard output for reports: `print` writes to it, and other code to standard error. */
export function ownOutput(): void {
  const { stdout, stderr } = process
  ownWrite = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
}

/**
 * Resolves when `text` was handed over; with false if the reader has left, as `head` does.
 * Whole lines only, so that nothing ends in the middle of one. Rejects if it cannot be written.
 */
export function print(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (isLeaving) return
    write(text, (error) => {
      const { code, message } = (error ?? {}) as NodeJS.ErrnoException
      if (!error) resolve(true)
      else if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') resolve(false)
      else reject(new Error(`standard output cannot be written: ${message}`, { cause: error }))
    })
  })
}

/** Prints text for which nobody waits, such as a help page. */
export const printNow = (text: string): void => void write(text)

/** Ends the process once all that was printed before is out, and prints nothing more. */
export function leave(exitCode: number): void {
  isLeaving = true
  write('', () => end(exitCode))
}
