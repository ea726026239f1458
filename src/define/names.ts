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
