// What changed between two states, for programs and for people.
import fc from 'fast-check'
import { type Change, canonicalText } from 'ministore-ts'
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
      { numRuns: 1_000 },
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
      { numRuns: 1_000 },
    )
  })

  test('are one where an item is taken from the front of a list', () => {
    const list = Array.from({ length: 100 }, (_, n) => ({ n }))
    const expected = [{ op: 'remove', path: '/list/0', before: { n: 0 } }]
    expect(changes({ list }, { list: list.slice(1) })).toEqual(expected)
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

describe('a unified diff', () => {
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
