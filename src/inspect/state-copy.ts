// A copy of a part of the state, to be kept while the state changes in place.
import { isTable, table } from '../table/index.ts'

/** With its tables, which `structuredClone` does not know. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isTable(value)) return table([...value].map(([key, inner]) => [key, copyOf(inner)] as const))
  if (Array.isArray(value)) return value.map(copyOf)
  const prototype = Object.getPrototypeOf(value)
  // What is no JSON, such as a Date.
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]))
}
