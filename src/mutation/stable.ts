// Whether a schema accepts its own output, as far as its parts prove it without being run.
import { z } from 'zod'

/**
 * What a schema makes of a value that it accepts: `SAME`, the value itself; `SETTLED`, fewer keys perhaps,
 * and what is left comes back as it is; `OTHER`, anything.
 */
type Effect = typeof SAME | typeof SETTLED | typeof OTHER
const [SAME, SETTLED, OTHER] = [2, 1, 0] as const

/**
 * True only if every output of the schema is certainly valid input again and comes back unchanged, as JSON.
 * False for all that runs the user's code or replaces a value: transforms, defaults, refinements, and
 * every kind of schema that this file does not know. Never throws.
 */
export function acceptsOwnOutput(schema: z.core.$ZodType): boolean {
  try {
    return [SAME, SETTLED].some((assumed) => isProvedWith(schema, assumed))
  } catch {
    // A getter in it may throw, such as that of z.lazy().
    return false
  }
}

/** `assumed`: the effect of a schema within itself, which must not turn out to be less. */
function isProvedWith(schema: z.core.$ZodType, assumed: Effect): boolean {
  const effects = new Map<z.core.$ZodType, Effect | undefined>()
  const assumedFor = new Set<z.core.$ZodType>()
  const effectOf = (each: z.core.$ZodType): Effect => {
    if (effects.has(each)) {
      const known = effects.get(each)
      if (known === undefined) assumedFor.add(each)
      return known ?? assumed
    }
    effects.set(each, undefined)
    const isPlain = (each._zod.def.checks ?? []).every(isPlainCheck)
    const effect = isPlain ? effectOfKind(each as z.core.$ZodTypes, effectOf) : OTHER
    effects.set(each, effect)
    return effect
  }
  if (effectOf(schema) === OTHER) return false
  return [...assumedFor].every((each) => (effects.get(each) ?? OTHER) >= assumed)
}

type EffectOf = (schema: z.core.$ZodType) => Effect

function effectOfKind({ _zod: { def } }: z.core.$ZodTypes, effectOf: EffectOf): Effect {
  if ('coerce' in def && def.coerce) return OTHER
  switch (def.type) {
    case 'string':
      return !('check' in def) || isPlainFormat(def) ? SAME : OTHER
    case 'number':
    case 'boolean':
    case 'null':
    case 'undefined':
    case 'void':
    case 'never':
    case 'any':
    case 'unknown':
    case 'literal':
    case 'enum':
    case 'template_literal':
      return SAME
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'readonly':
      return effectOf(def.innerType)
    case 'lazy':
      return effectOf(def.getter())
    case 'array':
      return effectOf(def.element)
    case 'tuple':
      return least([...def.items, ...(def.rest ? [def.rest] : [])].map(effectOf))
    case 'record':
      return KEYS.has(def.keyType._zod.def.type)
        ? least([def.keyType, def.valueType].map(effectOf))
        : OTHER
    case 'object':
      return effectOfObject(def, effectOf)
    case 'union':
      return effectOfUnion(def, effectOf)
    case 'intersection':
      return least([def.left, def.right].map(effectOf)) === SAME ? SAME : OTHER
    default:
      return OTHER
  }
}

/** Of a record with keys of another kind, zod may write the same key in another way. */
const KEYS = new Set(['string', 'enum', 'literal', 'template_literal'])

const least = (effects: readonly Effect[]): Effect =>
  effects.reduce((one, other) => (other < one ? other : one), SAME)

function effectOfObject({ shape, catchall }: z.core.$ZodObjectDef, effectOf: EffectOf): Effect {
  const properties = Object.values(shape)
  const own = catchall ? effectOf(catchall) : SETTLED
  const effect = least([own, ...properties.map(effectOf)])
  // JSON leaves out a key whose value is undefined. A schema that takes undefined may need the key.
  const losesKeys = (property: z.core.$ZodType) =>
    property._zod.optin === undefined && z.core.safeParse(property, undefined).success
  return effect !== OTHER && properties.some(losesKeys) ? OTHER : effect
}

/** The output of one option may be the input of an earlier one, which leaves out other keys. */
function effectOfUnion(
  def: z.core.$ZodUnionDef | z.core.$ZodDiscriminatedUnionDef,
  effectOf: EffectOf,
): Effect {
  const effects = def.options.map(effectOf)
  const isExclusive = 'inclusive' in def && def.inclusive === false
  const isByName = 'discriminator' in def && !def.unionFallback
  const isSettled = effects.filter((effect) => effect !== SAME).length <= 1 && !isExclusive
  const effect = least(effects)
  return effect === SAME || isByName || isSettled ? effect : OTHER
}

const isPlainCheck = ({ _zod: { def } }: z.core.$ZodCheck<never>): boolean =>
  def.check === 'string_format'
    ? isPlainFormat(def as z.core.$ZodCheckStringFormatDef)
    : PLAIN_CHECKS.has(def.check)

/** Those that compare, and those of `zod/mini` that only hold metadata. */
const PLAIN_CHECKS = new Set([
  ...['less_than', 'greater_than', 'multiple_of', 'number_format'],
  ...['min_length', 'max_length', 'length_equals', 'describe', 'meta'],
])

/** Those that compare with a pattern and leave the text as it is; `url`, say, trims it. */
const isPlainFormat = (def: object): boolean =>
  'format' in def && FORMATS.has(String(def.format)) && !('fn' in def) && !('normalize' in def)

const FORMATS = new Set(
  `regex lowercase uppercase includes starts_with ends_with email uuid guid nanoid cuid cuid2 ulid xid
  ksuid datetime date time duration ipv4 ipv6 mac cidrv4 cidrv6 base64 base64url e164 emoji`.split(
    /\s+/,
  ),
)
