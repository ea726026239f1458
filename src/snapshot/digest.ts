// The digest of a state of any size, in steps: the text of a large one is not a single string.
import { createHash } from 'node:crypto'
import { canonicalChunks } from '../json/chunks.ts'
import { measure } from './measure.ts'

/** Yields how many characters are done, about every line's worth; returns what `digest` gives for the state. */
export function* digestSteps(state: unknown): Generator<number, string> {
  const hash = createHash('sha256')
  let done = 0
  // Measured, so that it throws what writing the state would throw.
  for (const chunk of canonicalChunks(state, (value, at) => Boolean(measure(value, at)), [
    'state',
  ])) {
    hash.update(chunk)
    done += chunk.length
    yield done
  }
  return `sha256:${hash.digest('hex')}`
}
