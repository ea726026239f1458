// Upcasters, schemas and the initial state are as deterministic as reducers, and the check finds where not.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineStore, memoryJournal, upcaster } from 'ministore-ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compareSchemas, schemaLock } from '../../src/proof/schema/index.ts'

const at = '2026-11-22T12:00:00.000Z'
const record = (fields: object) => JSON.stringify({ at, type: 'add', ...fields })
const old = (name: string, fields: object = {}) => record({ ...fields, payload: { name } })
const v1 = z.object({ name: z.string() })
const errors = (findings: readonly { severity: string }[]) =>
  findings.filter(({ severity }) => severity === 'error')

/** Users, in their second version: with an id, and whatever else a test adds. */
const users = (step: object, payload: z.ZodType = v1.extend({ id: z.string() })) =>
  defineStore({
    name: 'users',
    state: { users: [] as { name: string }[] },
    mutations: {
      add: {
        payload: payload as z.ZodType<{ name: string }>,
        upcast: { 1: step as z.ZodType<{ name: string }> },
        apply: (draft, user) => void draft.users.push(user),
      },
    },
  })

describe('an upcaster with meta', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ministore-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const second = defineStore({
    name: 'users',
    state: { users: [] as { name: string; id: string; since: string }[] },
    mutations: {
      add: {
        payload: v1.extend({ id: z.string(), since: z.string() }),
        upcast: {
          1: upcaster(v1, ({ name }, { seq, at: since }) => ({ name, id: `user-${seq}`, since })),
        },
        apply: (draft, user) => void draft.users.push(user),
      },
    },
  })

  test('gets the seq, the time and the key of the record, at each opening', async () => {
    const path = join(directory, 'users.jsonl')
    const first = defineStore({
      name: 'users',
      state: { names: [] as string[] },
      mutations: { add: { payload: v1, apply: (draft, { name }) => void draft.names.push(name) } },
    })
    const store = await first.open(path, { now: () => Date.parse(at) })
    for (const name of ['ann', 'bob']) await store.dispatch('add', { name })
    await store.close()
    const state = {
      users: [
        { name: 'ann', id: 'user-1', since: at },
        { name: 'bob', id: 'user-2', since: at },
      ],
    }
    for (let opening = 0; opening < 2; opening++) {
      const again = await second.open(path)
      expect(again.state).toEqual(state)
      await again.close()
    }
    expect(await second.replayCheck(path)).toMatchObject({ ok: true, findings: [] })
    const keyed = users(upcaster(v1, ({ name }, { key }) => ({ name, id: key ?? 'none' })))
    const { state: byKey } = await keyed.replay(memoryJournal([old('ann', { key: 'k1' })]))
    expect(byKey).toEqual({ users: [{ name: 'ann', id: 'k1' }] })
  })

  test('reads its payload with its schema, and fails as any upcaster', async () => {
    const journal = memoryJournal([record({ payload: { name: 1 } })])
    await expect(second.replay(journal)).rejects.toMatchObject({ code: 'upcast_failed', seq: 1 })
    for (const transform of [
      async () => ({ name: 'a', id: 'b' }),
      () => ({ name: 'a' }),
      () => {
        throw new Error('no')
      },
    ]) {
      const store = users({ schema: v1, transform })
      const opening = store.replay(memoryJournal([old('ann')]))
      await expect(opening).rejects.toMatchObject({ code: 'upcast_failed', seq: 1 })
    }
  })

  test('is locked by its schema, as any upcaster', () => {
    const wider = users(upcaster(z.object({ name: z.string().or(z.number()) }), () => ({})))
    const narrower = users(upcaster(z.object({ name: z.string().max(3) }), () => ({})))
    const lock = schemaLock(users(upcaster(v1, () => ({}))))
    const compare = (now: typeof wider) => compareSchemas(lock, schemaLock(now), 'lock.json')
    expect(errors(compare(wider))).toEqual([])
    expect(errors(compare(narrower))).toMatchObject([{ rule: 'schema_changed', type: 'add' }])
  })

  test('has the type of its schema, and gives what the current schema takes', () => {
    const mutation = {
      payload: v1.extend({ id: z.string() }),
      apply: () => undefined,
    }
    const define = (step: ReturnType<typeof upcaster<typeof v1, { name: string; id: string }>>) =>
      defineStore({
        name: 'users',
        state: {},
        mutations: { add: { ...mutation, upcast: { 1: step } } },
      })
    define(upcaster(v1, ({ name }, { at: id }) => ({ name, id })))
    // @ts-expect-error there is no such field in the recorded payload
    define(upcaster(v1, ({ title }, { at: id }) => ({ name: title, id })))
    // @ts-expect-error the id is missing
    define(upcaster(v1, ({ name }) => ({ name })))
    const inline = { 1: upcaster(v1, ({ name }) => ({ name })) }
    const add = { ...mutation, upcast: inline }
    // @ts-expect-error the same, where nothing says what it has to give
    defineStore({ name: 'users', state: {}, mutations: { add } })
  })

  test('is part of a definition, which says what may stand there', () => {
    for (const step of [{ schema: v1 }, { transform: () => ({}) }, () => ({}), {}]) {
      expect(() => users(step)).toThrow(/must be a Zod schema, or what upcaster\(\) returns/)
    }
  })
})

