import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { schemaLockText } from '../../src/proof/schema/index.ts'
import { lockOf, narrowed } from './evolve.ts'
import { journaled, jsonText, pairs } from './pairs.ts'

/** RUNS=20000 looks longer. */
const RUNS = Number(process.env['RUNS'] ?? 400)
vi.setConfig({ testTimeout: RUNS * 300 })

const cases = pairs.chain((pair) =>
  fc.record({ pair: fc.constant(pair), values: fc.array(pair.values, { minLength: 4 }) }),
)

test('what the old schema gave, the new one takes unchanged, whenever the lock has no objection', () => {
  let passed = 0
  fc.assert(
    fc.property(cases, ({ pair: { before, after }, values }) => {
      if (narrowed(before, after).length > 0) return
      if (jsonText(before) !== jsonText(after)) passed++
      for (const old of values.flatMap((value) => journaled(before, value))) {
        // No payload: the store refuses what its own schema would change (`unstable_payload`).
        if (!isDeepStrictEqual(journaled(before, old), [old])) continue
        const taken = journaled(after, old)
        expect(taken.length).toBe(1)
        // Of the options that take it, the first one may change it: no schema tells of that.
        if (!schemaLockText(lockOf(after)).includes('"anyOf"')) expect(taken).toEqual([old])
      }
    }),
    { numRuns: RUNS },
  )
  expect(passed).toBeGreaterThan(20)
})

test('what the old schema gave, an upcaster takes, whenever the lock has no objection', () => {
  let passed = 0
  fc.assert(
    fc.property(cases, ({ pair: { before, after: upcaster }, values }) => {
      if (narrowed(before, z.any(), upcaster).length > 0) return
      if (jsonText(before) !== jsonText(upcaster)) passed++
      for (const old of values.flatMap((value) => journaled(before, value))) {
        if (!isDeepStrictEqual(journaled(before, old), [old])) continue
        expect(journaled(upcaster, old).length).toBe(1)
      }
    }),
    { numRuns: RUNS / 2 },
  )
  expect(passed).toBeGreaterThan(5)
})

test('a schema takes all that it takes, also beside or within one that takes more', () => {
  fc.assert(
    fc.property(pairs, ({ before }) => {
      const more = z.union([before, z.literal('something else')])
      const beside = (other: z.ZodType) => z.object({ before, other })
      expect(narrowed(before, before)).toEqual([])
      expect(narrowed(before, more)).toEqual([])
      expect(narrowed(beside(z.int()), beside(z.number()))).toEqual([])
      expect(narrowed(z.array(before).min(2), z.array(more))).toEqual([])
    }),
    { numRuns: RUNS / 4 },
  )
})
