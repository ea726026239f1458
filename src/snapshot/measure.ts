// How large a value is as JSON, and whether it is JSON at all.
import { StoreError } from '../index.ts'
import { issueIn, MAX_DEPTH } from '../json/index.ts'

export type Path = readonly (string | number)[]

export interface Measured {
  /** About so many characters of JSON. */
  readonly size: number
  /** Where in the value a key has the value `undefined`, which JSON leaves out. */
  readonly absent: readonly Path[]
}

/** About this many characters make a line, so that one of them takes no time and little memory. */
export const LINE_CHARACTERS: number = 2 ** 18

const NUMBER_CHARACTERS = 20

/**
 * Undefined where the value is larger than a line. `at` is where in the state it stands. Throws
 * StoreError `invalid_state` where the state holds what JSON cannot.
 */
export function measure(value: unknown, at: Path): Measured | undefined {
  const absent: Path[] = []
  const trail: (string | number)[] = []
  let left = LINE_CHARACTERS
  const visit = (value: unknown): void => {
    const issue = issueIn(value, at.length + trail.length)
    if (issue !== undefined) throw invalid([...at, ...trail], `is ${issue}`)
    if (typeof value !== 'object' || value === null) {
      left -= typeof value === 'string' ? value.length + 3 : NUMBER_CHARACTERS
      return
    }
    left -= 3
    for (const key of keysOf(value)) {
      if (left < 0) return
      if (typeof key === 'string') left -= key.length + 3
      if (key === '__proto__') throw invalid([...at, ...trail, key], 'is a forbidden key')
      const inner: unknown = Reflect.get(value, key)
      trail.push(key)
      if (inner !== undefined || typeof key === 'number') visit(inner)
      else {
        absent.push([...trail])
        left -= JSON.stringify(trail).length + 4
      }
      trail.pop()
    }
  }
  visit(value)
  return left < 0 ? undefined : { size: LINE_CHARACTERS - left, absent }
}

/** Of an array its places, holes too; throws where the state is deeper than JSON may be here. */
export function* entriesOf(value: object, at: Path): Generator<[string | number, unknown]> {
  if (at.length > MAX_DEPTH) throw invalid(at, `is nested deeper than ${MAX_DEPTH} levels`)
  for (const key of keysOf(value)) {
    if (key === '__proto__') throw invalid([...at, key], 'is a forbidden key')
    yield [key, Reflect.get(value, key)]
  }
}

const keysOf = (value: object): Iterable<string | number> =>
  Array.isArray(value) ? value.keys() : Object.keys(value)

function invalid(path: Path, what: string): StoreError {
  const where = path.join('.').slice(0, 200)
  const next = 'a snapshot could not give the same state; see docs/guides/snapshots.md'
  return new StoreError('invalid_state', `${where} ${what}, which JSON cannot hold: ${next}`)
}