describe('what is accepted', () => {
  test('names a source and gives a reason', () => {
    const apply = () => undefined
    const define = (accept: object) => () =>
      defineStore({ name: 'users', state: {}, mutations: { add: { accept, apply } } } as never)
    defineStore({
      name: 'users',
      state: {},
      mutations: { add: { accept: { clock: 'Only for a log.' }, apply } },
    })
    const wrong = () =>
      defineStore({
        name: 'users',
        state: {},
        mutations: {
          add: {
            apply,
            // @ts-expect-error a source that does not exist
            accept: { clocks: 'Only for a log.' },
          },
        },
      })
    expect(wrong).toThrow(/bad_definition|mutations\.add\.accept/)
    expect(define({ clock: '' })).toThrow(/mutations\.add\.accept\.clock: must give the reason/)
    expect(define({ clock: true })).toThrow(/mutations\.add\.accept\.clock/)
    expect(define({ time: 'no' })).toThrow(/mutations\.add\.accept/)
  })
})

describe('what gives another payload at another time or place', () => {
  const withDefault = (make: () => string) => v1.extend({ id: z.string().default(make) })
  test.each<[string, object, z.ZodType | undefined]>([
    ['crypto.randomUUID()', v1, withDefault(() => crypto.randomUUID())],
    ['Date.now()', v1, withDefault(() => `${Date.now()}`)],
    ['new Date()', v1.transform((v) => ({ ...v, id: new Date().toISOString() })), undefined],
    ['Math.random()', upcaster(v1, (v) => ({ ...v, id: `${Math.random()}` })), undefined],
    ['process.env.HOME', upcaster(v1, (v) => ({ ...v, id: `${process.env['HOME']}` })), undefined],
    ['process.pid', v1.transform((v) => ({ ...v, id: `${process.pid}` })), undefined],
  ])(
    '%s in an upcaster is found, with mutation, version and record',
    async (what, step, payload) => {
      const today = record({ v: 2, payload: { name: 'zoe', id: 'z' } })
      const journal = memoryJournal([today, old('ann'), old('bob')])
      const { ok, findings, seq } = await users(step, payload).replayCheck(journal)
      expect([ok, seq]).toEqual([false, 3])
      expect(findings).toMatchObject([
        { rule: 'impure', severity: 'error', seq: 2, type: 'add', repeated: 1 },
      ])
      const where = "the upcaster of version 1 of add, with today's schema, uses "
      expect(findings[0]?.message).toContain(`${where}${what}: at another time or place`)
      expect(findings[0]?.message).toContain('meta.at')
    },
  )

  test('a counter in an upcaster is found too', async () => {
    let calls = 0
    const counting = users(v1.transform((v) => ({ ...v, id: `${++calls}` })))
    const { findings } = await counting.replayCheck(memoryJournal([old('ann')]))
    expect(findings).toMatchObject([{ rule: 'nondeterministic', severity: 'error', seq: 1 }])
  })

  test('a part of a batch is named', async () => {
    const store = users(
      v1.transform((v) => ({ ...v, id: v.name === 'bob' ? crypto.randomUUID() : 'x' })),
    )
    const batch = [
      { type: 'add', payload: { name: 'ann' } },
      { type: 'add', payload: { name: 'bob' } },
    ]
    const { findings } = await store.replayCheck(memoryJournal([JSON.stringify({ at, batch })]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'error', seq: 1, type: 'add' }])
  })

  test('of a batch, the mutation whose payload differs is named, not the first one', async () => {
    const payload = v1.extend({ id: z.string() })
    const mutation = (id: () => string) => ({
      payload,
      upcast: { 1: v1.transform((v) => ({ ...v, id: id() })) },
      apply: () => undefined,
    })
    const store = defineStore({
      name: 'users',
      state: {},
      mutations: { add: mutation(() => 'x'), tag: mutation(() => crypto.randomUUID()) },
    })
    const batch = ['add', 'tag', 'add'].map((type) => ({ type, payload: { name: 'ann' } }))
    const { findings } = await store.replayCheck(memoryJournal([JSON.stringify({ at, batch })]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'error', seq: 1, type: 'tag' }])
    expect(findings[0]?.message).toContain('the upcaster of version 1 of tag')
  })

  test('a clock that differs only close to the time of the record is found', async () => {
    const isNear = (time: string) => Math.abs(Date.now() - Date.parse(time)) < 3_600_000
    const step = upcaster(v1, (v, meta) => ({ ...v, id: isNear(meta.at) ? 'new' : 'old' }))
    const early = JSON.stringify({
      ...{ at: '2001-01-01T00:00:00.000Z', type: 'add', payload: { name: 'ann' } },
    })
    const { findings } = await users(step).replayCheck(memoryJournal([early]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'error', seq: 1 }])
  })

  test('a clock that decides whether an upcaster fails is found', async () => {
    const until = Date.parse('2028-01-01T00:00:00Z')
    for (const step of [
      v1.refine(() => Date.now() < until).transform((v) => ({ ...v, id: 'x' })),
      v1.refine(() => Date.now() > until).transform((v) => ({ ...v, id: 'x' })),
    ]) {
      const { ok, findings } = await users(step).replayCheck(memoryJournal([old('ann')]))
      expect(ok).toBe(false)
      expect(findings[0]).toMatchObject({ rule: 'impure', severity: 'error', seq: 1, type: 'add' })
    }
  })

  test('an upcaster that uses nothing of it has nothing found about it', async () => {
    for (const step of [
      v1.transform((v) => ({ ...v, id: v.name })),
      upcaster(v1, (v, meta) => ({ ...v, id: new Date(meta.at).toISOString() })),
    ]) {
      const report = await users(step).replayCheck(memoryJournal([old('ann'), old('bob')]))
      expect(report).toMatchObject({ ok: true, findings: [] })
    }
    const logging = v1.transform((v) => ({ ...v, id: v.name, at: void Date.now() }))
    const { ok, findings } = await users(logging).replayCheck(memoryJournal([old('ann')]))
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'note', seq: 1, type: 'add' }])
  })

  test('what a definition accepts of an upcaster is a note with the reason', async () => {
    const store = defineStore({
      name: 'users',
      state: { n: 0 },
      mutations: {
        add: {
          payload: v1.extend({ id: z.string() }),
          upcast: { 1: v1.transform((v) => ({ ...v, id: `${new Date(at).getHours()}` })) },
          accept: { timeZone: 'All servers run in UTC.' },
          apply: (draft) => void draft.n++,
        },
      },
    })
    const { ok, findings } = await store.replayCheck(memoryJournal([old('ann')]))
    expect([ok, findings.length]).toEqual([true, 1])
    expect(findings[0]?.message).toContain('The definition accepts that: All servers run in UTC.')
  })
})

