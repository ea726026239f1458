// The canonical text in chunks, for what is too large for one string.
import fc from 'fast-check'
import { canonicalText, digest } from 'ministore-ts/check'
import { table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { CHUNK_CHARACTERS, canonicalChunks } from '../../src/json/chunks.ts'

const key = fc.oneof(
  fc.constantFrom('', '__proto__', 'constructor', '10', '9'),
  fc.string({ unit: 'binary' }),
)
const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(null, true, undefined),
)
const { tree } = fc.letrec((tie) => {
  const pairs = fc.array(fc.tuple(key, tie('tree')), { maxLength: 12 })
  const containers = [
    fc.array(tie('tree')),
    pairs.map(Object.fromEntries),
    pairs.map((each) => table(each)),
  ]
  return { tree: fc.oneof({ maxDepth: 4 }, leaf, ...containers) }
})

describe('the chunks of a value', () => {
  test('are its canonical text, wherever that is taken apart', () => {
    fc.assert(
      fc.property(tree, fc.nat(3), (value, most) => {
        const isSmall = (each: unknown) => {
          if (typeof each === 'string') return each.length < most
          return typeof each !== 'object' || each === null || Object.keys(each).length < most
        }
        const text = [...canonicalChunks({ value }, isSmall)].join('')
        expect(text).toBe(canonicalText({ value }))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['a long text', 'x'.repeat(3 * CHUNK_CHARACTERS)],
    ['pairs at the borders', ['😀'.repeat(CHUNK_CHARACTERS), `a${'😀'.repeat(CHUNK_CHARACTERS)}`]],
    ['half a pair at a border', `${'x'.repeat(CHUNK_CHARACTERS - 1)}\ud800x\udc00`],
    ['a wide table', table(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, { n }] as const))],
    [
      'a wide object',
      Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, [n]])),
    ],
  ])('are of about one size, and whole as bytes: %s', (_, value) => {
    const chunks = [...canonicalChunks(value)]
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(3 * CHUNK_CHARACTERS)
    expect(chunks.length).toBeGreaterThan(1)
    const bytes = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)))
    expect(bytes.toString()).toBe(canonicalText(value))
  })
})

test('a state whose text no string can hold has a digest', async () => {
  // Stands for half a gigabyte, which takes long: as one text it fails, in chunks it does not.
  let asked = 0
  const value = {
    toJSON() {
      asked += 1
      if (asked === 1) throw new RangeError('Invalid string length')
      return 'x'
    },
  }
  expect(await digest({ value, other: table([['a', 1]]) })).toBe(
    await digest({ value: 'x', other: { a: 1 } }),
  )
  expect(asked).toBe(2)
})
