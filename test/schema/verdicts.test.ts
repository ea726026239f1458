// Every kind of schema against every other, with the values that the old one put into journals.
import { isDeepStrictEqual } from 'node:util'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { narrowings } from '../../src/proof/schema/narrowing.ts'
import { payloadSchema } from '../../src/proof/schema/payload.ts'
import { catalog, VALUES } from './catalog.ts'

/**
 * ALL=1 looks at all pairs in all places, which takes half an hour. TABLE=1, as `npm run lock-table` has it,
 * prints each pair: what the lock says, and a record that the new schema does not return unchanged.
 */
const ALL = process.env['ALL'] !== undefined
const TABLE = process.env['TABLE'] !== undefined
vi.setConfig({ testTimeout: ALL ? 3_600_000 : 60_000 })

type Schema = z.core.$ZodType

/** What a journal gets of the value, if the schema accepts it: as JSON, read back. */
function recorded(schema: Schema, value: unknown): { value: unknown } | undefined {
  try {
    const parsed = z.core.safeParse(schema, value)
    if (!parsed.success) return undefined
    const text = JSON.stringify(parsed.data)
    const json = text === undefined ? undefined : JSON.parse(text)
    // What JSON makes another value of, the store refuses.
    return isDeepStrictEqual(plain(parsed.data), json) ? { value: json } : undefined
  } catch {
    return undefined
  }
}

/** Without properties that are undefined, which are the same as none. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([key, each]) => [key, plain(each)]))
}

const keeps = (schema: Schema, value: unknown): boolean => {
  const again = recorded(schema, value)
  return again !== undefined && isDeepStrictEqual(again.value, value)
}

/** All that journals may hold of it, among the values: what its own schema would change, the store refuses. */
const recordsOf = (schema: Schema, values: readonly unknown[]): unknown[] => {
  const outputs = values.flatMap((value) => recorded(schema, value) ?? [])
  const texts = new Map(outputs.map(({ value }) => [JSON.stringify(value), value]))
  return [...texts.values()].filter((value) => keeps(schema, value))
}

interface Read {
  readonly name: string
  readonly schema: Schema
  readonly node: ReturnType<typeof payloadSchema>
  readonly records: readonly unknown[]
}

const places: {
  readonly [place: string]: {
    put: (schema: Schema) => Schema
    values: (value: unknown) => unknown[]
  }
} = {
  payload: { put: (schema) => schema, values: (value) => [value] },
  property: {
    put: (schema) => z.object({ v: schema }),
    values: (value) => [{ v: value }, value === undefined ? {} : { v: value }],
  },
  'open property': {
    put: (schema: Schema) => z.looseObject({ v: schema }),
    values: (value: unknown) => [{ v: value }, value === undefined ? {} : { v: value }],
  },
  item: { put: (schema: Schema) => z.array(schema), values: (value: unknown) => [[value]] },
  'tuple item': {
    put: (schema: Schema) => z.tuple([z.any(), schema]),
    values: (value: unknown) => [[1, value], [1]],
  },
  entry: {
    put: (schema: Schema) => z.record(z.string(), schema),
    values: (value: unknown) => [{ k: value }],
  },
  'last option': {
    put: (schema: Schema) => z.union([z.object({ kind: z.literal('a') }), schema]),
    values: (value: unknown) => [value, { kind: 'a' }],
  },
  'first option': {
    put: (schema: Schema) =>
      z.union([schema, z.object({ a: z.any().optional() }), z.string().trim(), z.null()]),
    values: (value: unknown) => [value],
  },
  'exclusive option': {
    put: (schema: Schema) => z.xor([z.literal('abc'), schema]),
    values: (value: unknown) => [value],
  },
  side: {
    put: (schema: Schema) => z.intersection(schema, z.looseObject({})),
    values: (value: unknown) => [value],
  },
  'other side': {
    put: (schema: Schema) => z.intersection(z.object({ a: z.any().optional() }), schema),
    values: (value: unknown) => [value],
  },
  piped: { put: (schema: Schema) => z.pipe(z.any(), schema), values: (value: unknown) => [value] },
  'piped on': {
    put: (schema: Schema) => z.pipe(schema, z.any() as never),
    values: (value: unknown) => [value],
  },
  nullable: { put: (schema: Schema) => z.nullable(schema), values: (value: unknown) => [value] },
  optional: {
    put: (schema: Schema) => z.object({ v: z.optional(schema) }),
    values: (value: unknown) => [{ v: value }, {}],
  },
}

/** Every schema in the first two places, and in each other one every eighth, another eighth each. */
function readAll({ put, values }: (typeof places)[string], index: number): Read[] {
  const given = VALUES.flatMap(values)
  return Object.entries(catalog)
    .filter((_, number) => ALL || index < 2 || number % 8 === index % 8)
    .map(([name, inner]) => {
      const schema = put(inner)
      const node = payloadSchema(schema, 'kept')
      return { name, schema, node, records: recordsOf(schema, given) }
    })
}

test.each(Object.entries(places))(
  'the lock passes no pair of schemas that a record contradicts: %s',
  (name, place) => {
    const first = Object.keys(places).indexOf(name)
    const all = readAll(place, first)
    const every = ALL ? 1 : first < 2 ? 60 : 2
    const contradicted: string[] = []
    let pairs = 0
    let passed = 0
    for (const [row, old] of all.entries()) {
      for (const [column, now] of all.entries()) {
        if ((row * 7 + column + first) % every !== 0) continue
        pairs++
        const passes = narrowings(old.node, now.node).length === 0
        if (passes) passed++
        else if (!TABLE) continue
        const record = old.records.find((value) => !keeps(now.schema, value))
        const change = `${old.name} → ${now.name}`
        if (passes && record !== undefined)
          contradicted.push(`${change}: ${JSON.stringify(record)}`)
        if (TABLE) {
          const what =
            record === undefined ? 'not contradicted' : `contradicted by ${JSON.stringify(record)}`
          console.log(`${name}: ${change}: ${passes ? 'passes' : 'fails'}, ${what}`)
        }
      }
    }
    if (TABLE) console.log(`${name}: ${pairs} pairs, ${passed} pass`)
    expect(contradicted).toEqual([])
    expect(passed).toBeGreaterThan(pairs / 30)
  },
)