describe('a payload schema', () => {
  const planning = (due: z.ZodType<string>) =>
    defineStore({
      name: 'planning',
      state: { due: [] as string[] },
      mutations: {
        plan: {
          payload: z.object({ due }),
          apply: (draft, payload) => void draft.due.push(payload.due),
        },
      },
    })
  const plan = (due: string) => JSON.stringify({ at, type: 'plan', payload: { due } })
  const soon = () => new Date(Date.now() + 3_600_000).toISOString()

  test.each<[string, (date: string) => boolean]>([
    ['new Date()', (date) => new Date(date) > new Date()],
    ['Date.now()', (date) => Date.parse(date) > Date.now()],
    ['performance.now()', () => performance.now() < 3_000_000],
  ])('that asks %s is found at once, not when time has passed', async (what, isAllowed) => {
    const schema = z.iso.datetime().refine(isAllowed)
    const { ok, findings } = await planning(schema).replayCheck(memoryJournal([plan(soon())]))
    expect(ok).toBe(false)
    expect(errors(findings)).toMatchObject([{ rule: 'impure', seq: 1, type: 'plan' }])
    expect(findings[0]?.message).toContain(`today's schema of plan uses ${what}`)
  })

  test('whose answer to a recorded payload stays the same passes', async () => {
    const isPast = z.iso.datetime().refine((date) => Date.parse(date) <= Date.now())
    const withId = z.string().default(() => crypto.randomUUID())
    for (const schema of [isPast, withId]) {
      const { ok } = await planning(schema).replayCheck(memoryJournal([plan(at)]))
      expect(ok).toBe(true)
    }
    const { findings } = await planning(isPast).replayCheck(memoryJournal([plan(at)]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'note', seq: 1, type: 'plan' }])
    expect(findings[0]?.message).toContain("today's schema of plan uses Date.now()")
  })

  test('may use what the definition accepts, and the reason is told', async () => {
    const mutation = {
      payload: v1.refine(() => new Date(at).getHours() === new Date(at).getUTCHours()),
      apply: () => undefined,
    }
    const define = (accept: { timeZone?: string }) =>
      defineStore({ name: 'users', state: {}, mutations: { add: { ...mutation, accept } } })
    const strict = await define({}).replayCheck(memoryJournal([old('ann')]))
    expect(strict.ok).toBe(false)
    const journal = memoryJournal([old('ann')])
    const { ok, findings } = await define({ timeZone: 'UTC everywhere.' }).replayCheck(journal)
    expect([ok, findings.length]).toEqual([true, 1])
    expect(findings[0]?.message).toContain('The definition accepts that: UTC everywhere.')
  })
})

