import { defineStore, memoryJournal, Rejection, StoreError } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const anything = defineStore({
  name: 'anything',
  state: { last: {} as Record<string, unknown> as never },
  mutations: {
    set: {
      payload: z.any(),
      apply: (draft, payload) => void Object.assign(draft, { last: payload }),
    },
  },
})

class Point {
  x = 1
}
const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
const cycle: { self?: unknown } = {}
cycle.self = cycle

describe('a payload that JSON cannot hold is refused with its path, and nothing is written', () => {
  test.each<[string, unknown, string]>([
    ['NaN', { a: [1, Number.NaN] }, 'payload.a.1: is NaN'],
    ['Infinity', { a: Number.POSITIVE_INFINITY }, 'payload.a: is Infinity'],
    ['undefined in an array', { a: [undefined] }, 'payload.a.0: is undefined'],
    ['a hole in an array', { a: new Array(1) }, 'payload.a.0: is undefined'],
    ['a bigint', { a: 1n }, 'payload.a: is a bigint'],
    ['a Date', { a: { b: new Date(0) } }, 'payload.a.b: is a Date'],
    ['a Map', new Map(), 'payload: is a Map'],
    ['a Set', { a: new Set() }, 'payload.a: is a Set'],
    ['a class instance', { a: new Point() }, 'payload.a: is a Point'],
    ['a typed array', { a: new Uint8Array(1) }, 'payload.a: is a Uint8Array'],
    ['a function', { a: () => 1 }, 'payload.a: is a function'],
    ['a symbol', { a: Symbol('s') }, 'payload.a: is a symbol'],
    ['a symbol as key', { [Symbol('s')]: 1 }, 'payload: is an object with symbols as keys'],
    ['toJSON', { a: { toJSON: () => 1 } }, 'payload.a: is an object with toJSON()'],
    ['a cycle', cycle, 'in a cycle'],
    ['depth 129', deep(129), 'is nested deeper than 128 levels'],
    ['depth 10,000', deep(10_000), 'is nested deeper than 128 levels'],
    ['__proto__', JSON.parse('{"a":{"__proto__":{"x":1}}}'), 'payload.a.__proto__: is a forbidden'],
    ['constructor', { constructor: { prototype: 1 } }, 'payload.constructor: is a forbidden key'],
    ['prototype', { a: [{ prototype: 1 }] }, 'payload.a.0.prototype: is a forbidden key'],
  ])('%s', async (_, payload, message) => {
    const journal = memoryJournal()
    const store = await anything.open(journal)
    const result = await store.dispatch('set', payload).safe()
    expect(result).toBeInstanceOf(Rejection)
    expect(result).toMatchObject({ ok: false, code: 'invalid' })
    expect((result as unknown as Error).message).toContain(message)
    expect(journal.entries).toEqual([])
    expect(({} as { x?: unknown }).x).toBeUndefined()
    expect(await store.dispatch('set', 1)).toMatchObject({ seq: 1 })
  })

  test('a getter that throws', async () => {
    const journal = memoryJournal()
    const store = await anything.open(journal)
    const payload = {
      get a() {
        throw new Error('gotcha')
      },
    }
    await expect(store.dispatch('set', payload)).rejects.toMatchObject({ code: 'check_failed' })
    expect(journal.entries).toEqual([])
  })
})

describe('a payload that only looks strange is stored as it is', () => {
  test.each<[string, unknown, unknown?]>([
    ['a lone surrogate', { a: '\ud800' }],
    ['a NUL and U+2028', { a: '\0 \u2028 \u2029' }],
    ['2^53 + 1, which is 2^53', { a: 2 ** 53 + 1 }],
    ['the smallest and the largest number', [Number.MIN_VALUE, Number.MAX_VALUE]],
    ['undefined in an object, which is left out', { a: 1, b: undefined }, { a: 1 }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['toJSON that is no function', { toJSON: 'text' }],
    ['an empty key', { '': { '': [] } }],
    ['depth 127', deep(127)],
    ['null', null],
  ])('%s', async (_, payload, expected = payload) => {
    const journal = memoryJournal()
    const store = await anything.open(journal)
    await store.dispatch('set', payload)
    expect(store.state.last).toEqual(expected)
    expect((await anything.open(journal)).state).toEqual(store.state)
  })
})

describe('a hostile journal is refused with a typed error', () => {
  const at = '2026-11-22T12:00:00.000Z'
  const set = (payload: string) => `{"at":"${at}","type":"set","payload":${payload}}`
  test.each<[string, string]>([
    ['__proto__ in a payload', set('{"__proto__":{"x":1}}')],
    ['__proto__ with escapes', set('{"\\u005f_proto__":{"x":1}}')],
    ['constructor.prototype', set('{"a":{"constructor":{"prototype":{"x":1}}}}')],
    ['a number that is Infinity', set('1e999')],
    ['depth 10,000', set('['.repeat(10_000) + ']'.repeat(10_000))],
    ['no JSON', 'at last'],
    ['no object', '7'],
    ['null', 'null'],
    ['no time', '{"type":"set"}'],
    ['no type', `{"at":"${at}"}`],
    ['a type that is no string', `{"at":"${at}","type":{}}`],
    ['a version that is no number', `{"at":"${at}","type":"set","v":"1"}`],
    ['version 0', `{"at":"${at}","type":"set","v":0}`],
    ['a key that is no string', `{"at":"${at}","type":"set","key":7}`],
    ['a batch that is no array', `{"at":"${at}","batch":{"length":1}}`],
    ['a batch of nothing', `{"at":"${at}","batch":[null]}`],
    ['an empty text', ''],
  ])('%s', async (_, text) => {
    const error = await anything.open(memoryJournal([text])).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'corrupt', seq: 1 })
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  test('texts that are JSON with their neighbours only', async () => {
    const begin = `{"at":"${at}","type":"set","payload":`
    const texts = [`${begin}[1]`, '}', `${begin}2},${begin}3}`]
    for (const list of [texts, [texts[0] ?? '', texts[1] ?? ''], [`${begin}2},${begin}3}`]]) {
      const opening = anything.open(memoryJournal(list))
      await expect(opening).rejects.toMatchObject({ code: 'corrupt', seq: 1 })
    }
  })

  test('names of mutations are own names only', async () => {
    for (const type of ['__proto__', 'constructor', 'toString']) {
      const text = JSON.stringify({ at, type })
      const opening = anything.open(memoryJournal([text]))
      await expect(opening).rejects.toMatchObject({ code: 'unknown_mutation' })
    }
  })

  test('of duplicate keys the last one counts, as in every JSON.parse', async () => {
    const store = await anything.open(memoryJournal([set('{"a":1,"a":2}')]))
    expect(store.state.last).toEqual({ a: 2 })
  })
})
