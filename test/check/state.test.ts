// The state as a whole: what is wrong with it is told once, with the record that made it so.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { isDraft } from 'immer'
import { defineStore, memoryJournal } from 'ministore-ts'
import { type Table, table } from 'ministore-ts/table'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

type Loose = Record<string, unknown>

/** Counts up; `set` does what a test says. */
const counting = (set: (draft: Loose, value: string) => unknown = () => undefined) =>
  defineStore({
    name: 'counting',
    state: z
      .object({ n: z.number().default(0), ok: z.literal(true).default(true) })
      .catchall(z.json()),
    mutations: {
      add: { apply: (draft) => void draft.n++ },
      /** Cannot be replayed in place. */
      slow: {
        apply: (draft) => void Object.assign(draft, { n: isDraft(draft) ? draft.n + 1 : 0 }),
      },
      set: { payload: z.string(), apply: (draft, value) => set(draft, value) as undefined },
      fail: {
        apply() {
          throw new Error('never')
        },
      },
    },
  })

const record = (type: string, payload?: unknown) =>
  JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type, payload })
const times = (count: number, text: string) => Array.from({ length: count }, () => text)

describe('a state that its schema does not allow', () => {
  const breaking = counting((draft, value) => Object.assign(draft, { ok: value === 'mend' }))

  test('is told once, with the record that made it so, wherever that is in a long journal', async () => {
    const cases = fc.tuple(fc.integer({ min: 0, max: 250 }), fc.integer({ min: 0, max: 250 }))
    await fc.assert(
      fc.asyncProperty(cases, fc.constantFrom('add', 'slow'), async ([before, behind], type) => {
        const texts = [
          ...times(before, record(type)),
          record('set', 'x'),
          ...times(behind, record(type)),
        ]
        const { ok, findings } = await breaking.replayCheck(memoryJournal(texts))
        expect(ok).toBe(false)
        expect(findings.filter(({ severity }) => severity === 'error')).toMatchObject([
          {
            rule: 'invalid_state',
            seq: before + 1,
            type: 'set',
            message: expect.stringContaining('state.ok'),
          },
        ])
        const { diff } = findings.find(({ rule }) => rule === 'invalid_state') ?? {}
        expect(diff?.changes).toEqual([{ op: 'replace', path: '/ok', before: true, value: false }])
        expect(findings.find(({ rule }) => rule === 'invalid_state')?.repeated).toBeUndefined()
      }),
      { numRuns: 15 },
    )
  })

  test('is told again where it was mended in between', async () => {
    const texts = ['x', 'mend', 'x', 'mend'].map((value) => record('set', value))
    const { findings } = await breaking.replayCheck(memoryJournal(texts))
    expect(findings).toMatchObject([{ rule: 'invalid_state', seq: 1, repeated: 1 }])
  })

  test('is told although a later record cannot be applied, or read', async () => {
    for (const last of [record('fail'), '{']) {
      const texts = [...times(30, record('add')), record('set', 'x'), last]
      const { findings } = await breaking.replayCheck(memoryJournal(texts))
      const told = findings.map(({ rule, seq }) => [rule, seq])
      expect(told).toContainEqual(['invalid_state', 31])
      expect(told).toHaveLength(2)
    }
  })

  test('is asked for few times, however long the journal is', async () => {
    let asked = 0
    const state = z.object({ n: z.number().default(0) }).refine(({ n }) => {
      asked += 1
      return n < 1_234
    })
    const asking = defineStore({
      name: 'asking',
      state: state as unknown as z.ZodObject<{ n: z.ZodDefault<z.ZodNumber> }>,
      mutations: { add: { apply: (draft) => void draft.n++ } },
    })
    const journal = memoryJournal(times(3_000, record('add')))
    const { findings } = await asking.replayCheck(journal)
    expect(findings).toMatchObject([{ rule: 'invalid_state', seq: 1_234, type: 'add' }])
    expect(asked).toBeLessThan(60)
  })
})

