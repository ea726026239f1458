// Standard output: never faster than it is read, and quiet once no one reads it.

// Each write is told of its own error; without a listener the same error would end the process.
process.stdout.on('error', () => undefined)

let isLeaving = false

/**
 * Resolves when `text` was handed over; with false if the reader has left, as `head` does.
 * Whole lines only, so that nothing ends in the middle of one. Rejects if it cannot be written.
 */
export function print(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (isLeaving) return
    process.stdout.write(text, (error) => {
      const { code, message } = (error ?? {}) as NodeJS.ErrnoException
      if (!error) resolve(true)
      else if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') resolve(false)
      else reject(new Error(`standard output cannot be written: ${message}`, { cause: error }))
    })
  })
}

/** Ends the process once all that was printed before is out, and prints nothing more. */
export function leave(exitCode: number): void {
  isLeaving = true
  process.stdout.write('', () => process.exit(exitCode))
}
