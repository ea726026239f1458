// Two definitions have the same fingerprint where nothing that decides a replay is different.
import { defineStore } from 'ministore-ts'
import { definitionOf, fingerprint } from 'ministore-ts/check'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'

interface Parts {
  name?: string
  state?: object
  payload?: z.ZodType
  upcast?: Record<number, z.ZodType>
  apply?: (draft: never, payload: never) => unknown
  guard?: () => undefined
  retired?: boolean
  type?: string
}

/** A definition that is the same each time, but for what a test says. */
function fingerprintOf(parts: Parts = {}): Promise<string> {
  const { name = 'one', state = { n: 0 }, payload = z.object({ n: z.number() }) } = parts
  const { upcast = {}, apply = () => undefined, guard, retired, type = 'add' } = parts
  const mutation = { payload, upcast, apply }
  const mutations = retired ? {} : { [type]: { ...mutation, ...(guard && { guard }) } }
  const config = { name, state, mutations, retired: retired ? { [type]: mutation } : {} }
  return fingerprint(definitionOf(defineStore(config as never) as never))
}

describe('a fingerprint', () => {
  test('is the same for what is written the same, also by another copy of the package', async () => {
    const { broker } = await import('../store/broker.ts')
    const first = await fingerprint(definitionOf(broker))
    expect(first).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await fingerprintOf()).toBe(await fingerprintOf())
    vi.resetModules()
    const copy = await import('../../src/proof/check/index.ts')
    const again = await import('../store/broker.ts')
    expect(again.broker).not.toBe(broker)
    expect(await copy.fingerprint(copy.definitionOf(again.broker))).toBe(first)
    expect(await fingerprint(definitionOf(again.broker))).toBe(first)
  })

  test('is the same before and after its schemas were used', async () => {
    interface Tree {
      n: number
      inner?: Tree | undefined
    }
    const make = () => {
      const tree: z.ZodType<Tree> = z.lazy(() =>
        z.object({ n: z.number(), inner: tree.optional() }),
      )
      return tree
    }
    const used = make()
    used.parse({ n: 1, inner: { n: 2 } })
    expect(await fingerprintOf({ payload: used })).toBe(await fingerprintOf({ payload: make() }))
  })

  test('is another where something else decides a replay', async () => {
    const leaf = z.object({ n: z.number() })
    const different: Parts[] = [
      {},
      { name: 'other' },
      { type: 'other' },
      { retired: true },
      { state: { n: 1 } },
      { state: { n: 0, more: [] } },
      { state: z.object({ n: z.number().default(0) }) },
      { apply: (draft) => draft },
      { payload: z.object({ n: z.string() }) },
      { payload: z.object({ n: z.number().optional() }) },
      { payload: z.object({ n: z.number().min(1) }) },
      { payload: z.object({ n: z.number().min(2) }) },
      { payload: z.object({ n: z.number().default(1) }) },
      { payload: z.object({ n: z.number().default(2) }) },
      { payload: z.object({ n: z.number().refine((n) => n > 1) }) },
      { payload: z.object({ n: z.number().refine((n) => n > 2) }) },
      { payload: z.object({ n: z.number(), s: z.string().regex(/a/) }) },
      { payload: z.object({ n: z.number(), s: z.string().regex(/b/) }) },
      { payload: z.enum(['a', 'b']) },
      { payload: z.enum(['a', 'c']) },
      { payload: z.lazy(() => z.string()) },
      { payload: z.lazy(() => z.number()) },
      { payload: z.array(z.lazy(() => leaf)) },
      { upcast: { 1: z.object({ n: z.number() }) } },
      { upcast: { 1: z.string().transform((text) => ({ n: Number(text) })) } },
      { upcast: { 1: z.string().transform((text) => ({ n: Number.parseInt(text, 10) })) } },
      { upcast: { 1: z.string().transform((text) => ({ n: +text })), 2: z.any() } },
    ]
    const all = await Promise.all(different.map(fingerprintOf))
    expect(new Set(all).size).toBe(different.length)
  })

  test('is the same where a rule is another: no replay asks it', async () => {
    expect(await fingerprintOf({ guard: () => undefined })).toBe(await fingerprintOf())
  })

  test('is the same where a default is made anew each time', async () => {
    const make = () =>
      z.object({
        id: z.uuid().default(() => crypto.randomUUID()),
        at: z.iso.datetime().default(() => new Date().toISOString()),
        seconds: z.number().default(() => Math.floor(Date.now() / 1000)),
        both: z.object({ at: z.number() }).default(() => ({ at: Date.now() })),
      })
    const failing = z.string().default(() => {
      throw new Error('only where it is needed')
    })
    const parts = () => ({ payload: make(), upcast: { 1: failing } })
    const [first, before] = [await fingerprintOf(parts()), new Date().toISOString()]
    await vi.waitUntil(() => new Date().toISOString() !== before)
    expect(await fingerprintOf(parts())).toBe(first)
  })

  test('is there for schemas of any shape', async () => {
    interface Tree {
      left?: Tree | undefined
      right?: Tree | undefined
    }
    const tree: z.ZodType<Tree> = z.object({
      get left() {
        return tree.optional()
      },
      get right() {
        return tree.optional()
      },
    })
    const names = Array.from({ length: 20 }, (_, n) => `node${n}`)
    const nodes: Record<string, z.ZodType> = {}
    for (const name of names) {
      nodes[name] = z.object({
        kind: z.literal(name),
        // Each of them may hold each of them.
        get kids() {
          return z.array(z.union(names.map((each) => nodes[each] ?? z.never())))
        },
      })
    }
    const endless = (): z.ZodType => z.object({ inner: z.lazy(endless).optional() })
    const shapes: Parts[] = [
      { payload: tree },
      { payload: nodes['node0'] ?? z.never() },
      { payload: z.enum(Array.from({ length: 10_000 }, (_, n) => `v${n}`)) },
      {
        payload: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('a') }),
          z.object({ kind: z.literal(['b', 'c']) }),
        ]),
      },
      { payload: z.record(z.string(), z.tuple([z.json(), z.templateLiteral(['a', z.number()])])) },
      { upcast: { 1: endless() } },
      {
        upcast: {
          1: z.lazy(() => {
            throw new Error('only where it is needed')
          }),
        },
      },
      {
        upcast: {
          1: z.preprocess(
            Number,
            z
              .bigint()
              .or(z.date())
              .or(z.map(z.any(), z.set(z.symbol()))),
          ),
        },
      },
    ]
    const all = await Promise.all(shapes.map(fingerprintOf))
    expect(new Set(all).size).toBe(shapes.length)
    expect(await Promise.all(shapes.map(fingerprintOf))).toEqual(all)
  })
})
