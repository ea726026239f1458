// A table as JSON: what it may hold, where it was, what changed in it.
import fc from 'fast-check'
import { defineStore, memoryJournal, Rejection } from 'ministore-ts'
import { canonicalText } from 'ministore-ts/check'
import { isTable, restoreTables, table, tablePaths } from 'ministore-ts/table'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { changes, isSame, unifiedDiff } from '../../src/diff/index.ts'
import { jsonIssue } from '../../src/json/index.ts'

describe('a table is JSON', () => {
  test('a plain object, sorted by key', () => {
    const topics = table([
      ['b', { n: 1 }],
      ['a', { n: 2 }],
    ])
    expect(JSON.stringify({ topics })).toBe('{"topics":{"a":{"n":2},"b":{"n":1}}}')
    expect(canonicalText({ topics })).toBe('{"topics":{"a":{"n":2},"b":{"n":1}}}')
    expect(jsonIssue({ topics })).toBe(undefined)
  })

  test('under whatever key, where its values are', () => {
    expect(jsonIssue(table([['__proto__', { constructor: undefined }]]))).toMatchObject({
      path: ['__proto__', 'constructor'],
      message: 'is a forbidden key',
    })
    expect(jsonIssue({ t: table<unknown>([['a/b', [new Date(0)]]]) })).toEqual({
      path: ['t', 'a/b', 0],
      message: 'is a Date, which the journal cannot hold',
    })
    expect(jsonIssue({ t: table([['a', table([['b', 1n]])]]) })).toMatchObject({
      path: ['t', 'a', 'b'],
    })
    const cyclic = table<unknown>()
    cyclic.set('again', { cyclic })
    expect(jsonIssue(cyclic)?.message).toMatch('in a cycle')
  })

  test('where it is nothing else', () => {
    const own = 'is a table with keys of its own, which the journal cannot hold'
    expect(jsonIssue(Object.assign(table(), { extra: 1 }))?.message).toBe(own)
    expect(jsonIssue(Object.assign(table(), { [Symbol('extra')]: 1 }))?.message).toBe(own)
    expect(jsonIssue({ toJSON: () => ({}) })?.message).toMatch('an object with toJSON()')
    expect(jsonIssue(new Map())?.message).toMatch('a Map')
    // Looks like one, and is plain JSON.
    expect(jsonIssue({ root: ['a', 1], size: 1 })).toBe(undefined)
  })
})

describe('a payload cannot hold a table', () => {
  const any = defineStore({
    name: 'any',
    state: { count: 0 },
    mutations: { add: { payload: z.any(), apply: (draft) => void draft.count++ } },
  })

  test.each<[string, unknown, PropertyKey[]]>([
    ['itself', table([['a', 1]]), []],
    ['in an object', { topics: table() }, ['topics']],
    ['in a list', [[1], [{ 'a/b': table() }]], [1, 0, 'a/b']],
  ])('%s: it is refused as invalid, and nothing is written', async (_, given, path) => {
    const store = await any.memory()
    const refused = await store.dispatch('add', given).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Rejection)
    const message = 'is a table, which a payload cannot hold: give its entries as plain JSON'
    expect(refused).toMatchObject({
      code: 'invalid',
      message: `add: ${['payload', ...path].join('.')}: ${message}`,
      details: { target: 'add', issues: [{ path, message }] },
    })
    expect(store.seq).toBe(0)
  })

  test('nor where its schema makes one', async () => {
    const making = defineStore({
      name: 'making',
      state: { count: 0 },
      mutations: {
        add: {
          payload: z
            .any()
            .transform((all): object => (isTable(all) ? all : table(Object.entries(all)))),
          apply: (draft) => void draft.count++,
        },
      },
    })
    const store = await making.memory()
    await expect(store.dispatch('add', { a: 1 })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('is a table'),
    })
    const journal = memoryJournal([
      '{"at":"2026-11-22T12:00:00.000Z","type":"add","payload":{"a":1}}',
    ])
    const { findings } = await making.replayCheck(journal)
    expect(findings).toMatchObject([
      { rule: 'invalid_payload', message: expect.stringContaining('payload is a table') },
    ])
  })
})

