// What JSON Schema tells of one side only, and the lock must see: each pair with a record that shows it.
import { upcaster } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compareSchemas } from '../../src/proof/schema/index.ts'
import { lockOf, narrowed } from './evolve.ts'

type Pair = readonly [name: string, before: z.ZodType, after: z.ZodType, record: unknown]

const v = <T extends z.ZodType>(schema: T) => z.object({ v: schema })
const text = z.string()
const number = z.number()
const a = z.object({ a: number })
const ab = z.object({ a: number, b: text })
const trims = { decode: (value: string) => value.trim(), encode: (value: string) => value }

const looks = () => undefined
const marks = (value: { a: number }) => ({ ...value, b: 'b' }) as never

const narrowings: readonly Pair[] = [
  ['a check before a pipe', text, z.string().max(3).pipe(z.string()), 'orders'],
  ['a check after a pipe', text, z.string().pipe(z.string().max(3)), 'orders'],
  [
    'a check after a transform',
    text,
    text.transform((value) => value).pipe(z.string().max(3)),
    'orders',
  ],
  ['a check after a preprocess', text, z.preprocess((value) => value, z.string().max(3)), 'orders'],
  ['a preprocess that trims', text, z.preprocess((value) => String(value).trim(), text), ' x '],
  [
    'another default after code that makes nothing of it',
    z.preprocess((value) => (value === 'x' ? undefined : value), text.default('x')),
    z.preprocess((value) => (value === 'x' ? undefined : value), text.default('y')),
    'x',
  ],
  ['a codec that trims', text, z.codec(text, text, trims), ' x '],
  ['a string of true or false', text, z.stringbool() as never, 'yes'],
  ['a url that is normalized', z.url(), z.url({ normalize: true }), 'https://y.org'],
  ['a url, of a trimmed text', text, z.url(), 'x'],
  [
    'a coercion in a union',
    z.union([text, number, z.null()]),
    z.union([z.coerce.string(), number, z.null()]),
    null,
  ],
  ['a catch in a union', z.union([text, number]), z.union([text.catch('x'), number]), 1],
  ['an option of a union that trims', text, z.union([text.trim(), text]), ' x'],
  ['options in another order', z.union([ab, a]), z.union([a, ab]), { a: 1, b: 'b' }],
  ['an option that drops keys', ab, z.union([a, ab]), { a: 1, b: 'b' }],
  ['an exclusive option that drops keys', ab, z.xor([a, ab]), { a: 1, b: 'b' }],
  ['an item that is filled in', z.array(text), z.tuple([text, text.default('x')]), ['a']],
  ['a catch that takes its place', z.union([text, number]), number.catch(0), 'a'],
  ['a key that is trimmed', z.record(text, number), z.record(text.trim(), number), { ' a': 1 }],
  ['a key as a number', z.record(text, number), z.record(z.number(), number), { '1.0': 1 }],
  [
    'a strict part of an intersection',
    v(z.object({ b: number, c: number })),
    z.intersection(v(z.strictObject({ b: number })), v(z.strictObject({ c: number }))),
    { v: { b: 1, c: 2 } },
  ],
  [
    'a key that a record refuses and the other side has',
    z.intersection(z.record(z.string().regex(/^x/), number), z.object({ a: text })),
    z.intersection(z.record(z.string().regex(/^x/), number), z.object({ a: z.string().max(1) })),
    { x: 1, a: 'orders' },
  ],
  [
    'a catch that gave what it was given',
    text.catch((context) => (context?.input as string) ?? 'x'),
    text,
    1,
  ],
  [
    'a check that was made under a condition only',
    text.check(z.minLength(5, { when: () => false } as never)),
    text.min(5),
    'a',
  ],
  [
    'a pattern that is not quite what includes() does',
    text.includes('b', { position: 1 }),
    text.regex(/^.{1,}b/),
    'a\nb',
  ],
  ['another normalization', text.normalize('NFC'), text.normalize('NFD'), 'é'],
  [
    'another normalization after a superRefine',
    text.superRefine(looks).normalize('NFC'),
    text.superRefine(looks).normalize('NFD'),
    'é',
  ],
  ['a multiple that zod takes for one', number.multipleOf(4), number.multipleOf(2), 3e-15],
  ['a number that zod takes for an integer', number.multipleOf(2).min(-9).max(9), z.int(), 1e-16],
  [
    'a field removed under a check() of a function',
    ab.check(looks),
    a.check(looks),
    { a: 1, b: 'b' },
  ],
  [
    'a superRefine of other code',
    text.superRefine((value, context) => void (value === 'a' && context.addIssue('no'))),
    text.superRefine((value, context) => void (value === 'b' && context.addIssue('no'))),
    'b',
  ],
  [
    'a superRefine of other code, in what is compared as a whole',
    text.superRefine((value, context) => void (value === 'a' && context.addIssue('no'))).catch('x'),
    text.superRefine((value, context) => void (value === 'b' && context.addIssue('no'))).catch('x'),
    'b',
  ],
  [
    'a check that puts back what an object drops',
    a.overwrite(marks),
    a.extend({ b: z.literal('x').optional() }).overwrite(marks),
    { a: 1, b: 'b' },
  ],
  [
    'a discriminated union of an option that claims no value',
    z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]),
    z.discriminatedUnion('k', [z.object({ k: z.literal('a').or(text) })]),
    { k: 'a' },
  ],
  [
    'a discriminated union of two options with one value, in a union',
    a,
    z.union([
      z.discriminatedUnion('k', [
        z.object({ k: z.literal('a') }),
        z.object({ k: z.literal('a'), b: text }),
      ]),
      a,
    ]),
    { a: 1 },
  ],
  [
    'a url in a union, of which white space is cut',
    text,
    z.union([z.url(), text]),
    ' https://y.org',
  ],
]

