// What changed between two states, for programs and for people.
import fc from 'fast-check'
import { type Change, canonicalText } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { changes, isSame, unifiedDiff } from '../../src/diff/index.ts'

type Container = Record<string, unknown>

/** RFC 6902, as far as changes use it. */
function applied(document: unknown, patch: readonly Change[]): unknown {
  const root: Container = { '': structuredClone(document) }
  for (const change of patch) {
    const keys = change.path
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    const target = keys.reduce<Container>((found, key) => found[key] as Container, root)
    const value = change.op === 'remove' ? undefined : structuredClone(change.value)
    if (Array.isArray(target) && change.op === 'add') target.splice(Number(last), 0, value)
    else if (Array.isArray(target) && change.op === 'remove') target.splice(Number(last), 1)
    else if (change.op === 'remove') delete target[last]
    else target[last] = value
  }
  return root['']
}

const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => !hides(value))
/** A property that is undefined, or __proto__, which no state holds. */
const hides = (value: unknown) => JSON.stringify(value).includes('__proto__')
const pair = fc.oneof(
  fc.tuple(json, json),
  fc.tuple(fc.array(json), fc.array(json)),
  json.map((value): [unknown, unknown] => [value, structuredClone(value)]),
)

describe('the changes between two values', () => {
  test('turn one into the other, as a JSON patch', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const made = applied(before, changes(before, after))
        expect(canonicalText(made)).toBe(canonicalText(after))
      }),
      { numRuns: 500 },
    )
  })

  test('are none where the values are the same, and so is the diff', () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const isEqual = canonicalText(before) === canonicalText(after)
        expect(isSame(before, after)).toBe(isEqual)
        expect(changes(before, after).length === 0).toBe(isEqual)
        expect(unifiedDiff(before, after) === '').toBe(isEqual)
      }),
      { numRuns: 500 },
    )
  })

  test('are one where an item is taken from the front of a list', () => {
    const list = Array.from({ length: 100 }, (_, n) => ({ n }))
    const expected = [{ op: 'remove', path: '/list/0', before: { n: 0 } }]
    expect(changes({ list }, { list: list.slice(1) })).toEqual(expected)
  })

  test('are told of a list of any length', () => {
    const items = Array.from({ length: 300_000 }, (_, n) => n)
    expect(changes({ list: [] }, { list: items })).toHaveLength(300_000)
    expect(changes({ list: [items] }, { list: [items.map((n) => n + 1)] })).toHaveLength(300_000)
  })

  test('cost what was changed: what both hold is not looked at', () => {
    let reads = 0
    const watched = new Proxy(
      { a: { deep: [1, 2, 3] } },
      {
        get: (target, key) => {
          reads += 1
          return Reflect.get(target, key)
        },
      },
    )
    const found = changes({ shared: watched, n: 1 }, { shared: watched, n: 2 })
    expect(found).toEqual([{ op: 'replace', path: '/n', value: 2, before: 1 }])
    expect(reads).toBe(0)
  })
})

/** Counts what is read of a value, however deep. */
function counting(value: unknown, count: { reads: number }): unknown {
  if (typeof value !== 'object' || value === null) return value
  const inner = Object.entries(value).map(([key, each]) => [key, counting(each, count)])
  const copy = Array.isArray(value) ? inner.map(([, each]) => each) : Object.fromEntries(inner)
  return new Proxy(copy, {
    get(target, key) {
      count.reads += 1
      return Reflect.get(target, key)
    },
    ownKeys(target) {
      count.reads += 1
      return Reflect.ownKeys(target)
    },
  })
}

describe('what two states share', () => {
  const ofKeys = (make: () => unknown) =>
    Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, make()]))
  const state = ofKeys(() => ofKeys(() => ofKeys(() => [1, 2, 3])))

  test('is not looked at: the cost is that of the change', () => {
    const count = { reads: 0 }
    const before = counting(state, count) as Record<string, Record<string, Record<string, unknown>>>
    const { k7 } = before
    const changed = { ...k7?.['k8'], k9: [1, 7, 3] }
    const after = { ...before, k7: { ...k7, k8: changed } }
    for (const compare of [isSame, changes, unifiedDiff]) {
      count.reads = 0
      compare(before, after)
      // Of 130,000 containers three of 50 keys were changed.
      expect(count.reads).toBeLessThan(2_500)
    }
    expect(changes(before, after)).toEqual([
      { op: 'replace', path: '/k7/k8/k9/1', value: 7, before: 2 },
    ])
  })
})

