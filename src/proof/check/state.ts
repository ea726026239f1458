// What a state must be: JSON, what its schema says, and a tree.
import { changes, isSame } from '../../diff/index.ts'
import { stateIssue } from '../../json/index.ts'
import type { CompiledDefinition } from '../../mutation/spec.ts'
import { parse } from '../../mutation/validate.ts'
import { isTable } from '../../table/index.ts'
import { type FindingDraft, messageOf } from './findings.ts'

/** Undefined if the state is JSON and fits its schema. */
export function findInvalid(
  { state: schema }: CompiledDefinition,
  state: unknown,
): FindingDraft | undefined {
  const invalid = (message: string): FindingDraft => {
    return { rule: 'invalid_state', severity: 'error', message }
  }
  try {
    const issue = stateIssue(state)
    if (issue) return invalid(`${pathOf(issue.path)} ${issue.message}`)
  } catch (error) {
    return invalid(`the state cannot be read: ${messageOf(error)}`)
  }
  if (!schema) return undefined
  try {
    const filled = filledIn(state, parse('the state', schema, state, 'state'))
    if (filled.length === 0) return undefined
    const what = "only the state's schema gives it, and a store does not apply that to its state"
    return invalid(`${filled.join(', ')}: ${what}. Let the reducer write the whole state`)
  } catch (error) {
    const what = 'a reducer produced a state that its schema does not allow'
    return invalid(`${messageOf(error)}: ${what}`)
  }
}

/**
 * Where the schema makes something of the state that the state has not: it is valid only by defaults or
 * transforms. What the schema leaves out, such as a field that was removed, does no harm.
 */
const filledIn = (state: unknown, parsed: unknown): string[] =>
  isSame(state, parsed)
    ? []
    : changes(state, parsed)
        .filter(({ op }) => op !== 'remove')
        .slice(0, MOST_KEYS)
        .map(({ path }) => `state${path.replaceAll('/', '.')}`)

const MOST_KEYS = 10

/** In a cycle, it has no end. */
const pathOf = (path: readonly PropertyKey[]): string =>
  ['the state', ...path.slice(0, MOST_KEYS), ...(path.length > MOST_KEYS ? ['…'] : [])].join('.')

/** Two places of the state that hold one object, as JSON pointers; undefined if it is a tree. */
export function findShared(state: unknown): readonly [string, string] | undefined {
  const places = new Map<object, string>()
  const visit = (value: unknown, path: string): [string, string] | undefined => {
    if (typeof value !== 'object' || value === null) return undefined
    const other = places.get(value)
    if (other !== undefined) return [other, path]
    places.set(value, path)
    for (const key of isTable(value) ? value.keys() : Object.keys(value)) {
      const found = visit(childOf(value, key), `${path}/${escapeKey(key)}`)
      if (found) return found
    }
    return undefined
  }
  try {
    return visit(state, '')
  } catch {
    // What cannot be read, or is too deep, is no JSON: that is reported already.
    return undefined
  }
}

/** Whether both pointers lead to the same object. */
export function isShared(state: unknown, [one, other]: readonly [string, string]): boolean {
  const found = valueAt(state, one)
  return typeof found === 'object' && found !== null && found === valueAt(state, other)
}

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

function valueAt(state: unknown, path: string): unknown {
  const keys = path.split('/').slice(1)
  return keys.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined
    return childOf(value, key.replaceAll('~1', '/').replaceAll('~0', '~'))
  }, state)
}

const childOf = (value: object, key: string): unknown =>
  isTable(value) ? value.get(key) : Reflect.get(value, key)