const absences: readonly (readonly [string, z.ZodType])[] = [
  ['optional', text.default('x').optional()],
  ['nullish', text.default('x').nullish()],
  ['nullable', text.default('x').nullable()],
  ['readonly', text.default('x').readonly()],
  ['prefault', text.optional().prefault('x')],
  ['catch', text.catch('x')],
  ['union', z.union([text, text.default('x')])],
  ['preprocess', z.preprocess((value) => value ?? 'x', text)],
  ['lazy', z.lazy(() => text.default('x'))],
]

function isKept(schema: z.ZodType, record: unknown): boolean {
  const parsed = parsedOf(schema, record)
  return parsed?.success === true && JSON.stringify(parsed.data) === JSON.stringify(record)
}

/** Zod throws of a discriminated union that it cannot use. */
function parsedOf(schema: z.ZodType, record: unknown) {
  try {
    return schema.safeParse(record)
  } catch {
    return undefined
  }
}

describe('the lock sees what parsing does', () => {
  test.each(narrowings)('%s', (_, before, after, record) => {
    expect(isKept(before, record)).toBe(true)
    expect(isKept(after, record)).toBe(false)
    expect(narrowed(before, after)).not.toEqual([])
    expect(narrowed(v(before), v(after))).not.toEqual([])
  })

  test.each(absences)('a new field with a default, inside %s', (_, field) => {
    const after = z.object({ a: number, b: field })
    expect(isKept(after, { a: 1 })).toBe(false)
    expect(narrowed(a, after)).toEqual(['payload.b: new and required'])
  })

  test('a partial object still fills in its defaults', () => {
    const after = z.object({ a: number, b: text.default('x') }).partial()
    expect(isKept(after, { a: 1 })).toBe(false)
    expect(narrowed(a, after)).toEqual(['payload.b: new and required'])
  })
})

/** Plain widenings that the lock cannot show to be wider. Each entry is a known false alarm. */
const FALSE_ALARMS = new Set([
  'uuidv4 → uuid',
  'uuid → guid',
  'toLowerCase of an upper case taken away',
  'a multiple of a non-integer to a finer one',
  'a field more of a transformed object',
])

