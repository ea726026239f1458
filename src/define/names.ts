import { closestMatch } from 'leven'
import { StoreError } from '../errors.ts'

/** StoreError `unknown_mutation`, with the name that was probably meant. */
export function unknownName(
  name: unknown,
  known: Iterable<string>,
  where: string,
  seq?: number,
): StoreError {
  const near = closestMatch(String(name), [...known], { maxDistance: 3 })
  const hint = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
  const what = `${seq === undefined ? '' : `record ${seq}: `}${JSON.stringify(name)} is not in ${where}`
  return new StoreError('unknown_mutation', `${what}${hint}`, { seq })
}

/** StoreError `unknown_mutation` for a dispatch that was given a message, or nothing that names a mutation. */
export function notAName(value: unknown): StoreError {
  const given = value === null ? 'null' : `a value of type ${typeof value}`
  const call =
    'call dispatch(type, payload), or dispatchAll([message]) for a message { type, payload }'
  return new StoreError(
    'unknown_mutation',
    `a mutation is named by a string, not by ${given}: ${call}`,
  )
}
