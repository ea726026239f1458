// What was probably meant by a name that is not there.
import { closestMatch } from 'leven'

/** `; did you mean "orders"?`, or nothing if no name is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = closestMatch(name, known, { maxDistance: 3 })
  return near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
}
