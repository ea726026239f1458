// What a failing test of this kit throws: every test runner shows what was expected against what came.
import { isSame, unifiedDiff } from '../diff/index.ts'
import { jsonIssue } from '../json/index.ts'

export interface AssertionErrorOptions extends ErrorOptions {
  expected?: unknown
  actual?: unknown
}

/** Where two values were compared it has both, and `message` ends in their unified diff. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
  readonly expected?: unknown
  readonly actual?: unknown
  /** For test runners that draw a diff of their own. */
  readonly showDiff: boolean
  constructor(message: string, { cause, ...compared }: AssertionErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    Object.assign(this, compared)
    this.showDiff = 'expected' in compared
  }
}

/** Throws AssertionError with `message`. */
export function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AssertionError(message)
}

/** Compares JSON; a property that is undefined is one that is not there. */
export function assertSame(what: string, actual: unknown, expected: unknown): void {
  if (!isSame(expected, actual)) {
    const diff = unifiedDiff(expected, actual, ['expected', 'actual']).trimEnd()
    throw new AssertionError(`${what}:\n${diff}`, { expected, actual })
  }
  // Two dates have the same properties, none, and would always be the same.
  const issue = Object.is(expected, actual) ? undefined : (jsonIssue(expected) ?? jsonIssue(actual))
  if (issue) {
    const where = issue.path.length > 0 ? `, but ${issue.path.join('.')}` : ', but it'
    throw new AssertionError(`${what}: only JSON can be compared${where} ${issue.message}`)
  }
}

/** The error, with the stack of the place in the test that asked for it. */
export function raisedAt(place: Error, error: unknown): unknown {
  if (!(error instanceof AssertionError)) return error
  const { stack = '' } = place
  error.stack = `${error}\n${stack.slice(stack.indexOf('\n') + 1)}`
  return error
}
