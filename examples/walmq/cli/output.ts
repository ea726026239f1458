// Standard output, exit codes, and text that no one has vouched for.
import { BrokerError, type BrokerErrorCode } from '../broker/errors.ts'

// Each write is told of its own error; without a listener the same error would end the process.
process.stdout.on('error', () => undefined)

/** Resolves when it was handed over; with false if the reader has left, as `head` does. */
export function print(text: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve(true)
      else if ('code' in error && error.code === 'EPIPE') resolve(false)
      else reject(error)
    })
  })
}

/** As JSON on one line, or in the words of `text`. */
export const show = (data: unknown, isJson: boolean, text: () => string): Promise<boolean> => {
  const shown = isJson ? JSON.stringify(data) : text()
  return print(shown === '' ? '' : `${shown}\n`)
}

/** Ends the process once all that was printed is out. */
export function leave(exitCode: number): void {
  process.stdout.write('', () => process.exit(exitCode))
}

const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Without characters that a terminal obeys. */
export const safe = (text: string): string =>
  text.replace(UNSAFE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The broker works, and its answer is no. */
const REFUSALS: ReadonlySet<BrokerErrorCode> = new Set([
  'invalid',
  'bad_request',
  'too_large',
  'too_many',
  'topic_exists',
  'no_such_topic',
  'no_such_partition',
  'not_more_partitions',
  'no_such_group',
  'group_exists',
  'group_in_use',
  'not_subscribed',
  'beyond_end',
  'out_of_range',
  'too_many_gaps',
])

export const exitCodeOf = (error: unknown): 1 | 2 =>
  error instanceof BrokerError && REFUSALS.has(error.code) ? 1 : 2
