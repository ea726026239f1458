// What makes two definitions the same: names, versions, schemas, and the source of their functions.
import type { z } from 'zod'
import { canonicalText, digest } from '../json/index.ts'
import { isTable } from '../table/index.ts'
import type { CompiledDefinition } from './spec.ts'

/** The fingerprint of a definition whose source cannot be seen: it equals nothing, not even itself. */
const HIDDEN = 'hidden'

/**
 * `sha256:…` over all of a definition that decides what a journal replays to. Functions count by their
 * source: what they call is not seen, and another compiler makes another fingerprint. If a function has
 * no source, because it is bound or native, nothing is known of the definition: use `isMadeBy`.
 */
export async function fingerprint(definition: CompiledDefinition): Promise<string> {
  const { name, keys, initial, state, mutations } = definition
  const declared = [...mutations.values()].map(
    ({ type, payload, upcast, version, apply, retired }) => {
      return { type, version, retired, apply, payload, upcast }
    },
  )
  try {
    return await digest(describe({ name, keys, initial, state, declared }, new Map()))
  } catch (error) {
    if (error instanceof HiddenSource) return HIDDEN
    throw error
  }
}

/** Whether `found`, the fingerprint in a file, is certainly that of this definition. */
export const isMadeBy = async (found: string, definition: CompiledDefinition): Promise<boolean> =>
  found !== HIDDEN && found === (await fingerprint(definition))

/** Why a snapshot with the fingerprint `found` cannot be trusted; undefined if it can. */
export async function snapshotIssue(
  found: string,
  definition: CompiledDefinition,
): Promise<string | undefined> {
  if (await isMadeBy(found, definition)) return undefined
  return (await fingerprint(definition)) === HIDDEN
    ? 'the source of a function in the definition cannot be seen, because it is bound or native: it cannot be compared. Write it as a plain function'
    : 'it was made by another definition: a reducer, a schema or the state was changed, or compiled in another way'
}

class HiddenSource extends Error {}

/** What `bind()`, a proxy and functions of the engine have in place of a source. */
const NATIVE = /\{\s*\[native code\]\s*\}\s*$/

/** Not by the function's own `toString`, which may be anything. */
function sourceOf(code: object): string {
  const source = Function.prototype.toString.call(code)
  if (NATIVE.test(source)) throw new HiddenSource()
  return source
}

/** Schemas can make schemas without end: so much of them says enough. */
const MOST = 100_000
const DEEPEST = 300

/**
 * As JSON, with functions as their source and schemas as what they were made from. What was `seen`
 * before, as in a schema of itself, is its number.
 */
function describe(value: unknown, seen: Map<object, number>, depth = 0): unknown {
  if (typeof value === 'function') return sourceOf(value)
  if (value instanceof RegExp) return String(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const number = seen.get(value)
  if (number !== undefined || seen.size === MOST || depth === DEEPEST) return { seen: number }
  seen.set(value, seen.size)
  const inner = (each: unknown) => describe(each, seen, depth + 1)
  if (Array.isArray(value)) return value.map(inner)
  if (isTable(value)) return { table: inner(Object.fromEntries(value)) }
  return Object.fromEntries(entriesOf(value).map(([key, each]) => [key, inner(each)]))
}

/** Whatever stands in a schema is asked for here, and may throw. */
function entriesOf(value: object): [string, unknown][] {
  try {
    return Object.entries(hasDefinition(value) ? partsOf(value) : value)
  } catch {
    return [['throws', true]]
  }
}

/** Schemas have one, and their checks. */
const hasDefinition = (value: object): value is z.core.$ZodType => '_zod' in value

/** What a schema was made from, but not what Zod keeps there once the schema was used. */
function partsOf({ _zod }: z.core.$ZodType): object {
  const { def } = _zod
  if (def.type === 'lazy') return { type: def.type, inner: (def as z.core.$ZodLazyDef).getter() }
  if (!('defaultValue' in def)) return def
  const parts = Object.keys(def).filter((key) => key !== 'defaultValue')
  const entries = parts.map((key) => [key, Reflect.get(def, key)])
  return { ...Object.fromEntries(entries), defaultValue: textOfDefault(def) }
}

/** Undefined if it differs each time, such as an ID or the time. */
function textOfDefault(def: object): string | undefined {
  try {
    const [text, again] = [0, 1].map(() => canonicalText(Reflect.get(def, 'defaultValue')))
    const now = new Date()
    const isTime = [now.toISOString().slice(0, 10), String(now.getTime()).slice(0, 6)].some(
      (start) => text?.includes(start),
    )
    return text === again && !isTime ? text : undefined
  } catch {
    return undefined
  }
}
