import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { narrowed } from './evolve.ts'

const named = (name: z.ZodType) => z.object({ name })

/** Inside a payload, as a mutation has it. */
const inside = (before: z.ZodType, after: z.ZodType) => narrowed(named(before), named(after))

const tree: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})
const namelessTree: z.ZodType = z.object({
  name: z.string().optional(),
  get children() {
    return z.array(namelessTree)
  },
})
const shortTree: z.ZodType = z.object({
  name: z.string().max(3),
  get children() {
    return z.array(shortTree)
  },
})
const circle = z.object({ kind: z.literal('circle'), r: z.number() })
const square = z.object({ kind: z.literal('square'), side: z.number() })

/** Of two sides that cannot be made one object. */
const both = (a: z.ZodType) =>
  z.intersection(z.object({ a }).refine(Boolean), z.object({ b: z.int() }))
/** Never the same schema twice. */
const endless = () => {
  const node: z.ZodType = z.object({
    get next() {
      return node
    },
  })
  return node
}

describe('widening passes', () => {
  test.each<[string, z.ZodType, z.ZodType]>([
    ['a longer string', z.string().min(2).max(5), z.string().min(1).max(9)],
    ['a string without its length', z.string().length(3), z.string()],
    ['a string without its pattern', z.string().regex(/^a/), z.string()],
    [
      'a string without one of its patterns',
      z.string().regex(/a/).regex(/b/),
      z.string().regex(/b/),
    ],
    ['a string without its format', z.email(), z.string()],
    ['a url without its pattern', z.url().startsWith('https'), z.url()],
    ['a format whose pattern is kept', z.email().startsWith('a'), z.email()],
    ['an integer to a number', z.int(), z.number()],
    ['a wider range', z.number().min(1).max(5), z.number().min(0).lt(6)],
    ['a bound that becomes inclusive', z.number().gt(1), z.number().min(1)],
    ['a positive integer said otherwise', z.int().positive(), z.int().min(1)],
    ['a coarser multiple to a finer one', z.int().multipleOf(4), z.number().multipleOf(2)],
    ['an integer to its multiples', z.int(), z.number().multipleOf(1)],
    ['a value of an enum added', z.enum(['a', 'b']), z.enum(['b', 'c', 'a'])],
    ['a literal to an enum', z.literal('a'), z.enum(['a', 'b'])],
    ['a literal to a string', z.literal('abc'), z.string().max(3).regex(/^a/)],
    ['a literal to a number', z.literal(4), z.number().gt(3).multipleOf(2)],
    ['two literals to a boolean', z.literal([true, false]), z.boolean()],
    ['a boolean to two literals', z.boolean(), z.literal([true, false, null])],
    ['nullable', z.string(), z.string().nullable()],
    ['nullable, of an object', circle, circle.nullable()],
    ['a union', z.string(), z.union([z.number(), z.string()])],
    [
      'a union with one more member',
      z.union([circle, square]),
      z.union([square, z.null(), circle]),
    ],
    [
      'an option of a discriminated union added',
      circle,
      z.discriminatedUnion('kind', [square, circle]),
    ],
    [
      'options of a discriminated union that take more',
      z.discriminatedUnion('kind', [square, circle]),
      z.discriminatedUnion('kind', [circle.extend({ r: z.number().nullable() }), square]),
    ],
    [
      'a discriminated union to one object',
      z.discriminatedUnion('kind', [square, circle]),
      z.object({
        kind: z.enum(['circle', 'square']),
        r: z.number().optional(),
        side: z.number().optional(),
      }),
    ],
    ['options that exclude each other', z.int(), z.xor([z.string(), z.number()])],
    ['more items', z.array(z.string()).min(2).max(3), z.array(z.string().nullable()).nonempty()],
    ['a tuple to an array', z.tuple([z.string(), z.string()]), z.array(z.string()).max(2)],
    ['a tuple with a rest', z.tuple([z.string()]), z.tuple([z.string()], z.number())],
    [
      'a tuple whose last item is optional',
      z.tuple([z.string(), z.int()]),
      z.tuple([z.string(), z.number().optional()]),
    ],
    [
      'an optional property added',
      z.object({ a: z.string() }),
      z.object({ a: z.string(), b: z.string().optional() }),
    ],
    [
      'a property made optional',
      z.object({ a: z.string() }),
      z.object({ a: z.string().optional() }),
    ],
    [
      'a default taken away',
      z.object({ a: z.string().default('x') }),
      z.object({ a: z.string().optional() }),
    ],
    ['a default changed', z.string().default('x'), z.string().default('y')],
    ['an open object', z.object({ a: z.string() }), z.looseObject({ a: z.string() })],
    [
      'an object to a record',
      z.object({ a: z.int(), b: z.number() }),
      z.record(z.string(), z.number()),
    ],
    ['a record of wider values', z.record(z.string(), z.int()), z.record(z.string(), z.number())],
    [
      'a record of more keys',
      z.partialRecord(z.enum(['a']), z.int()),
      z.partialRecord(z.enum(['a', 'b']), z.int()),
    ],
    [
      'a record of counted keys to an object',
      z.record(z.enum(['a', 'b']), z.int()),
      z.object({ a: z.int(), b: z.number(), c: z.int().optional() }),
    ],
    [
      'a loose record of wider values',
      z.looseRecord(z.string().regex(/^x/), z.int()),
      z.looseRecord(z.string().regex(/^x/), z.number()),
    ],
    [
      'an intersection without one side',
      z.intersection(z.looseObject({ a: z.int() }), z.looseObject({ b: z.int() })),
      z.looseObject({ b: z.int() }),
    ],
    [
      'an intersection whose sides are checked',
      both(z.int()),
      z.object({ a: z.int(), b: z.int() }),
    ],
    ['anything', circle, z.json()],
    [
      'a recursive schema, unchanged beside a change',
      z.object({ a: tree, b: z.int() }),
      z.object({ a: tree, b: z.number() }),
    ],
    ['a recursive schema that takes more', tree, namelessTree],
    ['a refinement taken away', z.string().refine(Boolean), z.string()],
    ['a trim taken away', z.string().trim(), z.string()],
    [
      'a description',
      z.string(),
      z.string().describe('its name').meta({ id: 'Name', minLength: 3 }),
    ],
    ['a brand', z.string(), z.string().brand('Name')],
    ['a limit that is none', z.number(), z.number().max(Infinity)],
    [
      'names that every object has',
      z.object({ a: z.int() }),
      z.object({ a: z.int(), constructor: z.int().optional() }),
    ],
  ])('%s', (_, before, after) => {
    expect(inside(before, after)).toEqual([])
    // The change is seen, so it is not for being equal that it passes.
    expect(narrowed(z.object({ name: after, more: z.int() }), named(after))).not.toEqual([])
  })
})

