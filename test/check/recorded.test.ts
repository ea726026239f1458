// Recorded digests: the first record that gives another state is named, although few are recorded.
import fc from 'fast-check'
import { isDraft } from 'immer'
import {
  type AnyStoreDefinition,
  defineStore,
  type Journal,
  type Json,
  memoryJournal,
} from 'ministore-ts'
import { parseRecording, type Recording } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

type Change = (counts: Record<string, number>, key: string, by: number, seq: number) => unknown

/** Counters, whose reducer is what a test says; or what was shipped. */
function counters(
  change: Change = (counts, key, by) => Object.assign(counts, { [key]: (counts[key] ?? 0) + by }),
) {
  return defineStore({
    name: 'counters',
    state: { counts: {} as Record<string, number> },
    mutations: {
      add: {
        payload: z.object({ key: z.string(), by: z.number() }),
        apply: (draft, { key, by }, { seq }) => void change(draft.counts, key, by, seq),
      },
    },
  })
}
const shipped = counters()

type Tree = { [key: string]: Json }

/** Sets values in a tree, but for the records that a test has skipped. */
const tree = (isSkipped: (seq: number) => boolean, isSlow = false) =>
  defineStore({
    name: 'tree',
    state: {} as Tree,
    mutations: {
      set: {
        payload: z.object({ path: z.array(z.string()), value: z.json() }),
        apply(draft, { path, value }, { seq }) {
          if (isSkipped(seq)) return
          // Asking Immer makes replay in place impossible.
          let at: Tree = isSlow && !isDraft(draft) ? {} : (draft as Tree)
          for (const key of path.slice(0, -1)) {
            if (Array.isArray(at) && !(key in at)) return
            const next = at[key]
            if (typeof next !== 'object' || next === null) at[key] = {}
            at = at[key] as Tree
          }
          const last = path.at(-1) ?? ''
          if (!Array.isArray(at)) at[last] = value as Json
          else if (Number(last) <= at.length) at[Number(last)] = value as Json
        },
      },
    },
  })

const textsOf = (adds: readonly (readonly [string, number])[]) =>
  adds.map(([key, by]) =>
    JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type: 'add', payload: { by, key } }),
  )

/** What `--update` would record. */
async function record(definition: AnyStoreDefinition, journal: Journal) {
  const { recording } = await definition.replayCheck(journal, { record: true })
  if (!recording) throw new Error('nothing was recorded')
  return parseRecording(JSON.stringify(recording), 'test')
}
const many = (count: number) =>
  textsOf(Array.from({ length: count }, (_, index) => [`k${index % 7}`, index] as const))

