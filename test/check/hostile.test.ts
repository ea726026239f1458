// The check gives a report, whatever it is given: that is what CI relies on.
import fc from 'fast-check'
import {
  type AnyStoreDefinition,
  type CheckOptions,
  defineStore,
  type Journal,
  memoryJournal,
  Rejection,
  type ReplayReport,
} from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const at = '2026-11-22T12:00:00.000Z'
const record = (fields: object) => JSON.stringify({ at, ...fields })

/** Each of its parts does what a test says. */
function storeWith(parts: {
  apply?: (draft: Record<string, unknown>, payload: unknown) => unknown
  parse?: () => unknown
  upcast?: () => unknown
  state?: () => unknown
}): AnyStoreDefinition {
  const { apply, parse, upcast, state } = parts
  let isDefined = false
  const definition = defineStore({
    name: 'hostile',
    state: z
      .object({ n: z.number().default(0) })
      .catchall(z.any())
      .refine(() => !isDefined || state?.() !== false) as never,
    mutations: {
      go: {
        payload: z.any().refine(() => parse?.() !== false),
        upcast: { 1: z.any().transform((old) => (upcast ? upcast() : old)) },
        apply: (draft: Record<string, unknown>, payload: unknown) =>
          apply ? apply(draft, payload) : void Object.assign(draft, { last: payload }),
      },
    } as never,
  })
  isDefined = true
  return definition as unknown as AnyStoreDefinition
}
const plain = storeWith({})
const options: CheckOptions = { record: true, digest: 'sha256:00' }

/** A report that can be printed, and says that something is wrong. */
async function broken(store: AnyStoreDefinition, journal: Journal): Promise<ReplayReport> {
  const report = await store.replayCheck(journal, options)
  expect(report.ok).toBe(false)
  for (const { message } of report.findings) expect(typeof message).toBe('string')
  expect(report.digest).toMatch(/^(sha256:[0-9a-f]{64}|none)$/)
  return report
}

const throwing = (thrown: unknown) => () => {
  throw thrown
}
const untellable = new Proxy({}, { get: throwing(undefined), getPrototypeOf: throwing(null) })
const THROWN: [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', Object.create(null)],
  ['what throws when it is told', { toString: throwing(undefined) }],
  ['a proxy that answers nothing', untellable],
  ['an error without a message', Object.assign(new Error(), { message: undefined })],
  [
    'an error whose message throws',
    Object.defineProperty(new Error(), 'message', { get: throwing(1) }),
  ],
  ['a rejection of its own', new Rejection('mine', undefined)],
  ['a rejection with other issues', new Rejection('mine', { issues: 7 })],
]

describe.each(THROWN)('where %s is thrown', (_, thrown) => {
  const texts = [record({ type: 'go', v: 2, payload: 1 }), record({ type: 'go', payload: 1 })]

  test('by a reducer, a schema, an upcaster', async () => {
    const apply = throwing(thrown)
    const cases = [
      [{ apply }, 'apply_failed', 1],
      [{ parse: apply }, 'invalid_payload', 1],
      [{ state: apply }, 'invalid_state', 1],
      [{ upcast: apply }, 'upcast_failed', 2],
    ] as const
    for (const [parts, rule, seq] of cases) {
      const { findings } = await broken(storeWith(parts), memoryJournal(texts))
      expect(findings[0]).toMatchObject({ rule, seq, severity: 'error' })
    }
  })

  test('by a journal', async () => {
    const journals: Partial<Journal>[] = [
      { open: throwing(thrown) },
      { open: () => Promise.reject(thrown) },
      { read: throwing(thrown) },
      {
        async *read() {
          yield [{ seq: 1, text: texts[0] ?? '' }]
          throw thrown
        },
      },
    ]
    for (const each of journals) {
      const { findings } = await broken(plain, { ...memoryJournal(texts), ...each })
      expect(findings[0]).toMatchObject({ rule: 'unreadable', severity: 'error' })
    }
    for (const close of [throwing(thrown), () => Promise.reject(thrown)]) {
      const report = await plain.replayCheck({ ...memoryJournal(texts), close })
      expect(report).toMatchObject({ ok: true, seq: 2 })
    }
  })
})

describe('a journal that gives', () => {
  const entry = (seq: unknown, text: unknown = record({ type: 'go', v: 2, payload: seq })) =>
    ({ seq, text }) as never
  const reading = (...chunks: unknown[]): Journal => ({
    ...memoryJournal(),
    async *read() {
      for (const chunk of chunks) yield chunk as never
    },
  })

  test.each<[string, unknown[]]>([
    ['a gap', [[entry(1), entry(3)]]],
    ['another beginning', [[entry(2)]]],
    ['no number', [[entry(1), entry(Number.NaN)]]],
    ['no text', [[entry(1), entry(2, null)]]],
    ['no entries', [[entry(1), null]]],
    ['what is no list', [7]],
    ['nothing to open', []],
  ])('%s is reported', async (what, chunks) => {
    const journal = reading(...chunks)
    if (what === 'nothing to open') journal.open = async () => undefined as never
    const { findings } = await broken(plain, journal)
    expect(findings[0]).toMatchObject({ rule: 'unreadable' })
  })

  test('the same records again is fine', async () => {
    const again = reading([entry(1), entry(1)], [entry(1), entry(2)], [entry(2)])
    expect(await plain.replayCheck(again)).toMatchObject({ ok: true, seq: 2, findings: [] })
  })
})