const widenings: readonly (readonly [string, z.ZodType, z.ZodType])[] = [
  ['number → float64', number, z.float64()],
  ['float64 → number', z.float64(), number],
  ['float32 → float64', z.float32(), z.float64()],
  ['int32 → int', z.int32(), z.int()],
  ['string → coerce.string', text, z.coerce.string()],
  ['number → coerce.number', number, z.coerce.number()],
  ['trim taken away', text.trim(), text],
  ['trim of trim and lower case taken away', text.trim().toLowerCase(), text.toLowerCase()],
  ['url without its protocol', z.url({ protocol: /^https$/ }), z.url()],
  ['a pipe around', text, z.string().pipe(z.string())],
  ['a pipe taken away', z.string().max(3).pipe(z.string()), text],
  ['a transform taken away', text.transform((value) => value.trim()), text],
  ['a codec taken away', z.codec(text, text, trims), text],
  ['a preprocess taken away', z.preprocess(String, text), text],
  [
    'the same transform',
    text.max(3).transform((value) => value.trim()),
    text.transform((value) => value.trim()),
  ],
  ['an option in front that cannot be it', text, z.union([z.coerce.number().array(), text])],
  ['an option after it', text, z.union([text, z.coerce.string()])],
  ['an object after it', a, z.union([a, ab])],
  ['an object in front that needs more', a, z.union([ab, a])],
  [
    'a union of kinds',
    z.object({ kind: z.literal('a') }),
    z.union([z.object({ kind: z.literal('b') }), z.object({ kind: z.literal('a') })]),
  ],
  ['a default taken away', z.object({ a: text.default('x') }), z.object({ a: text })],
  [
    'a default under optional, taken away',
    z.object({ a: text.default('x').optional() }),
    z.object({ a: text.optional() }),
  ],
  ['catch around', text, text.catch('x')],
  ['readonly, brand', text, text.brand('T').readonly()],
  ['lazy', text, z.lazy(() => text)],
  [
    'a field more beside a superRefine',
    a.superRefine(looks),
    ab.partial({ b: true }).superRefine(looks),
  ],
  ['nullish', z.object({ a: text }), z.object({ a: text.nullish() })],
  ['exactOptional', z.object({ a: text }), z.object({ a: text.exactOptional() })],
  ['an object to a loose one', a, a.loose()],
  ['a strict object to a plain one', a.strict(), a],
  ['json', a, z.json()],
  ['an intersection for an extension', ab, z.intersection(a, z.object({ b: text }))],
  ['uuidv4 → uuid', z.uuidv4(), z.uuid()],
  ['uuid → guid', z.uuid(), z.guid()],
  ['toLowerCase of an upper case taken away', text.toUpperCase().toLowerCase(), text.toLowerCase()],
  ['a multiple of a non-integer to a finer one', number.multipleOf(0.5), number.multipleOf(0.25)],
  [
    'a field more of a transformed object',
    a.transform((value) => value),
    a.extend({ b: text.optional() }).transform((value) => value),
  ],
]

test('plain widenings are no alarm, but for those that are listed', () => {
  const alarms = widenings.flatMap(([name, before, after]) => {
    const found = narrowed(v(before), v(after))
    return found.length > 0 ? [name] : []
  })
  if (process.env['TABLE']) console.log('false alarms', alarms)
  expect(new Set(alarms)).toEqual(FALSE_ALARMS)
})