describe('tables are found again', () => {
  // Without -0, which is no JSON.
  const json = fc.jsonValue({ maxDepth: 2 }).map((some) => JSON.parse(JSON.stringify(some)))
  const odd = fc.constantFrom('', '/', '~', '~1', '__proto__', 'constructor', '\ud800', 'a/b~c')
  const key = fc.oneof(odd, fc.string({ maxLength: 2 }))
  const { state } = fc.letrec((tie) => ({
    state: fc.oneof(
      { maxDepth: 4 },
      json,
      fc.array(tie('state'), { maxLength: 3 }),
      fc
        .array(
          fc.tuple(
            key.filter((each) => each !== '__proto__'),
            tie('state'),
          ),
          { maxLength: 3 },
        )
        .map(Object.fromEntries),
      fc.array(fc.tuple(key, tie('state')), { maxLength: 12 }).map((pairs) => table(pairs)),
    ),
  }))

  test('wherever they were, and whatever their keys', () => {
    let found = 0
    fc.assert(
      fc.property(state, (some) => {
        const paths = tablePaths(some)
        found += paths.length
        const text = JSON.stringify(some)
        const restored = restoreTables(JSON.parse(text), paths)
        expect(JSON.stringify(restored)).toBe(text)
        expect(tablePaths(restored)).toEqual(paths)
        expect(canonicalText(restored)).toBe(canonicalText(some))
        expect(isSame(restored, some)).toBe(true)
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(500)
  })

  test('however many there are', () => {
    const many = Array.from({ length: 300_000 }, () => table())
    expect(tablePaths(many)).toHaveLength(300_000)
  })

  test('data cannot pass for a table: its place is told beside it', () => {
    const state = { $table: { a: 1 }, t: table([['$table', { root: [] }]]), '/t': {} }
    expect(tablePaths(state)).toEqual(['/t'])
    const restored = restoreTables(JSON.parse(JSON.stringify(state)), ['/t'])
    expect(restored).toEqual(state)
  })

  test.each([
    ['/none'],
    ['/list'],
    ['/list/length'],
    ['/n'],
    ['/text/0'],
    ['/__proto__'],
    ['/constructor/prototype'],
    ['t'],
    ['/t/'],
    ['/t/~2'],
  ])('a path that leads to no object is refused: %s', (path) => {
    const hostile = JSON.parse('{"list":[],"n":1,"text":"abc","t":{}}')
    expect(() => restoreTables(hostile, [path])).toThrow(
      `there is no object at ${JSON.stringify(path)}`,
    )
    expect(Reflect.get({}, 'root')).toBe(undefined)
  })

  test('one place cannot be two tables', () => {
    expect(() => restoreTables({ t: {} }, ['/t', '/t'])).toThrow('there is no object at "/t"')
  })
})

describe('what changed in a table', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }).map(String), fc.nat(3)), {
    maxLength: 60,
  })

  test('is told as of the plain object that it is', () => {
    fc.assert(
      fc.property(pairs, pairs, fc.boolean(), (one, other, isMixed) => {
        const [before, after] = [Object.fromEntries(one), Object.fromEntries(other)]
        const tables = [{ t: table(one) }, { t: isMixed ? after : table(other) }]
        const byPath = (some: ReturnType<typeof changes>) =>
          some.toSorted((a, b) => (a.path < b.path ? -1 : 1))
        expect(byPath(changes(tables[0], tables[1]))).toEqual(
          byPath(changes({ t: before }, { t: after })),
        )
        expect(unifiedDiff(tables[0], tables[1])).toBe(unifiedDiff({ t: before }, { t: after }))
        expect(isSame(tables[0], tables[1])).toBe(isSame(before, after))
      }),
      { numRuns: 300 },
    )
  })

  test('is found without a look at what both share', () => {
    const untouched = (n: number) =>
      Object.defineProperty({}, 'n', { enumerable: true, get: () => expect.unreachable(`${n}`) })
    const before = table<object>(
      Array.from({ length: 5_000 }, (_, n) => [`key ${n}`, untouched(n)] as const),
    )
    const after = table<object>(before)
    after.set('key 7', { n: 2 })
    after.delete('key 8')
    before.set('key 7', { n: 1 })
    expect(changes(before, after).map(({ op, path }) => [op, path])).toEqual([
      ['replace', '/key 7/n'],
      ['remove', '/key 8'],
    ])
  })
})
