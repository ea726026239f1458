// Pairs of Zod schemas, as a schema may be before and after a change, with values for the first.
import fc from 'fast-check'
import { z } from 'zod'

export interface Pair {
  readonly before: z.ZodType
  readonly after: z.ZodType
  /** Most of them are taken by `before`. */
  readonly values: fc.Arbitrary<unknown>
}

const SOME = [
  ...['', 'a', 'b', 'A', 'ab', 'abc', 'a\nb', 'x@y.org', 'https://y.org', ' a', '😀', '2020-01-01'],
  ...[0, 1, 2, 3, 4, 6, -1, 0.5, 1.5, 2 ** 60, null, true, false],
  ...[[], [1], ['a'], {}, { a: 1 }, { kind: 'a' }],
]

/** What the journal holds of it: nothing where the schema does not take it. */
export function journaled(schema: z.ZodType, value: unknown): unknown[] {
  try {
    return [JSON.parse(JSON.stringify(schema.parse(value)))]
  } catch {
    // Zod throws for an intersection whose sides give two different values, too.
    return []
  }
}

/** As it is told when a property does not hold. */
const named = (pair: Pair): Pair => ({
  ...pair,
  [fc.toStringMethod as never]: () => [pair.before, pair.after].map(jsonText).join('\n→ '),
})

export const jsonText = (schema: z.ZodType): string => JSON.stringify(z.toJSONSchema(schema))

type Side = 0 | 1

const bySide = (make: (side: Side) => z.ZodType) => ({ before: make(0), after: make(1) })

const of = ({ before, after }: Pair, side: Side) => (side === 0 ? before : after)

/** Values that the schema takes, if any of those above is one. */
function valuesOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  const fitting = SOME.filter((value) => journaled(schema, value).length > 0)
  return fc.constantFrom(...(fitting.length > 0 ? fitting : SOME))
}

const small = fc.integer({ min: 0, max: 4 })
const bit = fc.boolean()

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })

const strings = fc
  .record({
    base: fc.constantFrom(z.string(), z.string(), z.email(), z.url(), z.iso.date(), z.emoji()),
    min: maybe(small),
    max: maybe(small),
    first: maybe(fc.constantFrom(/^a/, /^a/i, /b$/m, /^.$/, /^.$/u)),
    second: maybe(fc.constantFrom(/^a/, /b$/)),
    trim: fc.constantFrom(false, false, false, true),
    isLower: fc.constantFrom(false, false, false, true),
  })
  .map(({ base, min, max, first, second, trim, isLower }) => {
    let schema: z.ZodString = base as unknown as z.ZodString
    if (min !== undefined) schema = schema.min(min)
    if (max !== undefined) schema = schema.max(max)
    if (first) schema = schema.regex(first)
    if (second) schema = schema.regex(second)
    if (trim) schema = schema.trim()
    return isLower ? schema.refine((text) => text === text.toLowerCase()) : schema
  })

const numbers = fc
  .record({
    isInteger: bit,
    min: maybe(fc.constantFrom(-1, 0, 0.5, 1)),
    above: maybe(fc.constantFrom(-1, 0, 0.5)),
    max: maybe(fc.constantFrom(2, 3.5, 6)),
    of: maybe(fc.constantFrom(0.5, 1, 2, 3)),
    alsoOf: maybe(fc.constantFrom(2, 3)),
  })
  .map(({ isInteger, min, above, max, of, alsoOf }) => {
    let schema: z.ZodNumber = isInteger ? z.int() : z.number()
    if (min !== undefined) schema = schema.min(min)
    if (above !== undefined) schema = schema.gt(above)
    if (max !== undefined) schema = schema.max(max)
    if (of !== undefined) schema = schema.multipleOf(of)
    return alsoOf === undefined ? schema : schema.multipleOf(alsoOf)
  })

const literals = fc
  .subarray(['a', 'b', 'ab', 1, 2, null, true, false], { minLength: 1 })
  .map((values) => z.literal(values))

const leaves: fc.Arbitrary<z.ZodType>[] = [
  strings,
  numbers,
  literals,
  fc.constantFrom<z.ZodType>(z.boolean(), z.null(), z.json(), z.string(), z.number()),
]
const anyLeaf = fc.oneof(...leaves)

const leafPair: fc.Arbitrary<Pair> = fc
  .oneof(...leaves.map((leaf) => fc.tuple(leaf, leaf)), fc.tuple(anyLeaf, anyLeaf))
  .map(([before, after]) => ({ before, after, values: valuesOf(before) }))

const samePair: fc.Arbitrary<Pair> = anyLeaf.map((schema) => {
  return { before: schema, after: schema, values: valuesOf(schema) }
})

