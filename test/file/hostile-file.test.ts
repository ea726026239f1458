// Records that fit their checksum, so that somebody wrote them on purpose, and that ministore would not
// have written. In a real file; test/store/hostile.test.ts has the same for any journal.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { defineStore, StoreError } from 'ministore-ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { header, seal } from '../format/forge.ts'
import { NOON } from './ledger.ts'
import { filesBeside, tempJournal } from './temp-journal.ts'

const anything = defineStore({
  name: 'anything',
  state: { last: 'nothing' as unknown as never, at: '' },
  mutations: {
    set: {
      payload: z.any(),
      apply: (draft, payload, { at }) => void Object.assign(draft, { last: payload, at }),
    },
    tick: { apply: (draft) => void Object.assign(draft, { last: 'tick' }) },
  },
})

/** Record 2, with these fields behind its time. Latin-1: a byte a character. */
const record = (fields: string, { seq = '2', b = '' } = {}) =>
  seal(Buffer.from(`{"seq":${seq},${b && `"b":${b},`}"at":"${NOON}",${fields}}`, 'latin1'))
const set = (payload: string) => record(`"type":"set","payload":${payload}`)
const numbered = (seq: string, b = '') => record('"type":"set","payload":1', { seq, b })
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const nestedObjects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** In a file behind a header and a record that is as it should be. */
function write(line: Buffer): { path: string; bytes: Buffer } {
  const path = tempJournal()
  const first = seal(`{"seq":1,"at":"${NOON}","type":"set","payload":"first"}`)
  const bytes = Buffer.concat([header({ store: 'anything' }), first, line])
  writeFileSync(path, bytes)
  return { path, bytes }
}

/** Whether the journal is as it was, and which files are beside it. */
function look(path: string, bytes: Buffer): { isSame: boolean; beside: string[] } {
  const beside = Object.keys(filesBeside(path)).filter((name) => name !== basename(path))
  return { isSame: readFileSync(path).equals(bytes), beside }
}

const prototypes = () =>
  [Object, Array, String, Function].map(({ prototype }) => Reflect.ownKeys(prototype))
let before: unknown
beforeEach(() => {
  before = prototypes()
})
afterEach(() => {
  expect(prototypes()).toEqual(before)
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

describe('a forged record is refused by whoever opens the file, and no byte of it changes', () => {
  test.each<[string, Buffer, string?]>([
    ['__proto__ in a payload', set('{"__proto__":{"x":1}}')],
    ['__proto__ with escapes', set('{"a":[{"\\u005f_proto__":{"x":1}}]}')],
    ['__proto__ in a batch', record('"batch":[{"type":"set","payload":{"__proto__":{"x":1}}}]')],
    ['__proto__ for a mutation without payload', record('"type":"tick","payload":{"__proto__":1}')],
    ['constructor.prototype', set('{"constructor":{"prototype":{"x":1}}}')],
    ['10,000 arrays in each other', set(nested(10_000))],
    ['10,000 objects in each other', set(nestedObjects(10_000))],
    ['a million arrays in each other', set(nested(1_000_000))],
    ['10,000 batches in each other', record(`"batch":${nested(10_000)}`)],
    ['a number that is Infinity', set('1e999')],
    ['a number that is -Infinity', set('{"a":[-1e999]}')],
    ['a raw surrogate, which is no UTF-8', set('"\xed\xa0\x80"')],
    ['a byte that is no UTF-8', set('"\xff"')],
    ['an overlong slash, which is no UTF-8', set('"\xc0\xaf"')],
    ['half a character, which is no UTF-8', set('"\xf0\x9f\x98"')],
    ['no UTF-8 in its last line, which lost its newline', set('"\xff"').subarray(0, -1)],
    ['a byte order mark', seal(`\ufeff{"seq":2,"at":"${NOON}","type":"set"}`)],
    ['a raw NUL in a string', set('"\0"')],
    ['a raw tab in a string', set('"\t"')],
    ['a seq with an exponent', numbered('2e0')],
    ['a seq with a leading zero', numbered('02')],
    ['a seq with a fraction', numbered('2.0')],
    ['a seq with a sign', numbered('-2')],
    ['a seq that is a string', numbered('"2"')],
    ['a seq of 0', numbered('0')],
    ['a seq of 15 digits', numbered('999999999999999')],
    ['a seq of 16 digits', numbered('1000000000000002')],
    ['a seq that is 2 in 32 bits', numbered('4294967298')],
    ['a seq that is 2 in 64 bits', numbered('18446744073709551618')],
    ['a seq that was there', numbered('1')],
    ['a seq behind another field', seal(`{"at":"${NOON}","seq":2,"type":"set"}`)],
    ['a space before its seq', seal(`{"seq": 2,"at":"${NOON}","type":"set"}`)],
    ['no seq', seal(`{"at":"${NOON}","type":"set"}`)],
    ['no fields', seal('{}')],
    ['an array', seal('[2]')],
    ['a b with a leading zero', numbered('2', '01')],
    ['a time that is no string', seal('{"seq":2,"at":{"__proto__":1},"type":"set"}')],
    ['a key that is null', record('"key":null,"type":"set"')],
    ['a version that is Infinity', record('"type":"set","v":1e999')],
    ['a version below 1', record('"type":"set","v":-1')],
    ['a batch that is null', record('"batch":null')],
    ['a batch that only looks like a list', record('"batch":{"length":1,"0":{"type":"tick"}}')],
    ['an empty batch without a command’s input', record('"batch":[]')],
    ['a batch in a batch', record('"batch":[{"batch":[{"type":"tick"}]}]')],
    ['a version of the future', record('"type":"set","v":2,"payload":1'), 'newer_format'],
    ['a version beyond 2^53', record(`"type":"set","v":1${'0'.repeat(20)}`), 'newer_format'],
    ['a mutation named __proto__', record('"type":"__proto__"'), 'unknown_mutation'],
    ['a mutation named toString', record('"type":"toString"'), 'unknown_mutation'],
    ['a mutation of a million letters', record(`"type":"${'x'.repeat(1e6)}"`), 'unknown_mutation'],
  ])('%s', async (_, line, code = 'corrupt') => {
    const { path, bytes } = write(line)
    const open = (readOnly: boolean) => anything.open(path, { readOnly })
    for (const opening of [() => anything.replay(path), () => open(true)]) {
      const error = await opening().catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code, path, seq: 2 })
      expect(look(path, bytes)).toEqual({ isSame: true, beside: [] })
    }
    expect(await anything.replayCheck(path)).toMatchObject({ ok: false })
    // Twice: the first lets go of the lock.
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(open(false)).rejects.toMatchObject({ code, path, seq: 2 })
      expect(look(path, bytes)).toEqual({ isSame: true, beside: ['ledger.journal.lock'] })
    }
  })
})

