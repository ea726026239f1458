// What was given to a dispatch, whatever its owner does with it later.
import { MAX_DEPTH } from '../json/index.ts'

/** Of arrays and plain objects; whatever else a schema takes stays what it is. */
export function copy<T>(given: T): T {
  return copied(given, 0, new Map()) as T
}

function copied(value: unknown, depth: number, known: Map<object, unknown>): unknown {
  // One level more than a payload in a batch may have, so it is refused as it was given.
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH + 2) return value
  if (known.has(value)) return known.get(value)
  // In a cycle, which is refused, it stands for itself.
  known.set(value, value)
  const own = copiedOnce(value, (inner) => copied(inner, depth + 1, known))
  known.set(value, own)
  return own
}

function copiedOnce(value: object, inside: (inner: unknown) => unknown): object {
  if (Array.isArray(value)) return value.map(inside)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inside(inner)]))
}
