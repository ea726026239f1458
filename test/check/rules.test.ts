// What the check finds, rule by rule, and that it finds it at the record that is to blame.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { defineStore, type Journal, type Json, memoryJournal, reject } from 'ministore-ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { broker } from '../store/broker.ts'

const at = '2026-11-22T12:00:00.000Z'
const record = (fields: object) => JSON.stringify({ at, ...fields })
const add = (name: string) => record({ type: 'addTopic', payload: { name, partitions: 1 } })
const set = (value: unknown) => record({ type: 'set', payload: { value } })

/** One mutation, `set`, whose reducer is what a test says. */
const setting = (apply: (draft: Draft, value: Json, seq: number) => unknown) =>
  defineStore({
    name: 'setting',
    state: { value: null as Json, list: [] as Json[] },
    mutations: {
      set: {
        payload: z.object({ value: z.json() }),
        apply: (draft, { value }, { seq }) =>
          apply(draft as Draft, value as Json, seq) as undefined,
      },
    },
  })
interface Draft {
  value: Json
  list: Json[]
}

describe('a journal that fits', () => {
  test('has nothing found about it, and its digest and coverage told', async () => {
    const journal = memoryJournal([add('a'), add('b')])
    const report = await broker.replayCheck(journal)
    const { digest } = await broker.replay(journal)
    expect(report).toMatchObject({ ok: true, records: 2, seq: 2, digest, findings: [] })
    expect(await broker.replayCheck(journal, { digest })).toEqual(report)
  })

  test('is told how far the check is', async () => {
    const told: unknown[] = []
    const onProgress = (...args: unknown[]) => void told.push(args)
    await broker.replayCheck(memoryJournal([add('a'), add('b')]), { onProgress })
    expect(told).toEqual([[2, 2]])
  })
})

describe('what is wrong with a record', () => {
  test.each<[string, string[], object]>([
    [
      'a mutation that the definition lost',
      [add('a'), record({ type: 'addTopics' })],
      { rule: 'unknown_mutation', seq: 2, message: expect.stringContaining('did you mean') },
    ],
    ['what is no record', [add('a'), '{'], { rule: 'unreadable', seq: 2 }],
    [
      'a payload that today’s schema refuses',
      [add('a'), add('')],
      { rule: 'invalid_payload', seq: 2, type: 'addTopic', issues: [{ path: ['name'] }] },
    ],
    [
      'a payload that today’s schema reads as another, such as with a new default',
      [record({ type: 'addTopic', payload: { name: 'a' } })],
      { rule: 'invalid_payload', message: expect.stringContaining('add payload.partitions') },
    ],
    [
      'a payload that could pollute a prototype',
      ['{"at":"x","type":"addTopic","payload":{"__proto__":{"a":1},"name":"a"}}'],
      { rule: 'unreadable', seq: 1 },
    ],
    [
      'a reducer that throws',
      [add('a'), record({ type: 'setPartitions', payload: { name: 'x', partitions: 1 } })],
      { rule: 'apply_failed', seq: 2, type: 'setPartitions', severity: 'error' },
    ],
  ])('%s is found, with seq and reason', async (_, texts, finding) => {
    const report = await broker.replayCheck(memoryJournal(texts))
    expect(report.ok).toBe(false)
    expect(report.findings[0]).toMatchObject(finding)
  })

  test.each<[string, z.ZodType, unknown]>([
    ['a map', z.object({}).transform(() => new Map()), {}],
    [
      'an instance',
      z.object({ n: z.number() }).transform((read) => Object.assign(new (class X {})(), read)),
      { n: 1 },
    ],
    ['nothing', z.object({}).transform(() => undefined), {}],
  ])('a payload that today’s schema reads as %s is found', async (_, schema, payload) => {
    const reading = defineStore({
      name: 'reading',
      state: {},
      mutations: { go: { payload: schema as z.ZodType<number>, apply() {} } },
    })
    const journal = memoryJournal([record({ type: 'go', payload })])
    const { findings } = await reading.replayCheck(journal)
    expect(findings).toMatchObject([{ rule: 'invalid_payload', seq: 1, type: 'go' }])
    expect(findings[0]?.message).toContain('reads a recorded payload as another (')
  })

  test('goes on behind what does not change the state, and stops where it cannot be known', async () => {
    const on = await broker.replayCheck(memoryJournal([add(''), add('b')]))
    expect(on).toMatchObject({ seq: 2, findings: [{ seq: 1 }] })
    const failing = record({ type: 'setPartitions', payload: { name: 'x', partitions: 1 } })
    const stopped = await broker.replayCheck(memoryJournal([add('a'), failing, add('b')]))
    expect(stopped).toMatchObject({ seq: 1, findings: [{ seq: 2 }] })
  })

  test('is told once, with how many more records have it', async () => {
    const { findings } = await broker.replayCheck(memoryJournal([add(''), add(''), add('')]))
    expect(findings).toMatchObject([{ seq: 1, repeated: 2 }])
  })

  test('does not fill the memory, however much is wrong', async () => {
    const texts = Array.from({ length: 3_000 }, (_, n) =>
      record({ type: 'addTopic', payload: { name: 'a', partitions: `x${n}`, [`k${n}`]: n } }),
    )
    const strict = defineStore({
      name: 'broker',
      state: {},
      mutations: { addTopic: { payload: z.strictObject({ name: z.string() }), apply() {} } },
    })
    const { findings } = await strict.replayCheck(memoryJournal(texts))
    expect(findings.length).toBeLessThanOrEqual(100)
    expect(findings.reduce((sum, { repeated = 0 }) => sum + 1 + repeated, 0)).toBe(3_000)
  })
})

