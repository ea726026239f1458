// What parsing does to a JSON value that it accepts, as far as a schema tells.
import type { z } from 'zod'
import { absentProperty } from './absent.ts'

/** Parts of an effect, as bits. Without any, an accepted value comes back as it was. */
export const KEEPS = 0
/** Properties may be dropped: those that an object does not name. */
export const DROPS = 1
/** What is absent may be filled in: a default. */
export const FILLS = 2
/** Anything else: a transform, a coercion, `trim()`, `catch()`, or a part that no one here knows. */
export const CHANGES = 4

type Schema = z.core.$ZodType
type Def = z.core.$ZodTypes['_zod']['def']

const known = new WeakMap<Schema, number>()

/**
 * What parsing may do to a value that the schema accepts: KEEPS, or a union of the bits above. An effect
 * that cannot be ruled out counts. Throws what a lazy schema throws that cannot be made yet.
 */
export function effectOf(schema: Schema): number {
  const found = known.get(schema)
  if (found !== undefined) return found
  // A schema inside itself adds nothing to what the rest of it does. What is found on the way through
  // it may lack a part, so only the outermost answer is kept.
  const effect = effectWithin(schema, new Set())
  known.set(schema, effect)
  return effect
}

/** The same, but for the schema's own checks. */
export function typeEffectOf(schema: Schema): number {
  const { def } = schema._zod as unknown as { def: Def }
  return typeEffect(schema, def, effectOf)
}

function effectWithin(schema: Schema, open: Set<Schema>): number {
  if (open.has(schema)) return KEEPS
  open.add(schema)
  const { def } = schema._zod as unknown as { def: Def }
  const inner = (part: Schema) => effectWithin(part, open)
  return typeEffect(schema, def, inner) | checksEffect(schema)
}

function typeEffect(schema: Schema, def: Def, inner: (part: Schema) => number): number {
  const all = (parts: readonly Schema[]) => parts.reduce((sum, part) => sum | inner(part), KEEPS)
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'date':
      return 'coerce' in def && def.coerce ? CHANGES : KEEPS
    case 'array':
      return inner(def.element)
    case 'tuple':
      return all([...def.items, ...(def.rest ? [def.rest] : [])]) | fills(def.items)
    case 'object': {
      const parts = Object.values(def.shape)
      const others = def.catchall ? inner(def.catchall) : DROPS
      return all(parts) | others | fills(parts)
    }
    case 'record': {
      const key = inner(def.keyType) === KEEPS && !hasNumbers(def.keyType) ? KEEPS : CHANGES
      const isCounted = def.keyType._zod.values !== undefined
      return key | inner(def.valueType) | (isCounted ? fills([def.valueType]) : KEEPS)
    }
    case 'union':
      return all(def.options)
    case 'intersection':
      return inner(def.left) | inner(def.right)
    case 'lazy':
      return inner((schema as z.core.$ZodLazy)._zod.innerType)
    case 'pipe':
      return isCode(def) ? CHANGES : inner(def.in) | inner(def.out)
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
    case 'default':
    case 'prefault':
      return inner(def.innerType)
    default:
      return UNCHANGED.has(def.type) ? KEEPS : CHANGES
  }
}

/** Types that give what they were given. Those that are no JSON accept no JSON value. */
const UNCHANGED = new Set<string>([
  ...['any', 'unknown', 'never', 'null', 'undefined', 'void', 'literal', 'enum', 'custom'],
  ...['template_literal', 'nan', 'symbol', 'map', 'set', 'file', 'function'],
])

const fills = (parts: readonly Schema[]) =>
  parts.some((part) => !['refused', 'absent'].includes(absentProperty(part))) ? FILLS : KEEPS

/** A codec, or a transform before or after. */
export const isCode = (def: z.core.$ZodPipeDef): boolean =>
  def.transform !== undefined || [def.in, def.out].some(isTransform)

export const isTransform = ({ _zod }: Schema): boolean => _zod.def.type === 'transform'

/** Whether a record's keys are also tried as numbers, which makes another text of some. */
export function hasNumbers(key: Schema): boolean {
  const { def, values } = key._zod as unknown as { def: Def; values?: Set<unknown> }
  if (values) return false
  return !['string', 'template_literal', 'custom', 'enum', 'literal'].includes(def.type)
}

/** Checks that only look: what they refuse, they refuse, and give back the rest as it was. */
const LOOKS = new Set<string>([
  ...['less_than', 'greater_than', 'multiple_of', 'number_format', 'bigint_format', 'min_length'],
  ...[
    'max_length',
    'length_equals',
    'min_size',
    'max_size',
    'size_equals',
    'mime_type',
    'property',
  ],
  ...['properties', 'describe', 'meta'],
])

/** A format such as z.email() is a schema, and its own first check. */
export function checksOf(schema: Schema): readonly z.core.$ZodCheck[] {
  const { checks = [] } = schema._zod.def
  return schema._zod.traits.has('$ZodCheck')
    ? [schema as unknown as z.core.$ZodCheck, ...checks]
    : checks
}

const checksEffect = (schema: Schema): number => (checksOf(schema).every(isLook) ? KEEPS : CHANGES)

/** Whether a check leaves the value as it is: `trim()`, `z.url()` and `z.check()` may not. */
export function isLook(check: z.core.$ZodCheck): boolean {
  const { def, traits } = check._zod as unknown as {
    def: { check: string; format?: string }
    traits?: Set<string>
  }
  if (def.check === 'string_format') return def.format !== 'url'
  // `refine` answers yes or no; `superRefine` and `.check(function)`, which has no traits, hold the payload itself.
  return LOOKS.has(def.check) || traits?.has('$ZodCustom') === true
}
