// A table on its own: a sorted Map whose shape is a function of its content.
import { inspect } from 'node:util'
import fc from 'fast-check'
import { isTable, table } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { collidingKeys } from './collisions.ts'

/** Few enough to meet again, many enough for branches; and all that JavaScript does something special with. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map((n) => `key ${n}`),
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'root', 'size', 'length'),
  fc.constantFrom('', '0', '1', '10', '-1', '\ud800', '\udc00', '\ud83d\ude00', 'é', 'e\u0301'),
  fc.string({ maxLength: 3, unit: 'binary' }),
)
/** Without -0, which is no JSON. */
const value = fc.jsonValue({ maxDepth: 1 }).map((json) => JSON.parse(JSON.stringify(json)))
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), key, value }),
  fc.record({ do: fc.constant('delete' as const), key }),
  fc.record({ do: fc.constant('replace' as const), key, value }),
  fc.record({ do: fc.constant('clear' as const) }),
)
const steps = fc.array(
  fc.oneof({ weight: 60, arbitrary: step.filter((each) => each.do !== 'clear') }, step),
  { maxLength: 120 },
)

describe('a table is a Map', () => {
  test('whatever is done to it, and sorted', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [mine, model] = [table<unknown>(), new Map<string, unknown>()]
        for (const each of all) {
          if (each.do === 'clear') {
            for (const one of [...mine.keys()]) expect(mine.delete(one)).toBe(true)
            model.clear()
          } else if (each.do === 'delete')
            expect(mine.delete(each.key)).toBe(model.delete(each.key))
          else if (each.do === 'set') {
            mine.set(each.key, each.value)
            model.set(each.key, each.value)
          } else {
            expect(mine.update(each.key, () => each.value)).toBe(model.has(each.key))
            if (model.has(each.key)) model.set(each.key, each.value)
          }
          expect(mine.size).toBe(model.size)
        }
        const sorted = [...model.keys()].sort()
        expect([...mine.keys()]).toEqual(sorted)
        expect([...mine]).toEqual(sorted.map((each) => [each, model.get(each)]))
        expect([...mine.values()]).toEqual(sorted.map((each) => model.get(each)))
        for (const each of sorted) expect(mine.has(each) && mine.get(each)).toBe(model.get(each))
        expect(mine.get('never there')).toBe(undefined)
        // The same content in one go, without a history, is the same down to the last node.
        expect(structuredClone(mine)).toStrictEqual(structuredClone(table(model)))
        expect(JSON.parse(JSON.stringify(mine))).toEqual(Object.fromEntries(model))
      }),
      { numRuns: 400 },
    )
  })

  test('of a key that is given twice, the last value counts', () => {
    expect([
      ...table([
        ['b', 1],
        ['a', 1],
        ['b', 2],
      ]),
    ]).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  test('undefined is no value: it removes the key', () => {
    const some = table<number | undefined>([['a', undefined]])
    expect(some.size).toBe(0)
    some.set('a', 1)
    some.set('a', undefined)
    expect([some.has('a'), some.size]).toEqual([false, 0])
  })

  test('update changes the value it is given, or replaces it, and leaves a missing key alone', () => {
    const some = table<{ n: number }>([['a', { n: 1 }]])
    expect(some.update('a', (value) => void Object.assign(value, { n: 2 }))).toBe(true)
    expect(some.get('a')).toEqual({ n: 2 })
    expect(some.update('a', ({ n }) => ({ n: n * 10 }))).toBe(true)
    expect(some.get('a')).toEqual({ n: 20 })
    expect(some.update('b', () => ({ n: 0 }))).toBe(false)
    expect([...some.keys()]).toEqual(['a'])
  })

  test('what is removed while it is iterated is left out', () => {
    const some = table(['a', 'b', 'c'].map((each) => [each, each] as const))
    const seen: string[] = []
    for (const [each] of some) {
      seen.push(each)
      some.delete('b')
    }
    expect(seen).toEqual(['a', 'c'])
  })

  test('keys are strings, and nothing else is taken for one', () => {
    const some = table<number>([['5', 1]])
    expect(() => some.set(5 as never, 2)).toThrow("a table's keys are strings, not number")
    expect([some.get(5 as never), some.has(5 as never), some.size]).toEqual([undefined, false, 1])
  })

  test('is shown by console.log as what it holds', () => {
    expect(inspect({ t: table([['a', { n: 1 }]]) })).toBe('{ t: Table { a: { n: 1 } } }')
    expect(isTable(table())).toBe(true)
    for (const other of [{}, { root: [] }, [], new Map(), null, 'table', undefined])
      expect(isTable(other)).toBe(false)
  })
})

describe('keys that somebody chose', () => {
  const keys = collidingKeys(9)

  test('with equal hashes are told apart, and their shape is no history either', () => {
    expect(keys).toHaveLength(512)
    const some = table<number>()
    for (const [index, each] of keys.entries()) some.set(each, index)
    expect(some.size).toBe(512)
    for (const [index, each] of keys.entries()) expect(some.get(each)).toBe(index)
    expect(structuredClone(some)).toStrictEqual(
      structuredClone(table(keys.map((each, index) => [each, index] as const).reverse())),
    )
    for (const each of keys.slice(8)) expect(some.delete(each)).toBe(true)
    expect([...some.keys()]).toEqual(keys.slice(0, 8).sort())
    expect(depthOf(some)).toBe(1)
  })

  test('make paths longer, and no node wider', () => {
    const some = table(keys.map((each) => [each, 1] as const))
    // Six digits of one hash that are all the same, then those of the next.
    expect(depthOf(some)).toBeGreaterThan(6)
    expect(depthOf(some)).toBeLessThan(20)
    expect(widestIn(some)).toBeLessThanOrEqual(33)
  })

  test('`__proto__` is a key, and pollutes nothing', () => {
    const some = table<unknown>()
    some.set('__proto__', { polluted: true })
    expect(some.get('__proto__')).toEqual({ polluted: true })
    expect(Reflect.get({}, 'polluted')).toBe(undefined)
    expect(JSON.stringify(some)).toBe('{"__proto__":{"polluted":true}}')
    expect(Object.getPrototypeOf(JSON.parse(JSON.stringify(some)))).toBe(Object.prototype)
    expect(some.get('constructor')).toBe(undefined)
  })
})

test('a hundred thousand keys are each a few small nodes away', () => {
  const keys = Array.from({ length: 100_000 }, (_, n) => `order-${n}`)
  const some = table(keys.map((each, n) => [each, n] as const))
  expect(some.size).toBe(100_000)
  expect(depthOf(some)).toBeLessThan(8)
  expect(widestIn(some)).toBe(33)
  for (let n = 0; n < 100_000; n += 997) expect(some.get(`order-${n}`)).toBe(n)
  for (let n = 0; n < 100_000; n += 2) some.delete(`order-${n}`)
  expect(some.size).toBe(50_000)
  expect([...some.keys()]).toEqual(keys.filter((_, n) => n % 2 === 1).sort())
})

type Node = unknown[]
const rootOf = (some: object) => Reflect.get(some, 'root') as Node
const childrenOf = (node: Node) =>
  typeof node[0] === 'number' ? node.slice(1).filter((each) => each !== null) : []

/** In nodes; a table of one leaf has a depth of 1. */
const depthOf = (some: object, node = rootOf(some)): number =>
  1 + Math.max(0, ...childrenOf(node).map((child) => depthOf(some, child as Node)))

const widestIn = (some: object, node = rootOf(some)): number =>
  Math.max(node.length, ...childrenOf(node).map((child) => widestIn(some, child as Node)))