describe("a state's schema", () => {
  const counting = (more: z.core.$ZodShape) => {
    const state = z.object({ n: z.int().default(0), ...more })
    return defineStore({
      name: 'counting',
      state: state as unknown as z.ZodObject<{ n: z.ZodDefault<z.ZodInt> }>,
      mutations: { inc: { apply: (draft) => void draft.n++ } },
    })
  }
  const journal = () => memoryJournal([JSON.stringify({ at, type: 'inc' })])

  test.each<[string, () => unknown]>([
    ['crypto.randomUUID()', () => crypto.randomUUID()],
    ['Math.random()', () => Math.random()],
    ['Date.now()', () => Date.now()],
    ['new Date()', () => new Date().toISOString().slice(0, 10)],
    ['process.pid', () => process.pid],
    ['os.hostname()', () => process.getBuiltinModule('os').hostname()],
    ['Date.prototype.getTimezoneOffset()', () => new Date(0).getTimezoneOffset()],
  ])('that makes an initial state with %s is found', async (what, make) => {
    const { ok, findings } = await counting({ of: z.json().default(make as never) }).replayCheck(
      journal(),
    )
    expect(ok).toBe(false)
    expect(findings[0]).toMatchObject({ rule: 'impure', severity: 'error', seq: 0 })
    expect(findings[0]?.message).toContain(`the state's schema uses ${what}: at another`)
    expect(findings[0]?.diff?.changes).toMatchObject([{ path: '/of' }])
  })

  test('that counts its initial states is found, and a constant one passes', async () => {
    let made = 0
    const counted = counting({ of: z.number().default(() => ++made) })
    expect((await counted.replayCheck(journal())).findings[0]).toMatchObject({
      rule: 'nondeterministic',
      seq: 0,
    })
    const constant = counting({ of: z.array(z.string()).default(() => ['a']) })
    expect(await constant.replayCheck(journal())).toMatchObject({ ok: true, findings: [] })
  })

  test('whose default only asks a clock has a note, and one that fails later is found', async () => {
    const asking = counting({ of: z.string().default(() => `at ${void Date.now()}`) })
    const { ok, findings } = await asking.replayCheck(journal())
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'note', seq: 0 }])
    expect(findings[0]?.message).toContain("the state's schema uses Date.now()")
    const until = Date.parse('2028-01-01T00:00:00Z')
    const given = z.string().default(() => (Date.now() < until ? 'soon' : JSON.parse('late')))
    const { findings: found } = await counting({ of: given }).replayCheck(journal())
    expect(found[0]).toMatchObject({ rule: 'impure', severity: 'error', seq: 0 })
  })

  test('that asks a clock about a state is found', async () => {
    const until = Date.parse('2028-01-01T00:00:00Z')
    const limited = counting({
      of: z
        .number()
        .default(0)
        .refine(() => Date.now() < until),
    })
    const { ok, findings } = await limited.replayCheck(journal())
    expect(ok).toBe(false)
    expect(findings.at(-1)).toMatchObject({ rule: 'impure', severity: 'error', seq: 1 })
    const says =
      "the state's schema uses Date.now(): at another time or place it gives another answer"
    expect(findings.at(-1)?.message).toContain(says)
    const steady = z.number().refine(() => Date.now() > 0)
    const passed = await counting({ of: steady.optional() }).replayCheck(journal())
    expect(passed).toMatchObject({ ok: true, findings: [] })
    const state = z.object({ n: steady.default(0) })
    const mutations = { inc: { apply: (draft: { n?: number }) => void draft.n } }
    const asking = defineStore({ name: 'counting', state, mutations: mutations as never })
    const { ok: isFine, findings: notes } = await asking.replayCheck(journal())
    expect([isFine, notes.map(({ severity }) => severity)]).toEqual([true, ['note']])
    expect(notes[0]?.message).toContain('The answer about the state did not depend on it')
  })
})