describe('recorded digests', () => {
  test('are met by the code that recorded them, and by code that does the same', async () => {
    const journal = memoryJournal(many(200))
    const recording = await record(shipped, journal)
    const rewritten = counters((counts, key, by) => {
      counts[key] ??= 0
      counts[key] += by
    })
    for (const definition of [shipped, rewritten]) {
      const report = await definition.replayCheck(journal, { recording })
      expect(report).toMatchObject({ ok: true, findings: [] })
    }
  })

  test('are few, however long the journal is, and say the last seq', async () => {
    for (const count of [1, 19, 500]) {
      const { digests } = await record(shipped, memoryJournal(many(count)))
      expect(digests.length).toBeLessThanOrEqual(21)
      expect(digests.at(-1)).toMatchObject({ seq: count })
    }
  })

  test('name the first record that gives another state, wherever it is', async () => {
    const add = fc.tuple(fc.constantFrom('a', 'b', 'c', '__', ''), fc.integer({ min: 1, max: 9 }))
    const cases = fc
      .array(add, { minLength: 1, maxLength: 120 })
      .chain((adds) => fc.tuple(fc.constant(adds), fc.integer({ min: 1, max: adds.length })))
    await fc.assert(
      fc.asyncProperty(cases, async ([adds, from]) => {
        const journal = memoryJournal(textsOf(adds))
        const recording = await record(shipped, journal)
        const changed = counters((counts, key, by, seq) => {
          counts[key] = (counts[key] ?? 0) + by * (seq < from ? 1 : 2)
        })
        const { ok, findings } = await changed.replayCheck(journal, { recording })
        const [key, by] = adds[from - 1] ?? ['', 0]
        expect(ok).toBe(false)
        expect(findings).toHaveLength(1)
        expect(findings[0]).toMatchObject({ rule: 'digest_mismatch', seq: from, type: 'add' })
        expect(findings[0]?.message).toContain(`add ${JSON.stringify({ by, key })}`)
        expect(findings[0]?.diff?.changes).toMatchObject([{ path: `/counts/${key}` }])
        expect(findings[0]?.diff?.unified).toContain(`+++ state at seq ${from}`)
      }),
      { numRuns: 60 },
    )
  })

  test('name the first of the records that differ, also where a later one makes up for it', async () => {
    const step = fc.record({
      path: fc.array(fc.constantFrom('a', 'b', '0', '1'), { minLength: 1, maxLength: 3 }),
      value: fc.oneof(fc.integer(), fc.constantFrom({ b: [1], a: {} }, [{ a: 1 }, 2], 'text')),
    })
    const cases = fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 90 }),
      skipped: fc.array(fc.nat(100), { minLength: 1, maxLength: 3 }),
      isSlow: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ steps, skipped, isSlow }) => {
        const journal = memoryJournal(
          steps.map((payload) => JSON.stringify({ at: '', type: 'set', payload })),
        )
        const [old, changed] = [tree(() => false), tree((seq) => skipped.includes(seq), isSlow)]
        const recording = await record(old, journal)
        const differs = await Promise.all(
          [0, ...steps.keys()].map(async (_, seq) => {
            const [one, other] = [old, changed].map((each) => each.replay(journal, { until: seq }))
            return (await one)?.digest !== (await other)?.digest
          }),
        )
        const missed = recording.digests.findIndex(({ seq }) => differs[seq])
        const from = recording.digests[missed - 1]?.seq ?? 0
        const expected = missed < 0 ? undefined : differs.indexOf(true, from)

        const { findings } = await changed.replayCheck(journal, { recording })
        const found = findings.filter(({ rule }) => rule === 'digest_mismatch')
        expect(found.map(({ seq }) => seq)).toEqual(expected === undefined ? [] : [expected])
      }),
      { numRuns: 40 },
    )
  })

  test('do not depend on the order in which an object has its keys', async () => {
    const add = (counts: Record<string, number>, key: string, by: number) => {
      for (const each of [key, 'sum']) counts[each] = (counts[each] ?? 0) + by
    }
    const journal = memoryJournal(many(200))
    const recording = await record(counters(add), journal)
    for (const from of [1_000, 137]) {
      const turning = counters((counts, key, by, seq) => {
        add(counts, key, by + (seq < from ? 0 : 1))
        for (const [each, count] of Object.entries(counts).reverse()) {
          delete counts[each]
          counts[each] = count
        }
      })
      const { findings } = await turning.replayCheck(journal, { recording })
      expect(findings.map(({ seq }) => seq)).toEqual(from < 200 ? [from] : [])
    }
  })

  test('are as many after many updates', async () => {
    const journal = memoryJournal()
    let recording: Recording | undefined
    for (let count = 0; count < 200; count += 20) {
      await journal.open('counters')
      await journal.append(
        many(20).map((text) => ({ text })),
        count,
      )
      const report = await shipped.replayCheck(journal, { record: true, recording })
      expect(report).toMatchObject({ ok: true, findings: [] })
      recording = report.recording
      expect(recording?.digests.length).toBeLessThanOrEqual(21)
    }
  })

  test('are compared as far as the journal can be read', async () => {
    const texts = many(100)
    const journal = memoryJournal(texts)
    const { epoch } = await journal.open('counters')
    const recording = await record(shipped, journal)
    const changed = counters((counts, key, by, seq) => {
      counts[key] = (counts[key] ?? 0) + (seq < 42 ? by : 0)
    })
    const damaged = memoryJournal([...texts.slice(0, 60), '{', ...texts.slice(61)])
    const open = async (name: string) => ({ ...(await damaged.open(name)), epoch })
    const { findings } = await changed.replayCheck({ ...damaged, open }, { recording })
    expect(findings).toMatchObject([
      { rule: 'unreadable', seq: 61 },
      { rule: 'digest_mismatch', seq: 42 },
    ])
  })

  test('tell a changed definition from one that is the same and calls something else', async () => {
    let factor = 1
    const definition = counters((counts, key, by) => {
      counts[key] = (counts[key] ?? 0) + by * factor
    })
    const journal = memoryJournal(many(5))
    const recording = await record(definition, journal)
    factor = 2
    const same = await definition.replayCheck(journal, { recording })
    expect(same.findings[0]?.message).toContain('The definition is the same')
    const other = defineStore({
      name: 'counters',
      state: { counts: {} as Record<string, number> },
      mutations: {
        add: {
          payload: z.object({ key: z.string(), by: z.number() }),
          apply: (draft, { key }) => void Object.assign(draft.counts, { [key]: 1 }),
        },
      },
    })
    const changed = await other.replayCheck(journal, { recording })
    expect(changed.findings[0]?.message).toContain('The definition was changed')
    expect(changed.findings[0]?.message).toContain('ministore-ts check --update')
  })

  test('say where the initial state is another', async () => {
    const journal = memoryJournal(many(3))
    const recording = await record(shipped, journal)
    const other = defineStore({
      name: 'counters',
      state: { counts: {} as Record<string, number>, more: 0 },
      mutations: { add: { payload: z.object({ key: z.string(), by: z.number() }), apply() {} } },
    })
    const { findings } = await other.replayCheck(journal, { recording })
    const { initial: expected } = recording
    expect(findings).toMatchObject([{ rule: 'digest_mismatch', seq: 0, expected }, {}])
    const first = { rule: 'digest_mismatch', seq: 1, type: 'add' }
    expect(findings[1]).toMatchObject(first)

    const same = defineStore({
      name: 'counters',
      state: { counts: {} as Record<string, number>, more: 0 },
      mutations: {
        add: {
          payload: z.object({ key: z.string(), by: z.number() }),
          apply: (draft, { key, by }) =>
            void Object.assign(draft.counts, { [key]: (draft.counts[key] ?? 0) + by }),
        },
      },
    })
    // All states are others then, and there is nothing more to say.
    const only = await same.replayCheck(journal, { recording })
    expect(only.findings).toMatchObject([{ rule: 'digest_mismatch', seq: 0, expected }])
  })

  test('still hold when the journal has grown', async () => {
    const journal = memoryJournal(many(50))
    const recording = await record(shipped, journal)
    await journal.open('counters')
    await journal.append([{ text: many(1)[0] ?? '' }], 50)
    expect(await shipped.replayCheck(journal, { recording })).toMatchObject({ ok: true, seq: 51 })
  })

  test('of another journal, or of more records than there are, are no proof', async () => {
    const recording = await record(shipped, memoryJournal(many(10)))
    const other = await shipped.replayCheck(memoryJournal(many(10)), { recording })
    expect(other).toMatchObject({ ok: false, findings: [{ rule: 'other_recording' }] })
    const short = memoryJournal(many(7))
    const { epoch } = await short.open('counters')
    const lost = await shipped.replayCheck(short, { recording: { ...recording, journal: epoch } })
    expect(lost).toMatchObject({ ok: false, findings: [{ rule: 'lost_records' }] })
    expect(lost.findings[0]?.message).toMatch(/10.*7/)
  })

  test.each([
    ['not JSON', '{'],
    ['something else', '{"format":"other"}'],
    ['a trail with a gap', 'trail'],
  ])('that are %s are refused, with what to do', async (_, text) => {
    const recording = await record(shipped, memoryJournal(many(3)))
    const [first, ...rest] = recording.digests
    const cut = { ...recording, digests: [{ ...first, trail: 'AAA' }, ...rest] }
    const bad = text === 'trail' ? JSON.stringify(cut) : text
    expect(() => parseRecording(bad, 'a.check.json')).toThrow(
      /a\.check\.json.*ministore-ts check --update/,
    )
  })
})

test('nothing is recorded of a journal that could not be replayed to its end', async () => {
  const journal = memoryJournal([...many(3), '{'])
  const report = await shipped.replayCheck(journal, { record: true })
  expect(report.ok).toBe(false)
  expect(report.recording).toBeUndefined()
})