describe('what is wrong with a reducer', () => {
  test('that gives another state each time is found, with both states', async () => {
    let calls = 0
    const dice = setting((draft) => {
      draft.value = ++calls
    })
    const { ok, findings } = await dice.replayCheck(memoryJournal([set(1)]))
    expect(ok).toBe(false)
    expect(findings[0]).toMatchObject({ rule: 'nondeterministic', seq: 1, type: 'set' })
    expect(findings[0]?.diff?.changes).toMatchObject([{ op: 'replace', path: '/value' }])
  })

  test('that does so only now and then, late in a long journal, is found all the same', async () => {
    let calls = 0
    const dice = setting((draft, value) => {
      draft.value = value
      if (value === 'odd') draft.list.push(++calls)
    })
    const texts = Array.from({ length: 1_500 }, (_, n) => set(n === 1_400 ? 'odd' : n))
    const { findings } = await dice.replayCheck(memoryJournal(texts))
    expect(findings[0]).toMatchObject({ rule: 'nondeterministic', seq: 1_401 })
  })

  test('that changes something every other time only is found, whichever time is the first', async () => {
    for (const first of [0, 1]) {
      let calls = first
      const toggling = setting((draft, value, seq) => {
        draft.value = value
        if (seq === 2) calls += 1
        if (calls % 2 === 1 && seq === 2) draft.list.push(1)
      })
      const journal = memoryJournal([set(1), set(2), set(3), set(4)])
      const { findings } = await toggling.replayCheck(journal)
      expect(findings).toMatchObject([{ rule: 'nondeterministic', seq: 2, type: 'set' }])
      expect(findings[0]?.diff?.changes).toMatchObject([{ path: '/list/0' }])
    }
  })

  test('that fails every other time only is found, whichever time is the first', async () => {
    for (const first of [0, 1]) {
      let calls = first
      const failing = setting(() => {
        calls += 1
        if (calls % 2 === 0) throw new Error('sometimes')
      })
      const { findings } = await failing.replayCheck(memoryJournal([set(1)]))
      expect(findings).toMatchObject([{ rule: 'nondeterministic', seq: 1, type: 'set' }])
    }
  })

  test('that sorts its payload is found, although that is in order', async () => {
    const sorting = setting((draft, value) => {
      draft.value = (value as number[]).sort()
    })
    const { findings } = await sorting.replayCheck(memoryJournal([set([1, 2])]))
    expect(findings).toMatchObject([{ rule: 'payload_changed', seq: 1, type: 'set' }])
  })

  test('that fails in the middle of a batch is told by its name', async () => {
    const batch = [
      { type: 'addTopic', payload: { name: 'a', partitions: 1 } },
      { type: 'setPartitions', payload: { name: 'b', partitions: 1 } },
    ]
    const { seq, findings } = await broker.replayCheck(memoryJournal([add('x'), record({ batch })]))
    expect(findings).toMatchObject([{ rule: 'apply_failed', seq: 2, type: 'setPartitions' }])
    expect(seq).toBe(1)
  })

  test('that writes to its payload is found', async () => {
    const writing = setting((draft, value) => {
      ;(value as { n: number }).n = 2
      draft.value = value
    })
    const { findings } = await writing.replayCheck(memoryJournal([set({ n: 1 })]))
    expect(findings[0]).toMatchObject({ rule: 'payload_changed', seq: 1, type: 'set' })
  })

  test('that puts one object in two places is found, with both and the record that did it', async () => {
    const sharing = setting((draft, value, seq) => {
      if (seq === 2) draft.list.push(value)
      draft.value = value
    })
    const journal = memoryJournal([set({ n: 1 }), set({ n: 2 })])
    const { ok, findings } = await sharing.replayCheck(journal)
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'not_a_tree', severity: 'warning', seq: 2 }])
    expect(findings[0]?.message).toContain('/list/0 and /value')
  })

  test('that cannot be replayed in place is only noted', async () => {
    const { current } = await import('immer')
    const asking = setting((draft, value) => {
      draft.value = [(current(draft as never) as Draft).value, value]
    })
    const { ok, findings } = await asking.replayCheck(memoryJournal([set(1), set(2)]))
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'not_in_place', severity: 'note', seq: 1 }])
  })
})