describe('a forged record that can do no harm is read for what it is, and no byte of it changes', () => {
  test.each<[string, Buffer, unknown]>([
    ['of equal keys in a payload the last counts', set('{"a":1,"a":2}'), { a: 2 }],
    ['of equal fields the last counts', record('"type":"set","payload":1,"payload":2'), 2],
    ['of two seqs the first counts', record('"type":"set","payload":1,"seq":7'), 1],
    ['extra fields do', record('"type":"set","payload":1,"x":{"constructor":{"x":1}}'), 1],
    ['a field __proto__ does', record('"type":"tick","__proto__":{"batch":[],"key":1}'), 'tick'],
    ['a deep extra field does', record(`"type":"set","payload":1,"x":${nested(10_000)}`), 1],
    ['spaces do', record('"type": "set", "payload": [ 1 ]'), [1]],
    [
      'a batch counts before a type',
      record('"type":"tick","batch":[{"type":"set","payload":2}]'),
      2,
    ],
    ['a payload that nobody asked for is nothing', record('"type":"tick","payload":7'), 'tick'],
    ['b beyond its seq says nothing', numbered('2', '999'), 1],
    ['b that is its seq says nothing', numbered('2', '2'), 1],
    ['b of 0 is as none', numbered('2', '0'), 1],
    ['b that is no number is as none', numbered('2', '"x"'), 1],
    ['b of 16 digits is as none', numbered('2', '1000000000000001'), 1],
    ['a lone surrogate is kept', set('{"\\udc00":"\\ud800"}'), { '\udc00': '\ud800' }],
    ['a long number is the nearest', set('[9007199254740993,1e-999]'), [2 ** 53, 0]],
    [
      'names of methods are names',
      set('{"hasOwnProperty":1,"toJSON":2}'),
      { hasOwnProperty: 1, toJSON: 2 },
    ],
    ['a checksum in a record is a field', seal(`${numbered('2')}`.trimEnd()), 1],
  ])('%s', async (_, line, last) => {
    const { path, bytes } = write(line)
    expect((await anything.replay(path)).state.last).toEqual(last)
    const store = await anything.open(path)
    expect(store.recovery).toEqual({ created: false, records: 2 })
    expect(store.state.last).toEqual(last)
    expect(Object.getPrototypeOf(store.state)).toBe(Object.prototype)
    expect(look(path, bytes)).toEqual({ isSame: true, beside: ['ledger.journal.lock'] })
    await store.dispatch('set', 'behind it')
    await store.close()
    expect(readFileSync(path).subarray(0, bytes.length).equals(bytes)).toBe(true)
    expect(await anything.replay(path)).toMatchObject({ seq: 3, state: { last: 'behind it' } })
  })
})
