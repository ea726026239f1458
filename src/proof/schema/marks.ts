// Marks: the texts that stand in a lock for what JSON Schema cannot say, such as code.
// Equal marks mean the same test of a value. Code counts by its source; what it calls is not seen.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { heldSources } from './held.ts'

type Schema = z.core.$ZodType

/** `refine (name) => name !== ''`. */
export const codeMark = (what: string, code: unknown): string => `${what} ${sourceOf(code)}`

/** For a part of a schema that can only be compared as a whole: a word for people, and a digest. */
export const wholeMark = (what: string, schema: Schema): string =>
  `${what} ${digestOf(describe(schema, new Map()))}`

/** For what the parts of a check say, which `except` names no more. */
export function checkMark(what: string, check: z.core.$ZodCheck): string {
  const {
    error: _,
    abort: __,
    type: ___,
    check: ____,
    ...def
  } = check._zod.def as never as {
    [key: string]: unknown
  }
  return `${what} ${JSON.stringify(describe(def, new Map()))}`
}

const sourceOf = (code: unknown): string => `${code}${probed(code)}`

/** `normalize(form)` has the same source for all forms. */
function probed(code: unknown): string {
  if (String(code) !== NORMALIZE) return ''
  return ` ${JSON.stringify(['\u00e9', 'e\u0301', '\ufb01'].map((text) => (code as Change)(text)))}`
}
type Change = (text: string) => string
const NORMALIZE = String((z.core._normalize()._zod.def as { tx?: unknown }).tx)

/** `superRefine (text, context) => …` or `check (payload) => …`: for a check that is a function. */
export function checkCode(code: unknown): string {
  if (!isSuperRefine(code)) return codeMark('check', code)
  const known = superRefines.get(code as object) ?? (heldSources(code) ?? []).join(' ')
  superRefines.set(code as object, known)
  return `superRefine ${known === '' ? 'of a source that this runtime does not show' : known}`
}

/** Zod's wrapper has the same source for all. */
export const isSuperRefine = (code: unknown): boolean => sourceOf(code) === SUPER_REFINE
const SUPER_REFINE = sourceOf(z.core._superRefine(() => {})._zod.check)
const superRefines = new WeakMap<object, string>()

const digestOf = (parts: unknown): string =>
  `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`

/** Schemas can make schemas without end: so much of them says enough. */
const MOST = 100_000
const DEEPEST = 300
/** What has no say in which values are accepted, or what zod keeps there once the schema was used. */
const UNSAID = new Set(['error', '_cachedInner', 'reverseTransform'])

/**
 * As JSON, with functions as their source and schemas as what they were made from. What was `seen`
 * before, as in a schema of itself, is its number.
 */
function describe(value: unknown, seen: Map<object, number>, depth = 0): unknown {
  if (typeof value === 'function') return sourceOf(value)
  if (value instanceof RegExp) return String(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value === undefined) return { undefined: true }
  if (typeof value !== 'object' || value === null) return value
  const number = seen.get(value)
  if (number !== undefined || depth === DEEPEST || seen.size === MOST) return { seen: number ?? -1 }
  seen.set(value, seen.size)
  const inner = (each: unknown) => describe(each, seen, depth + 1)
  if (Array.isArray(value)) return value.map(inner)
  if (value instanceof Set) return [...value].map(inner)
  return Object.fromEntries(entriesOf(value).map(([key, each]) => [key, inner(each)]))
}

/** User code may stand in a schema as a getter, and may throw. */
function entriesOf(value: object): [string, unknown][] {
  try {
    const parts = '_zod' in value ? partsOf(value as Schema) : value
    return Object.keys(parts)
      .filter((key) => !UNSAID.has(key))
      .sort()
      .map((key) => [key, Reflect.get(parts, key)])
  } catch (error) {
    return [['throws', String(error)]]
  }
}

function partsOf(schema: Schema): object {
  const {
    def,
    bag = {},
    check,
  } = schema._zod as unknown as {
    def: { type?: string; check?: string; fn?: unknown }
    bag?: { Class?: unknown; truthy?: unknown; falsy?: unknown; case?: unknown }
    check?: unknown
  }
  const { Class, truthy, falsy, case: casing } = bag
  return {
    ...Object.fromEntries(Object.keys(def).map((key) => [key, partOf(def, key)])),
    ...(def.type === 'lazy' && { getter: (schema as z.core.$ZodLazy)._zod.innerType }),
    // z.check() keeps its function here, and z.stringbool() its words.
    ...(def.check === 'custom' && def.fn === undefined && { code: checkCode(check) }),
    ...(Class !== undefined && { class: String(Class) }),
    ...(truthy !== undefined && { truthy, falsy, casing }),
  }
}

/** A default that is made each time is not the same twice. */
function partOf(def: object, key: string): unknown {
  const part = Reflect.get(def, key)
  if (key !== 'defaultValue' && key !== 'catchValue') return part
  if (typeof part === 'function') return `${part} ${textOfCall(part as () => unknown)}`
  return textOfCall(() => Reflect.get(def, key))
}

function textOfCall(make: () => unknown): string {
  try {
    const [text, again] = [JSON.stringify(make()), JSON.stringify(make())]
    return text === again ? String(text) : 'made each time'
  } catch {
    return 'throws'
  }
}
