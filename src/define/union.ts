// Mutations from a discriminated union that exists already.

import { z } from 'zod'
import { badDefinition, reading } from './bad-definition.ts'
import type { MutationConfig, MutationPart } from './dsl.ts'
import { isSchema } from './schema.ts'
import type { Field } from './store-definition.ts'

/** What `mutationsFromUnion` makes of one option of the union. */
export type UnionParts<S, U> = {
  [O in OptionOf<U> as NameOf<O, DiscriminatorOf<U>>]: MutationPart<
    S,
    UnionPayload<O, DiscriminatorOf<U>>,
    undefined
  >
}

/** One reducer for each option of the union. */
export type UnionReducers<S, U> = {
  [O in OptionOf<U> as NameOf<O, DiscriminatorOf<U>>]: MutationConfig<
    S,
    UnionPayload<O, DiscriminatorOf<U>>
  >['apply']
}

interface HasDef<D> {
  readonly _zod: { readonly def: D }
}

type Def<O> = O extends HasDef<infer D> ? D : never

type DiscriminatorOf<U> = Field<Def<U>, 'discriminator'>

/** The objects that a union consists of, also through unions in unions, readonly and lazy options. */
type OptionOf<O> =
  O extends HasDef<{ type: 'union'; options: readonly (infer Each)[] }>
    ? OptionOf<Each>
    : O extends HasDef<{ type: 'readonly'; innerType: infer Inner }>
      ? OptionOf<Inner>
      : O extends HasDef<{ type: 'lazy'; getter: () => infer Inner }>
        ? OptionOf<Inner>
        : O

type ShapeOf<O> = Field<Def<O>, 'shape'>

/** A literal or an enum gives an option several names. */
type NameOf<O, Key> =
  Field<ShapeOf<O>, Key & string> extends infer Names extends z.core.$ZodType
    ? z.output<Names> & string
    : never

/** The option's `payload` if it has one, otherwise the option without its discriminator. */
type UnionPayload<O, Key> = O extends unknown
  ? ShapeOf<O> extends { payload: infer P extends z.core.$ZodType }
    ? P
    : keyof ShapeOf<O> extends Key
      ? z.core.$ZodUndefined
      : O extends z.core.$ZodObject<infer Shape, infer Config>
        ? z.core.$ZodObject<Omit<Shape, Key & string>, Config>
        : never
  : never

/**
 * Mutations from a `z.discriminatedUnion('type', …)` and one reducer for each option, of zod or of
 * zod/mini. A mutation's name is the discriminator's value. Its payload is the option's `payload` field
 * if there is one, else all fields but the discriminator. What refines an option, or the union, refines
 * the payload. Options can be unions, readonly or lazy.
 * Throws StoreError `bad_definition` if options and reducers do not match.
 */
export function mutationsFromUnion<S>(): <U extends z.core.$ZodDiscriminatedUnion>(
  union: U,
  reducers: NoInfer<UnionReducers<S, U>>,
) => UnionParts<S, U> {
  return (union, reducers) => reading(MAKER, 'the union', () => read(union, reducers)) as never
}

const MAKER = 'mutationsFromUnion'
const bad = (problem: string) => badDefinition(MAKER, problem)

interface Option {
  readonly schema: z.core.$ZodObject
  readonly names: readonly string[]
  /** It has a rule beyond its fields, or what it is an option of has one. */
  readonly isRefined: boolean
}

function read(union: z.core.$ZodDiscriminatedUnion, reducers: object): object {
  const { type, discriminator } = isSchema(union) ? union._zod.def : ({} as never)
  if (type !== 'union' || discriminator === undefined)
    throw bad('the first argument must be a z.discriminatedUnion(…)')
  const options = optionsOf(union, discriminator, false)
  const applies = new Map(Object.entries((reducers ?? {}) as Record<string, unknown>))
  const parts = [...new Set(options.flatMap(({ names }) => names))].map((name) => {
    const apply = applies.get(name)
    if (!applies.delete(name)) throw bad(`a reducer for ${name} is missing`)
    const payload = payloadOf(
      options.filter(({ names }) => names.includes(name)),
      { union, discriminator, name },
    )
    return [name, { payload, apply }]
  })
  const left = [...applies.keys()].join(', ')
  if (left !== '') throw bad(`the union has no option for ${left}`)
  return Object.fromEntries(parts)
}

