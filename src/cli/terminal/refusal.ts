// The answer is no: it is not there, damaged, or does not fit. Exit code 1; any other error is 2.
import { answerWith } from './exit.ts'
import { safeLines } from './lines.ts'

export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** An action of the command whose Refusal is reported on standard error, with exit code 1. */
export const refusing =
  <A extends unknown[]>(run: (...args: A) => Promise<void>): ((...args: A) => Promise<void>) =>
  async (...args) => {
    try {
      await run(...args)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      console.error(`ministore: ${safeLines(error.message)}`)
      answerWith(1)
    }
  }