describe('what is wrong with the state', () => {
  const counted = defineStore({
    name: 'counted',
    state: z.object({ n: z.number().max(3).default(0) }),
    mutations: {
      add: { apply: (draft) => void draft.n++ },
      subtract: { apply: (draft) => void draft.n-- },
      break: { apply: (draft) => void Object.assign(draft, { n: Number.NaN }) },
      big: { apply: (draft) => void Object.assign(draft, { n: 1n }) },
    },
  })
  const journalOf = (types: readonly string[]) =>
    memoryJournal(types.map((type) => record({ type })))

  test('its schema says, and the check says which record made it so', async () => {
    const types = [...Array<string>(3).fill('add'), 'subtract', 'add', 'add', 'add']
    const { ok, findings } = await counted.replayCheck(journalOf(types))
    expect(ok).toBe(false)
    expect(findings[0]).toMatchObject({ rule: 'invalid_state', seq: 6, type: 'add' })
  })

  test.each(['break', 'big'])('that it is no JSON is found: %s', async (type) => {
    const { findings } = await counted.replayCheck(journalOf(['add', type]), { digest: 'x' })
    const rules = findings.map(({ rule }) => rule)
    expect(rules).toContain('invalid_state')
    expect(rules).toContain('digest_mismatch')
  })

  test('that it has another digest than the expected one', async () => {
    const report = await counted.replayCheck(journalOf(['add']), { digest: 'sha256:00' })
    const found = { rule: 'digest_mismatch', seq: 1, expected: 'sha256:00', actual: report.digest }
    expect(report).toMatchObject({ ok: false, findings: [found] })
  })
})

describe('coverage', () => {
  const users = defineStore({
    name: 'users',
    state: { names: [] as string[] },
    mutations: {
      add: {
        payload: z.object({ name: z.string() }),
        upcast: { 1: z.string().transform((name) => ({ name })) },
        apply: (draft, { name }) => void draft.names.push(name),
      },
      clear: { apply: () => ({ names: [] }) },
    },
    retired: { drop: { payload: z.string(), apply() {} } },
    commands: {
      addAll: {
        input: z.array(z.string()),
        run: (tx, names) => {
          if (names.length === 0) return reject('none')
          for (const name of names) tx.dispatch('add', { name })
          return undefined
        },
      },
      never: { run() {} },
    },
  })

  test('counts mutations by payload version, retired ones, and commands', async () => {
    const old = record({ type: 'add', payload: 'old', command: 'a command that is gone' })
    const live = memoryJournal([old])
    const store = await users.open(live)
    await store.execute('addAll', ['a', 'b'])
    await store.dispatch('add', { name: 'c' })
    const { ok, coverage } = await users.replayCheck(live)
    expect(ok).toBe(true)
    expect(coverage).toEqual({
      mutations: [
        { type: 'add', version: 1, records: 1, retired: false },
        { type: 'add', version: 2, records: 3, retired: false },
        { type: 'clear', version: 1, records: 0, retired: false },
        { type: 'drop', version: 1, records: 0, retired: true },
      ],
      commands: [
        { name: 'addAll', records: 1 },
        { name: 'never', records: 0 },
      ],
    })
  })
})