/** Each side in its own way, the same in most cases. */
const twice = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly [T, T]> =>
  fc.oneof(
    { weight: 5, arbitrary: arbitrary.map((each) => [each, each] as const) },
    { weight: 1, arbitrary: fc.tuple(arbitrary, arbitrary) },
  )

type Presence = 'absent' | 'required' | 'optional' | 'default'
const presence = fc.constantFrom<Presence>('required', 'required', 'optional', 'absent', 'default')
const style = fc.constantFrom('strip', 'strip', 'strict', 'loose', 'numbers')

function objectOf(
  fields: readonly (readonly [string, z.ZodType, Presence])[],
  style: string,
): z.ZodObject {
  const shape = fields.flatMap(([name, schema, presence]): [string, z.ZodType][] => {
    if (presence === 'absent') return []
    if (presence === 'optional') return [[name, schema.optional()]]
    const value = SOME.find((each) => journaled(schema, each).length > 0)
    const hasDefault = presence === 'default' && value !== undefined
    return [[name, hasDefault ? schema.default(value as never) : schema]]
  })
  const object = z.object(Object.fromEntries(shape))
  if (style === 'strict') return object.strict()
  if (style === 'loose') return object.loose()
  return style === 'numbers' ? object.catchall(z.number()) : object
}

const objectPair = (
  part: fc.Arbitrary<Pair>,
  isRefined = fc.constantFrom(false, false, false, true),
) =>
  fc
    .tuple(
      fc.tuple(...['a', 'b', 'c'].map(() => fc.tuple(part, twice(presence)))),
      twice(style),
      twice(isRefined),
    )
    .map(([fields, styles, refined]): Pair => {
      const both = bySide((side) => {
        const shown = fields.map(([pair, presences], index) => {
          return ['abc'[index] ?? '', of(pair, side), presences[side]] as const
        })
        const object = objectOf(shown, styles[side])
        return refined[side] ? object.refine((value) => value['d'] !== 1) : object
      })
      const named = fields.flatMap(([pair, [presence]], index) =>
        presence === 'absent' ? [] : [[['abc'[index] ?? ''], pair.values] as const],
      )
      const required = fields.flatMap(([, [presence]], index) =>
        presence === 'required' ? ['abc'[index] ?? ''] : [],
      )
      const values = fc
        .tuple(
          fc.record(Object.fromEntries(named), { requiredKeys: required } as object),
          fc.constantFrom({}, {}, { d: 1 }, { c: 2 }),
        )
        .map(([value, more]) => ({ ...more, ...value }))
      return { ...both, values }
    })

const arrayPair = (part: fc.Arbitrary<Pair>) =>
  fc.tuple(part, twice(fc.tuple(maybe(small), maybe(small)))).map(([pair, sizes]): Pair => {
    const both = bySide((side) => {
      const [min = 0, max] = sizes[side]
      const array = z.array(of(pair, side)).min(min)
      return max === undefined ? array : array.max(max)
    })
    return { ...both, values: fc.array(pair.values, { maxLength: 4 }) }
  })

const tuplePair = (part: fc.Arbitrary<Pair>) =>
  fc
    .tuple(fc.tuple(part, part), part, twice(fc.tuple(small, bit, bit)))
    .map(([items, rest, sides]): Pair => {
      const both = bySide((side) => {
        const [count, isOpen, isOptional] = sides[side]
        const all = items.slice(0, count).map((pair) => of(pair, side))
        const last = all.pop()
        const shown = last ? [...all, isOptional ? last.optional() : last] : all
        return isOpen ? z.tuple(shown as never, of(rest, side)) : z.tuple(shown as never)
      })
      const [count] = sides[0]
      const lists = items.slice(0, count).map(({ values }) => values)
      const values = fc
        .tuple(fc.tuple(...lists), fc.array(rest.values, { maxLength: 2 }), bit)
        .map(([first, others, isCut]) => [...(isCut ? first.slice(0, -1) : first), ...others])
      return { ...both, values: fc.oneof(fc.tuple(...lists), values) }
    })

const keySchemas: Record<string, z.ZodType> = {
  any: z.string(),
  short: z.string().max(1),
  a: z.string().regex(/^a/),
  counted: z.enum(['a', 'b']),
  more: z.enum(['a', 'b', 'c']),
}

const recordPair = (part: fc.Arbitrary<Pair>) =>
  fc
    .tuple(
      part,
      twice(fc.constantFrom(...Object.keys(keySchemas))),
      twice(fc.constantFrom(z.record, z.partialRecord, z.looseRecord)),
    )
    .map(([pair, names, makers]): Pair => {
      const both = bySide((side) => {
        const key = keySchemas[names[side]] as z.ZodString
        return makers[side](key, of(pair, side))
      })
      const keys = fc.constantFrom('a', 'b', 'c', 'ab')
      const some = fc.dictionary(keys, pair.values, { maxKeys: 4 })
      const all = fc.record({ a: pair.values, b: pair.values })
      return { ...both, values: fc.oneof(some, all) }
    })