describe('narrowing is found, with its path and what changed', () => {
  test.each<[z.ZodType, z.ZodType, ...string[]]>([
    [z.string(), z.string().max(10), 'maxLength 10 where it had none'],
    [z.string().min(1), z.string().min(2), 'minLength 2 where it was 1'],
    [z.string(), z.string().regex(/^a/), 'pattern /^a/ where it had none'],
    [z.string().regex(/^a/), z.string().regex(/^b/), 'pattern /^b/ where it was /^a/'],
    [z.string().regex(/^a/i), z.string().regex(/^a/), 'pattern /^a/ where it had none'],
    [
      z.string().regex(/^a/),
      z.string().regex(/^a/m),
      '/^a/m is new, and what it refuses or changes cannot be seen',
    ],
    [z.string(), z.url(), 'format url is new, and what it refuses or changes cannot be seen'],
    [
      z.string().regex(/a/),
      z.url().regex(/a/),
      'format url is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.url(),
      z.url({ protocol: /^https$/ }),
      'format url, protocol /^https$/ is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.number(),
      z.int(),
      'an integer where it was a number',
      'minimum -9007199254740991 where it had none',
      'maximum 9007199254740991 where it had none',
    ],
    [z.number().min(1), z.number().gt(1), 'minimum 1 (exclusive) where it was 1'],
    [z.number().max(9), z.number().max(5), 'maximum 5 where it was 9'],
    [z.number(), z.number().multipleOf(2), 'multipleOf 2 where it was any'],
    [z.number().multipleOf(2), z.number().multipleOf(4), 'multipleOf 4 where it was 2'],
    [
      z.number().multipleOf(2).multipleOf(3),
      z.number().multipleOf(3).multipleOf(5),
      'multipleOf 5 where it was 2',
    ],
    [z.enum(['a', 'b', 'c']), z.enum(['b']), 'refuses "a", "c", which it took'],
    [z.literal('abcd'), z.string().max(3), 'refuses "abcd", which it took'],
    [
      z.literal('https://a.b'),
      z.url(),
      'format url is new, and what it refuses or changes cannot be seen',
    ],
    [z.string(), z.literal('a'), 'refuses a string, which it took'],
    [
      endless(),
      z.xor([endless(), endless()]),
      'may fit several options of a union, of which another one refuses or changes it',
    ],
    [z.string(), z.number(), 'refuses a string, which it took'],
    [z.string().nullable(), z.string(), 'refuses null, which it took'],
    [z.union([z.string(), z.int()]), z.string(), 'refuses a number, which it took'],
    [z.union([circle, square]), square, 'refuses an object (kind: "circle"), which it took'],
    [
      z.discriminatedUnion('kind', [circle, square]),
      z.discriminatedUnion('kind', [square, circle.extend({ kind: z.literal('round') })]),
      'refuses an object (kind: "circle"), which it took',
    ],
    [
      z.number(),
      z.xor([z.number(), z.int()]),
      'may fit several options of a union, of which another one refuses or changes it',
    ],
    [z.any(), z.string(), 'refuses null, a boolean, a number, an array, an object, which it took'],
    [z.string(), z.never(), 'gone: what records have of it is dropped'],
    [z.array(z.string()), z.array(z.string()).max(3), 'maxItems 3 where it had none'],
    [z.tuple([z.string()], z.string()), z.tuple([z.string()]), 'maxItems 1 where it had none'],
    [
      z.string(),
      z.string().refine(Boolean),
      'refine function Boolean() { [native code] } is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.string().refine(Boolean),
      z.string().refine(Boolean).refine(Boolean),
      'refine function Boolean() { [native code] } is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.string(),
      z.string().trim(),
      'overwrite (input) => input.trim() is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.enum(['a', 'b']),
      z.enum(['a', 'b']).refine(Boolean),
      'refine function Boolean() { [native code] } is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.string(),
      z.string().transform((text) => text),
      'transform (text) => text is new, and what it refuses or changes cannot be seen',
    ],
    [
      z.string(),
      z.custom<string>(() => true),
      'refine () => true is new, and what it refuses or changes cannot be seen',
    ],
  ])('%#', (before, after, ...changes) => {
    expect(inside(before, after)).toEqual(changes.map((change) => `payload.name: ${change}`))
  })

  test.each<[z.ZodType, z.ZodType, string]>([
    [
      named(z.object({ a: z.int() })),
      named(z.object({ a: z.string() })),
      '.name.a: refuses a number, which it took',
    ],
    [
      named(z.array(z.array(z.string()))),
      named(z.array(z.array(z.int()))),
      '.name[][]: refuses a string, which it took',
    ],
    [
      named(z.tuple([z.int(), z.string()])),
      named(z.tuple([z.int(), z.int()])),
      '.name[1]: refuses a string, which it took',
    ],
    [
      named(z.tuple([z.int()], z.string())),
      named(z.tuple([z.int()], z.int())),
      '.name[]: refuses a string, which it took',
    ],
    [
      z.record(z.string(), z.int()),
      z.record(z.string(), z.string()),
      '[*]: refuses a number, which it took',
    ],
    [
      z.record(z.string(), z.int()),
      z.record(z.string().max(3), z.int()),
      '[*] (the key): maxLength 3 where it had none',
    ],
    [
      z.looseRecord(z.string().regex(/^x/), z.number()),
      z.looseRecord(z.string().regex(/^x/), z.number().min(1)),
      '[*]: minimum 1 where it had none',
    ],
    [z.looseObject({}), z.object({}), '[*]: gone: what records have under other keys is dropped'],
    [
      z.object({ a: z.int(), 'b-c': z.int() }),
      z.object({ a: z.int() }),
      '["b-c"]: gone: what records have of it is dropped',
    ],
    [
      z.object({ a: z.int() }),
      z.object({ b: z.int().optional() }),
      '.a: gone: what records have of it is dropped',
    ],
    [z.object({ ab: z.int() }), z.record(z.string().max(1), z.int()), '.ab: not a key any more'],
    [z.object({ a: z.int() }), z.object({ a: z.int(), b: z.int() }), '.b: new and required'],
    [
      z.object({ a: z.int() }),
      z.object({ a: z.int(), b: z.int().default(1) }),
      '.b: new and required',
    ],
    [
      z.object({ a: z.int().optional() }),
      z.object({ a: z.int().default(1) }),
      '.a: required where it was optional',
    ],
    [
      z.partialRecord(z.enum(['a']), z.int()),
      z.record(z.enum(['a']), z.int()),
      '.a: required where it was optional',
    ],
    [
      z.object({ a: z.object({}).optional() }),
      z.object({ a: z.object({}).optional(), valueOf: z.int() }),
      '.valueOf: new and required',
    ],
    [
      z.intersection(both(z.int()), z.looseObject({})),
      z.object({ a: z.int(), b: z.int() }),
      '[*]: gone: what records have under other keys is dropped',
    ],
    [both(z.int()), both(z.string()), '.a: refuses a number, which it took'],
    [both(z.int()), z.object({ a: z.int() }), '.b: gone: what records have of it is dropped'],
    [
      z.discriminatedUnion('kind', [circle, square]),
      z.discriminatedUnion('kind', [circle, square.extend({ side: z.string() })]),
      '(kind: "square").side: refuses a number, which it took',
    ],
    [tree, shortTree, '.name: maxLength 3 where it had none'],
    [namelessTree, tree, '.name: required where it was optional'],
    [
      z.object({ s: z.discriminatedUnion('kind', [circle, square]) }),
      z.object({
        s: z.discriminatedUnion('kind', [circle.extend({ r: z.number().min(1) }), square]),
      }),
      '.s(kind: "circle").r: minimum 1 where it had none',
    ],
  ])('at its path: %#', (before, after, expected) => {
    expect(narrowed(before, after)).toEqual([`payload${expected}`])
  })
})
