// How large a value is as JSON, and whether it is JSON at all.
import { StoreError } from '../errors.ts'
import type { Path } from '../json/chunks.ts'
import { hiddenIn, issueIn, MAX_DEPTH } from '../json/index.ts'
import { isTable } from '../table/index.ts'

export interface Measured {
  /** About so many characters of JSON. */
  readonly size: number
  /** Where in the value a key has the value `undefined`, which JSON leaves out. */
  readonly absent: readonly Path[]
  /** Where in the value a plain object stands for a table; the empty path is the value itself. */
  readonly tables: readonly Path[]
  /** Where in the value there is an object without a prototype, such as `Object.create(null)`. */
  readonly bare: readonly Path[]
}

/** About this many characters make a line, so that one of them takes no time and little memory. */
export const LINE_CHARACTERS: number = 2 ** 18

const NUMBER_CHARACTERS = 20
/** What a key and its value take at least. */
const ENTRY_CHARACTERS = 4

/**
 * Undefined if the value is larger than a line. `at` is where in the state it stands. Throws
 * StoreError `invalid_state` where the state holds what JSON cannot.
 */
export function measure(value: unknown, at: Path): Measured | undefined {
  const absent: Path[] = []
  const tables: Path[] = []
  const bare: Path[] = []
  const trail: (string | number)[] = []
  let left = LINE_CHARACTERS
  /** In a line, its path begins with the value's own key. */
  const note = (paths: Path[]) => {
    paths.push([...trail])
    left -= JSON.stringify([at.at(-1), ...trail]).length + 1
  }
  const visit = (value: unknown): void => {
    const issue = issueIn(value, at.length + trail.length) ?? hiddenIn(value)
    if (issue !== undefined) throw invalid([...at, ...trail], `is ${issue}`)
    if (typeof value !== 'object' || value === null) {
      left -= typeof value === 'string' ? value.length + 3 : NUMBER_CHARACTERS
      return
    }
    left -= 3
    if (isTable(value)) {
      note(tables)
      // To sort its keys would take long, and for nothing.
      if (value.size * ENTRY_CHARACTERS > left) left = -1
      if (left < 0) return
    } else if (isBare(value)) note(bare)
    for (const key of keysOf(value)) {
      if (left < 0) return
      if (typeof key === 'string') left -= key.length + 3
      const inner = valueAt(value, key)
      trail.push(key)
      if (isProto(value, key)) throw invalid([...at, ...trail], FORBIDDEN)
      if (inner !== undefined || typeof key === 'number') visit(inner)
      else {
        note(absent)
        left -= 4
      }
      trail.pop()
    }
  }
  visit(value)
  return left < 0 ? undefined : { size: LINE_CHARACTERS - left, absent, tables, bare }
}

/** Whether the object has no prototype: `in` finds nothing in it but its own keys. */
export const isBare = (value: object): boolean =>
  Object.getPrototypeOf(value) === null && !isTable(value)

/** Of an array its places, holes too; throws where the state is deeper than JSON may be here. */
export function* entriesOf(value: object, at: Path): Generator<[string | number, unknown]> {
  if (at.length > MAX_DEPTH) throw invalid(at, `is nested deeper than ${MAX_DEPTH} levels`)
  for (const key of keysOf(value)) {
    if (isProto(value, key)) throw invalid([...at, key], FORBIDDEN)
    yield [key, valueAt(value, key)]
  }
}

const FORBIDDEN = 'is a forbidden key'

/** In a table it is a key like any other. */
const isProto = (value: object, key: string | number) => key === '__proto__' && !isTable(value)

function keysOf(value: object): Iterable<string | number> {
  if (isTable(value)) return value.keys()
  return Array.isArray(value) ? value.keys() : Object.keys(value)
}

/** Of a key that is there. */
const valueAt = (value: object, key: string | number): unknown =>
  isTable(value) ? value.get(String(key)) : Reflect.get(value, key)

function invalid(path: Path, what: string): StoreError {
  const where = path.join('.').slice(0, 200)
  const next = 'a snapshot could not give the same state; see docs/guides/snapshots.md'
  return new StoreError('invalid_state', `${where} ${what}, which JSON cannot hold: ${next}`)
}