describe('a state that is no JSON', () => {
  test.each<[string, (draft: Loose) => unknown, string]>([
    ['NaN', (draft) => Object.assign(draft, { x: Number.NaN }), 'the state.x is NaN'],
    ['a big integer', (draft) => Object.assign(draft, { x: 1n }), 'the state.x is a bigint'],
    ['a function', (draft) => Object.assign(draft, { x: String }), 'the state.x is a function'],
    ['a date', (draft) => Object.assign(draft, { x: new Date(0) }), 'the state.x is a Date'],
    ['a hole', (draft) => Object.assign(draft, { x: new Array(2) }), 'the state.x.0 is undefined'],
    [
      'a forbidden key',
      (draft) => Object.assign(draft, { constructor: 1 }),
      'the state.constructor',
    ],
    [
      'a symbol as a key',
      (draft) => Object.assign(draft, { [Symbol.for('x')]: 1 }),
      'symbols as keys',
    ],
    ['a cycle', (draft) => Object.assign(draft, { x: new Cycle() }), 'the state.x is a Cycle'],
    ['a deep list', (draft) => Object.assign(draft, { x: nested(200) }), 'nested deeper than 128'],
  ])('%s: is found at its record, and nothing is thrown', async (_, apply, message) => {
    const texts = [record('set', ''), record('add'), record('set', 'x'), record('add')]
    const definition = counting((draft, value) =>
      value === '' ? Object.assign(draft, { x: { deep: 1 } }) : apply(draft),
    )
    const options = { record: true, digest: 'sha256:00' }
    const report = await definition.replayCheck(memoryJournal(texts), options)
    expect(report).toMatchObject({ ok: false, seq: 4 })
    const found = report.findings.find(({ rule }) => rule === 'invalid_state')
    expect(found).toMatchObject({ seq: 3, type: 'set', severity: 'error' })
    expect(found?.message).toContain(message)
    expect(found?.message.length).toBeLessThan(200)
    expect(report.findings.map(({ rule }) => rule)).toContain('digest_mismatch')
  })

  test('is not recorded, also where it was one only for a while', async () => {
    const definition = counting((draft, value) =>
      Object.assign(draft, { x: value === 'x' ? 1n : null }),
    )
    const texts = [record('set', 'x'), record('set', 'mend'), ...times(100, record('add'))]
    for (const count of [2, 10, 102]) {
      const journal = memoryJournal(texts.slice(0, count))
      const { recording, findings } = await definition.replayCheck(journal, { record: true })
      const isSeen = findings.some(({ rule }) => rule === 'invalid_state')
      expect(recording === undefined).toBe(isSeen)
      for (const { digest } of recording?.digests ?? []) expect(digest).toMatch(/^sha256:/)
    }
  })
})

class Cycle {
  readonly self = this
}

const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)])

describe('a state that is no tree', () => {
  test('is only warned of, with both places and the record, also behind one that is slow', async () => {
    const shared = { deep: { n: 1 } }
    const sharing = counting((draft, value) => Object.assign(draft, { [value]: shared }))
    const texts = [
      record('slow'),
      record('set', 'a/b'),
      record('add'),
      record('set', '~'),
      record('add'),
    ]
    const { ok, findings } = await sharing.replayCheck(memoryJournal(texts))
    expect(ok).toBe(true)
    const found = findings.find(({ rule }) => rule === 'not_a_tree')
    expect(found).toMatchObject({ severity: 'warning', seq: 4, type: 'set' })
    expect(found?.message).toContain('/a~1b and /~0 are one object')
  })

  test('has places in tables, which are told by their keys', async () => {
    const shared = { n: 1 }
    const tables = defineStore({
      name: 'tables',
      state: { all: table<{ n: number }>(), inner: table<Table<{ n: number }>>() },
      mutations: {
        set: { payload: z.string(), apply: ({ all }, key) => all.set(key, shared) },
        nest: {
          apply: ({ inner }) => inner.set('~', table([['root', shared]])),
        },
      },
    })
    const texts = [record('set', '__proto__'), record('nest'), record('set', '__proto__')]
    const { findings } = await tables.replayCheck(memoryJournal(texts))
    expect(findings).toMatchObject([
      {
        rule: 'not_a_tree',
        seq: 2,
        type: 'nest',
        message: expect.stringContaining('/all/__proto__ and /inner/~0/root are one object'),
      },
    ])
    expect((await tables.replayCheck(memoryJournal(texts.slice(0, 1)))).findings).toEqual([])
  })
})

describe('in a file', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ministore-check-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test('the line of the record is told, and what is damaged, with its line', async () => {
    const path = join(directory, 'broken.jsonl')
    const definition = counting((draft) => Object.assign(draft, { ok: false }))
    const store = await definition.open(path, { sync: 'blocking', durability: 'os' })
    const dispatches = times(2_000, 'add').map(() => store.dispatch('add'))
    await Promise.all([...dispatches, store.dispatch('set', 'x'), store.dispatch('add')])
    await store.close()
    const { findings } = await definition.replayCheck(path)
    expect(findings).toMatchObject([{ rule: 'invalid_state', seq: 2_001, line: 2_002, file: path }])

    const lines = readFileSync(path, 'utf8').split('\n')
    const damage: [string, (lines: string[]) => string[], object][] = [
      [
        'a changed byte',
        (all) => all.with(5, (all[5] ?? '').replace('add', 'bdd')),
        { seq: 5, line: 6 },
      ],
      ['a lost line', (all) => all.toSpliced(5, 1), { line: 6 }],
      ['a line twice', (all) => all.toSpliced(5, 0, all[5] ?? ''), { line: 7 }],
      ['no header', (all) => all.slice(1), {}],
    ]
    for (const [what, change, place] of damage) {
      writeFileSync(path, change(lines).join('\n'))
      const report = await definition.replayCheck(path)
      expect(report.ok, what).toBe(false)
      expect(report.findings.at(0), what).toMatchObject({ rule: 'unreadable', ...place })
    }
    writeFileSync(path, lines.join('\n'))
    appendFileSync(path, '{"seq":2003,')
    expect((await counting().replayCheck(path)).findings).toMatchObject([{ rule: 'torn_write' }])
  })
})