test('what is no JSON is compared as well', () => {
  const undefinedItem = [undefined, 1]
  const hole = new Array(2).fill(1, 1)
  expect(isSame(hole, [5, 1])).toBe(false)
  expect(isSame([5, 1], hole)).toBe(false)
  expect(isSame(undefinedItem, hole)).toBe(true)
  expect(isSame({ a: undefined, b: 1 }, { b: 1 })).toBe(true)
  expect(isSame({ b: 1 }, { a: undefined, b: 1 })).toBe(true)
  expect(isSame({ a: null }, {})).toBe(false)
  expect(isSame([], {})).toBe(false)
  expect(isSame({ n: Number.NaN }, { n: Number.NaN })).toBe(true)
  for (const [before, after, shown] of [
    [0, -0, '-0'],
    [null, Number.NaN, 'NaN'],
    ['1', 1n, '1n'],
    [null, () => 1, 'function'],
  ]) {
    const diff = unifiedDiff({ x: before }, { x: after })
    expect(diff).toContain(`+  "x": "${shown}"`)
  }
})

describe('a unified diff', () => {
  test('shows a difference wherever there is one, and is never long', () => {
    const small = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.constant([]))
    const wide = fc.dictionary(fc.string({ minLength: 1 }), small, { minKeys: 15, maxKeys: 60 })
    const long = fc.array(fc.oneof(small, wide), { maxLength: 60 })
    const deep = fc.oneof(wide, long, fc.tuple(wide, fc.record({ wide, long })))
    const text = fc.string({ maxLength: 2_000, size: 'max' })
    const both = fc.oneof(fc.tuple(deep, deep), fc.tuple(text, text))
    fc.assert(
      fc.property(both, fc.boolean(), ([before, other], isPart) => {
        const after = isPart ? { ...(before as object), more: other } : other
        const lines = unifiedDiff(before, after).split('\n').slice(2)
        expect(lines.some((line) => /^[-+]/.test(line))).toBe(!isSame(before, after))
        expect(lines.length).toBeLessThan(2_500)
      }),
      { numRuns: 150 },
    )
  })

  const huge = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, n) => [
      `k${n}`,
      { n, items: [n, { deep: 'x'.repeat(99) }] },
    ]),
  )
  const other = Object.fromEntries(Object.entries(huge).map(([key]) => [key, { n: -1 }]))
  test.each<[string, unknown, unknown]>([
    ['nothing that becomes huge', {}, { huge }],
    ['another kind', { huge: Object.values(huge) }, { huge }],
    ['everything at once', huge, other],
    ['every item at once', Object.values(huge), Object.values(other)],
    ['a text', 'a'.repeat(1e6), `${'a'.repeat(1e6)}b`],
    [
      'many keys of long texts',
      {},
      Object.fromEntries([...Array(900).keys()].map((n) => [`k${n}`, 'y'.repeat(9_999)])),
    ],
  ])('of %s can be read', (_, before, after) => {
    const diff = unifiedDiff(before, after)
    expect(diff).toMatch(/^[-+](?![-+])/m)
    expect(diff).toContain('…')
    expect(diff.length).toBeLessThan(300_000)
    expect(diff.split('\n').length).toBeLessThan(2_000)
  })

  test('of an item put into a list shows this item, and those around it', () => {
    const list = Array.from({ length: 50 }, (_, n) => ({ id: n, tags: [{ n }] }))
    const diff = unifiedDiff(list, list.toSpliced(20, 0, { id: -1, tags: [{ n: -1 }] }))
    const changed = diff.split('\n').filter((line) => /^[-+] /.test(line))
    expect(changed.every((line) => line.startsWith('+'))).toBe(true)
    expect(changed).toHaveLength(8)
  })

  test('of a large state shows what is around the change, and how much more there is', () => {
    const topics = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`t${n}`, { name: `t${n}`, partitions: n }]),
    )
    const after = { ...topics, t7: { name: 't7', partitions: 0 } }
    const diff = unifiedDiff({ topics }, { topics: after }, ['yesterday', 'today'])
    expect(diff).toContain('--- yesterday')
    expect(diff).toContain('+++ today')
    expect(diff).toContain('-      "partitions": 7\n+      "partitions": 0')
    expect(diff).toContain('4999 more')
    expect(diff.split('\n').length).toBeLessThan(20)
  })
})