const unionPair = (part: fc.Arbitrary<Pair>) =>
  fc
    .tuple(
      fc.array(fc.tuple(part, twice(fc.constantFrom(true, true, true, false))), {
        minLength: 1,
        maxLength: 3,
      }),
      twice(fc.constantFrom(false, false, true)),
    )
    .map(([members, exclusive]): Pair => {
      const both = bySide((side) => {
        const own = members.filter(([, isMember]) => isMember[side])
        const options = (own.length > 0 ? own : members).map(([pair]) => of(pair, side))
        return exclusive[side] ? z.xor(options as never) : z.union(options as never)
      })
      return { ...both, values: fc.oneof(...members.map(([{ values }]) => values)) }
    })

const KINDS = ['a', 'b', 'c']

const discriminatedPair = (part: fc.Arbitrary<Pair>) =>
  fc
    .tuple(
      fc.tuple(part, part, part),
      twice(fc.subarray(KINDS, { minLength: 1 })),
      twice(fc.constantFrom('one', 'one', 'one', 'merged')),
    )
    .map(([parts, kinds, ways]): Pair => {
      const both = bySide((side) => {
        const own = KINDS.flatMap((kind, index) => {
          const pair = parts[index]
          return pair && kinds[side].includes(kind) ? [{ kind, schema: of(pair, side) }] : []
        })
        if (ways[side] === 'merged') {
          const options = own.map(({ schema }) => schema)
          return z.object({ kind: z.enum(kinds[side]), of: z.union(options as never).optional() })
        }
        const options = own.map(({ kind, schema }) =>
          z.object({ kind: z.literal(kind), of: schema }),
        )
        return z.discriminatedUnion('kind', options as never)
      })
      const values = fc.oneof(
        ...parts.map(({ values }, index) =>
          fc.record({ kind: fc.constant(KINDS[index]), of: values }),
        ),
      )
      return { ...both, values }
    })

const nullablePair = (part: fc.Arbitrary<Pair>) =>
  fc.tuple(part, twice(bit)).map(([pair, [isNullBefore, isNullAfter]]): Pair => {
    return {
      before: isNullBefore ? pair.before.nullable() : pair.before,
      after: isNullAfter ? pair.after.nullable() : pair.after,
      values: fc.oneof({ weight: 4, arbitrary: pair.values }, fc.constant(null)),
    }
  })

const intersectionPair = (part: fc.Arbitrary<Pair>) =>
  fc
    .tuple(objectPair(part, fc.constant(false)), objectPair(part, fc.constant(false)), twice(bit))
    .map(([one, other, isBoth]): Pair => {
      return {
        before: isBoth[0] ? z.intersection(one.before, other.before) : one.before,
        after: isBoth[1] ? z.intersection(one.after, other.after) : one.after,
        values: fc.tuple(one.values, other.values).map(([some, more]) => {
          return { ...(more as object), ...(some as object) }
        }),
      }
    })

/** A tree of the part. */
const recursivePair = (part: fc.Arbitrary<Pair>) =>
  fc.tuple(part, twice(presence)).map(([pair, presences]): Pair => {
    const both = bySide((side) => {
      const field = objectOf([['value', of(pair, side), presences[side]]], 'strip')
      const tree: z.ZodType = z.object({
        ...field.shape,
        get children() {
          return z.array(tree).optional()
        },
      })
      return tree
    })
    const { tree } = fc.letrec((tie) => ({
      tree: fc.record(
        {
          value: pair.values,
          children: fc.array(tie('tree'), { maxLength: 2, depthIdentifier: 'tree' }),
        },
        { requiredKeys: ['value'] },
      ),
    }))
    return { ...both, values: tree }
  })

/** How deep containers are within containers. */
function pairsOf(depth: number): fc.Arbitrary<Pair> {
  if (depth === 0) return fc.oneof({ weight: 3, arbitrary: samePair }, leafPair)
  const part = pairsOf(depth - 1)
  return fc.oneof(
    { weight: 2, arbitrary: leafPair },
    { weight: 3, arbitrary: objectPair(part) },
    arrayPair(part),
    tuplePair(part),
    recordPair(part),
    unionPair(part),
    discriminatedPair(part),
    nullablePair(part),
    intersectionPair(part),
    recursivePair(part),
  )
}

export const pairs: fc.Arbitrary<Pair> = fc.oneof(pairsOf(1), pairsOf(2)).map(named)