describe('code', () => {
  const odd = (value: number) => value % 2 === 1
  const even = (value: number) => value % 2 === 0

  test('is compared by its source, and a change is told with both', () => {
    expect(narrowed(v(number.refine(odd)), v(number.refine(odd)))).toEqual([])
    expect(narrowed(v(number.refine(odd)), v(number.refine(even)))).toEqual([
      'payload.v: refine (value) => value % 2 === 1 → refine (value) => value % 2 === 0, and what it refuses or changes cannot be seen',
    ])
    const [error] = compareSchemas(lockOf(v(number)), lockOf(v(number.refine(odd))), 'lock')
    expect(error?.message).toContain('accept it by `npx ministore-ts schema --update --force`')
  })

  test('of an upcaster is told when it changes, and is no error', () => {
    const now = v(number)
    const before = lockOf(
      now,
      v(text).transform((old) => ({ v: old.v.length })),
    )
    const after = lockOf(
      now,
      v(text).transform((old) => ({ v: old.v.length + 1 })),
    )
    const [finding] = compareSchemas(before, after, 'lock')
    expect(finding?.severity).toBe('warning')
    expect(finding?.message).toContain('m: the code of the upcaster of version 1 changed')
    expect(compareSchemas(before, before, 'lock')).toEqual([])
  })

  test('with the record’s meta is told, too', () => {
    const of = (transform: (old: { v: string }) => { v: number }) =>
      lockOf(v(number), upcaster(v(text), transform as never) as never)
    const [finding] = compareSchemas(
      of(() => ({ v: 1 })),
      of(() => ({ v: 2 })),
      'lock',
    )
    expect(finding?.message).toContain('m: the code of the upcaster of version 1 changed')
  })
})

describe('an upcaster', () => {
  test.each<[string, z.ZodType]>([
    ['a pipe that narrows', v(text).pipe(v(z.string().max(3))) as never],
    [
      'a check after a transform',
      v(text)
        .transform((old) => old)
        .pipe(v(z.string().max(3))) as never,
    ],
    ['a preprocess', z.preprocess((old) => old, v(z.string().max(3)))],
    ['a narrower object', v(z.string().max(3))],
  ])('is refused that takes less: %s', (_, upcast) => {
    const record = { v: 'orders' }
    expect(upcast.safeParse(record).success).toBe(false)
    expect(narrowed(v(text), v(text), upcast)).not.toEqual([])
  })

  test('must give what the current schema takes, if it gives what it got', () => {
    const after = v(text).extend({ size: number })
    expect(narrowed(v(text), after, v(text))).toEqual(['payload.size: new and required'])
    expect(narrowed(v(text), after.extend({ size: number.default(1) }), v(text))).toEqual([])
  })

  test.each<[string, z.ZodType, z.ZodType, unknown]>([
    [
      'a text that it leaves as it is',
      v(text.toUpperCase()),
      v(z.string().max(3)),
      { v: 'ORDERS' },
    ],
    [
      'less than it got',
      z.object({ v: text, size: number.default(1) }),
      v(text).extend({ size: text }),
      { v: 'a' },
    ],
    ['what success() was asked of', z.success(v(text)), z.success(v(text)), { v: 'a' }],
  ])(
    'must give what the current schema takes, if it changes what it got: %s',
    (_, old, now, record) => {
      expect(now.safeParse(old.parse(record)).success).toBe(false)
      expect(narrowed(v(text), now, old)).not.toEqual([])
    },
  )

  test('may fill in, drop and trim what the current schema then takes', () => {
    const now = v(text).extend({ size: number })
    const old = v(text.trim()).extend({ size: number.default(1) })
    expect(narrowed(v(text).extend({ gone: text }), now, old)).toEqual([])
  })

  test('is refused that throws where there was no payload', () => {
    const old = z.undefined().transform((none: unknown) => (none as string).length)
    expect(narrowed(z.undefined(), old)).not.toEqual([])
  })
})

test('a schema that cannot be made yet, or has another with its id, is read all the same', () => {
  const later: z.ZodType = z.lazy(() => missing)
  const [early, again] = [lockOf(v(later)), lockOf(v(later))]
  expect(compareSchemas(early, again, 'lock')).toEqual([])
  expect(narrowed(v(text), v(later))[0]).toContain('what throws')
  const missing = text
  const money = z.object({ cents: z.int() }).meta({ id: 'BothSidesMoney' })
  const fee = money.extend({ why: text }).meta({ id: 'BothSidesMoney' })
  const both = z.object({ money, fee })
  expect(narrowed(both, both)).toEqual([])
  expect(narrowed(both, z.object({ money: fee, fee: money }))).toHaveLength(2)
})