describe('records', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

  test.each([
    deep(100_000),
    `{"at":"","type":"go","v":2,"payload":${deep(100_000)}}`,
    `{"at":"","type":"go","v":2,"payload":${deep(129)}}`,
    `{"at":"","type":"go","batch":${deep(100_000)}}`,
    '{"at":"","type":"go","v":2,"payload":{"__proto__":{"n":1}}}',
    '{"at":"","type":"go","v":2,"payload":{"a":[{"constructor":1}]}}',
    '{"at":"","type":"go","v":2,"payload":-0}',
    '{"at":"","type":"go","v":3}',
    '{"at":"","type":"go","v":-1}',
    '{"at":"","type":"go","v":"2"}',
    '{"at":"","type":"__proto__"}',
    '{"at":"","type":"constructor"}',
    '{"at":{},"type":"go"}',
    '{"at":"","key":7,"type":"go"}',
    '{"at":"","command":[],"type":"go"}',
    '{"at":"","batch":{}}',
    '{"at":"","batch":[null]}',
    '{"at":"","batch":[{}]}',
    '{"__proto__":{"at":"","type":"go"}}',
    '\u0000',
    '',
  ])('that are hostile are reported: %.60s', async (text) => {
    const fine = record({ type: 'go', v: 2, payload: 1 })
    const { findings } = await broken(plain, memoryJournal([fine, text]))
    expect(findings[0]?.seq).toBe(2)
    expect({}).not.toHaveProperty('n')
  })

  test('cut off or changed anywhere give a report', async () => {
    const texts = [
      record({ type: 'go', v: 2, payload: { a: [1, { b: 'x' }] }, key: 'k', command: 'c' }),
      record({
        batch: [
          { type: 'go', payload: 1 },
          { type: 'go', v: 2 },
        ],
      }),
    ]
    const cases = fc.record({
      text: fc.constantFrom(...texts),
      from: fc.nat(120),
      length: fc.nat(3),
      by: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom('"', '{', '1e999', '\ud800', 'null'),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: 4 }), async (changed) => {
        const journal = memoryJournal(
          changed.map(
            ({ text, from, length, by }) => text.slice(0, from) + by + text.slice(from + length),
          ),
        )
        const { ok, findings } = await plain.replayCheck(journal, { record: true })
        expect(ok).toBe(findings.every(({ severity }) => severity !== 'error'))
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is told is no more than can be read', () => {
  test('of messages and issues', async () => {
    const loud = storeWith({ apply: throwing(new Error('x'.repeat(1e6))) })
    const { findings } = await broken(loud, memoryJournal([record({ type: 'go', v: 2 })]))
    expect(JSON.stringify(findings).length).toBeLessThan(5_000)

    const numbers = defineStore({
      name: 'hostile',
      state: {},
      mutations: { go: { payload: z.array(z.number()), apply() {} } },
    })
    const words = Array.from({ length: 10_000 }, (_, n) => `word ${n}`)
    const many = await broken(
      numbers as never,
      memoryJournal([record({ type: 'go', payload: words })]),
    )
    expect(JSON.stringify(many.findings).length).toBeLessThan(10_000)
    expect(many.findings[0]).toMatchObject({ rule: 'invalid_payload', seq: 1 })
  })

  test('of a rule, and what is left out is counted with that rule', async () => {
    const strict = defineStore({
      name: 'hostile',
      state: { n: 0 },
      mutations: {
        go: { payload: z.strictObject({}), apply: (draft) => void draft.n++ },
        now: { apply: (draft) => void Object.assign(draft, { n: Date.now() * 0 }) },
      },
    })
    const go = (n: number) => record({ type: 'go', payload: { [`k${n}`]: 1 } })
    const texts = Array.from({ length: 300 }, (_, n) =>
      n === 200 ? record({ type: 'now' }) : go(n),
    )
    const { findings } = await broken(strict as never, memoryJournal(texts))
    const ofRule = (wanted: string) => findings.filter(({ rule }) => rule === wanted)
    const sum = (rule: string) =>
      ofRule(rule).reduce((total, { repeated = 0 }) => total + 1 + repeated, 0)
    expect(ofRule('invalid_payload')).toHaveLength(100)
    expect([sum('invalid_payload'), sum('impure')]).toEqual([299, 1])
  })
})