describe('a journal in a file', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ministore-check-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  async function written(name: string): Promise<string> {
    const path = join(directory, name)
    const store = await broker.open(path)
    await store.dispatch('addTopic', { name: 'a' })
    await store.dispatch('addTopic', { name: 'b' })
    await store.close()
    return path
  }

  test('has its findings told with their line', async () => {
    const path = await written('lines.jsonl')
    const strict = defineStore({
      name: 'broker',
      state: {},
      mutations: {
        addTopic: {
          payload: z.object({ name: z.literal('a'), partitions: z.number() }),
          apply() {},
        },
      },
    })
    const { findings } = await strict.replayCheck(path)
    expect(findings).toMatchObject([{ rule: 'invalid_payload', file: path, line: 3, seq: 2 }])
  })

  test('that is damaged, foreign, of another store or not there is told, not thrown', async () => {
    const damaged = await written('damaged.jsonl')
    appendFileSync(damaged, 'what is this?\n')
    const foreign = join(directory, 'foreign.jsonl')
    writeFileSync(foreign, 'hello\n')
    const other = defineStore({ name: 'other', state: {}, mutations: { a: { apply() {} } } })
    expect(await broker.replayCheck(damaged)).toMatchObject({
      ok: false,
      findings: [{ rule: 'unreadable', file: damaged, line: 4 }],
    })
    expect((await broker.replayCheck(foreign)).findings).toMatchObject([{ rule: 'unreadable' }])
    expect((await other.replayCheck(await written('other.jsonl'))).findings).toMatchObject([
      { rule: 'wrong_store' },
    ])
    const nowhere = await broker.replayCheck(join(directory, 'nowhere.jsonl'))
    expect(nowhere).toMatchObject({ ok: false, records: 0, findings: [{ rule: 'unreadable' }] })
  })

  test('that ends in a torn write is fine, with a warning', async () => {
    const path = await written('torn.jsonl')
    appendFileSync(path, '{"seq":3,"at":"20')
    const { ok, findings } = await broker.replayCheck(path)
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'torn_write', severity: 'warning' }])
  })

  test('is compared with the digests beside it, and told where those are no such file', async () => {
    const path = await written('recorded.jsonl')
    const { recording } = await broker.replayCheck(path, { record: true })
    writeFileSync(`${path}.check.json`, JSON.stringify(recording))
    expect(await broker.replayCheck(path)).toMatchObject({ ok: true, findings: [] })
    writeFileSync(`${path}.check.json`, '{')
    const { ok, findings } = await broker.replayCheck(path)
    expect(ok).toBe(false)
    expect(findings).toMatchObject([{ rule: 'other_recording', file: `${path}.check.json` }])
  })
})

describe('the check never throws', () => {
  test('whatever a journal does', async () => {
    const failing: Journal[] = [
      { ...memoryJournal(), open: () => Promise.reject(new Error('no')) },
      {
        ...memoryJournal(),
        async *read() {
          yield [{ seq: 1, text: add('a') }]
          throw new Error('half-way')
        },
      },
      {
        ...memoryJournal(),
        async *read() {
          yield [{ seq: 2, text: add('a') }]
        },
      },
      { ...memoryJournal([add('a')]), close: () => Promise.reject(new Error('no')) },
    ]
    const reports = await Promise.all(failing.map((journal) => broker.replayCheck(journal)))
    expect(reports.map(({ ok }) => ok)).toEqual([false, false, false, true])
    expect(reports[1]).toMatchObject({ seq: 1, findings: [{ rule: 'unreadable' }] })
  })

  test('whatever a record holds', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ type: fc.constantFrom('addTopic', 'reset', 'x'), payload: fc.jsonValue() })
        .map(record),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (texts) => {
        const { ok, findings } = await broker.replayCheck(memoryJournal(texts))
        expect(ok).toBe(findings.every(({ severity }) => severity !== 'error'))
        JSON.stringify(findings)
      }),
      { numRuns: 300 },
    )
  })

  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    [
      'an object that cannot be told',
      () => ({
        toString: () => {
          throw new Error('no')
        },
      }),
    ],
    ['a function', () => () => 1],
  ])('whatever a reducer throws: %s', async (_, make) => {
    const throwing = setting(() => {
      throw make()
    })
    const { ok, findings } = await throwing.replayCheck(memoryJournal([set(1)]))
    expect(ok).toBe(false)
    expect(findings[0]).toMatchObject({ rule: 'apply_failed', seq: 1 })
  })
})
