// What a user's function gave back: nothing, a whole new state, or a mistake that is named.
import { issueIn } from '../json/index.ts'
import { isTable } from '../table/index.ts'

/** Most characters of a text that a message shows. */
const MAX_SHOWN = 80

/**
 * Why `returned` cannot replace `state`: a sentence that begins with "it". Undefined if it can.
 * Whether it is a draft, only the caller knows.
 */
export function stateIssue(returned: unknown, state: unknown): string | undefined {
  if (isThenable(returned)) return 'it is asynchronous: await before dispatch'
  if (isGenerator(returned)) return 'it is a generator, which did not run. Write a plain function'
  const wanted = kindOf(state)
  if (kindOf(returned) === wanted) return undefined
  return `it returned ${describe(returned)}, but the state is ${wanted}. ${ADVICE}`
}

const ADVICE = 'Change the draft and return nothing, or return a whole new state'

/** What a reducer is told that returned a draft of anything but the whole state. */
export const PART_RETURNED: string = `it returned the draft of a part, which would replace the whole state. An arrow function returns what its expression gives, as Object.assign() gives its target: put the body in braces. ${ADVICE}`

/** The three kinds of states; undefined for anything else. */
function kindOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || issueIn(value, 0)) return undefined
  if (isTable(value)) return 'a table'
  return Array.isArray(value) ? 'an array' : 'an object'
}

/**
 * What a command or a transaction gives its caller may be anything but a sign that it did not run to its
 * end, or failed: then it would have been committed anyway. Throws TypeError.
 */
export function assertResult(value: unknown): void {
  if (isThenable(value)) throw new TypeError('run() is asynchronous: await before or after it')
  if (isGenerator(value))
    throw new TypeError('run() is a generator, which did not run. Write a plain function')
  if (value instanceof Error)
    throw new TypeError(
      `run() returned ${describe(value)}: throw it, or return what reject() gives`,
    )
}

/** In a few words, such as `false`, `"not allowed"`, `a Map`, `an Error ("not allowed")`. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return shown(value)
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Error) return `${named(value.name)} (${shown(value.message)})`
    return kindOf(value) ?? (isGenerator(value) ? 'a generator' : `${issueIn(value, 0)}`)
  }
  return typeof value === 'function' || typeof value === 'bigint'
    ? `a ${typeof value}`
    : String(value)
}

const named = (name: string) => `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`

const shown = (text: string) =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

/** Also takes the promise over, so that its failing cannot end the process. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof (value as PromiseLike<unknown> | null)?.then !== 'function') return false
  Promise.resolve(value).catch(() => undefined)
  return true
}

/** What `function*` and `async function*` return: calling them runs nothing. */
const isGenerator = (value: unknown): boolean =>
  /^\[object (Async)?Generator\]$/.test(Object.prototype.toString.call(value))

/** What was thrown, as a text. Users throw what they like, also what has no text. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return typeof thrown
  }
}