/** The objects that the union consists of. */
function optionsOf(
  schema: z.core.$ZodType,
  discriminator: string,
  isBelowRefined: boolean,
): Option[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  const isRefined = isBelowRefined || (def.checks?.length ?? 0) > 0
  const inner = (each: z.core.$ZodType) => optionsOf(each, discriminator, isRefined)
  if (def.type === 'union') return def.options.flatMap(inner)
  if (def.type === 'readonly') return inner(def.innerType)
  if (def.type === 'lazy') return inner(def.getter())
  if (def.type !== 'object')
    throw bad(
      `an option is a ${def.type}: it must be an object, with what changes it inside its fields`,
    )
  const names = [...(def.shape[discriminator]?._zod.values ?? [])]
  if (names.length === 0) throw bad(`each option must be an object with a literal ${discriminator}`)
  return [{ schema: schema as z.core.$ZodObject, names: names.map(nameFrom), isRefined }]
}

function nameFrom(value: unknown): string {
  if (typeof value === 'string') return value
  throw bad(`an option is named ${String(value)}: a mutation's name is a string`)
}

interface Place {
  readonly union: z.core.$ZodType
  readonly discriminator: string
  readonly name: string
}

/** Of all options with this name: unions in unions can have several, which differ in another field. */
function payloadOf(options: readonly Option[], place: Place): z.core.$ZodType | undefined {
  const isNested = options.some(({ schema }) => 'payload' in schema._zod.def.shape)
  const payloads = options.map(({ schema }) => {
    const { payload, ...fields } = schema._zod.def.shape
    const others = Object.keys(fields).filter((key) => key !== place.discriminator)
    if (isNested && others.length > 0 && (!payload || options.some((each) => each.isRefined))) {
      const problem = 'has fields beside payload, which a mutation would lose'
      throw bad(`${place.name} ${problem}: move ${others.join(', ')} into payload`)
    }
    if (payload) return payload
    return others.length === 0 ? undefined : without(schema, place.discriminator)
  })
  const [first] = payloads
  const payload =
    payloads.length === 1 ? first : z.union(payloads.map((each) => each ?? z.undefined()))
  if (!options.some(({ isRefined }) => isRefined)) return payload
  return refined(payload ?? z.undefined().optional(), place, isNested)
}

/** The same kind of object: strict, loose or with a catchall, and none of its checks. */
function without(schema: z.core.$ZodObject, key: string): z.core.$ZodType {
  const { [key]: _, ...shape } = schema._zod.def.shape
  return z.core.clone(
    schema,
    z.core.util.mergeDefs(schema._zod.def, { shape, checks: [] }) as never,
  )
}

/**
 * The rules of an option are for the message, so each payload is put into one and the whole union is
 * asked. `union` is in the check's definition, where a fingerprint finds it.
 */
function refined(payload: z.core.$ZodType, place: Place, isNested: boolean): z.core.$ZodType {
  const { union, discriminator, name } = place
  const check = new z.core.$ZodCheck({ check: 'custom', union } as z.core.$ZodCheckDef)
  check._zod.check = (context) => {
    const { value } = context
    const fields = isNested ? value !== undefined && { payload: value } : (value as object)
    const parsed = z.core.safeParse(union, { [discriminator]: name, ...fields })
    if (parsed.success) {
      const { [discriminator]: _, ...rest } = parsed.data as Record<string, unknown>
      if (value !== undefined) context.value = isNested ? rest['payload'] : rest
      return
    }
    for (const { path, ...issue } of parsed.error.issues) {
      const inside = isNested && path[0] === 'payload' ? path.slice(1) : path
      context.issues.push({ ...issue, input: value, path: inside } as z.core.$ZodRawIssue)
    }
  }
  const { def } = payload._zod
  const checks = [...(def.checks ?? []), check]
  return z.core.clone(payload, z.core.util.mergeDefs(def, { checks }) as never, { parent: true })
}
