// "--where": which records are asked for, by what they say about themselves.
import type { PlainRecord } from '../../journals/file/format/record.ts'

/** One `field=value`. */
export interface Condition {
  /** As it was given. */
  readonly field: string
  /** Keys and indexes that lead to it, from the record on. */
  readonly path: readonly string[]
  readonly value: string
}

/** Of a record itself; every other name is one of its metadata. */
const OWN = new Set(['command', 'key', 'at', 'metadata', 'payload', 'type'])

/** `actor=ann`, `a.b=3`, `command=createTopics`. Undefined if there is no `=` or no field. */
export function parseCondition(text: string): Condition | undefined {
  const at = text.indexOf('=')
  if (at <= 0) return undefined
  const field = text.slice(0, at)
  const path = field.split('.')
  const isOwn = OWN.has(path[0] ?? '')
  return { field, path: isOwn ? path : ['metadata', ...path], value: text.slice(at + 1) }
}

/** Whether all conditions hold; `type` and `payload` for the same mutation of the record. */
export const isMet = (conditions: readonly Condition[], record: PlainRecord): boolean =>
  (record.mutations.length > 0 ? record.mutations : [{}]).some((mutation) => {
    const fields = { ...mutation, ...record }
    return conditions.every(({ path, value }) => isAt(fields, path, value))
  })

/** In a list, any of its items may be meant. */
function isAt(found: unknown, [key, ...rest]: readonly string[], value: string): boolean {
  if (
    Array.isArray(found) &&
    found.some((item) => isAt(item, key === undefined ? [] : [key, ...rest], value))
  )
    return true
  if (key === undefined) return textOf(found) === value
  if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return false
  return isAt(Reflect.get(found, key), rest, value)
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
