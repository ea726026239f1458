// Recorded digests: the first record that gives another state is named, although few are recorded.
import fc from 'fast-check'
import { type AnyStoreDefinition, defineStore, type Journal, memoryJournal } from 'ministore-ts'
import { parseRecording } from 'ministore-ts/check'
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
    expect(changed.findings[0]?.message).toContain('ministore check --update')
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
    expect(findings[0]).toMatchObject({ rule: 'digest_mismatch', seq: 0 })
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
    expect(lost).toMatchObject({ ok: false, findings: [{ rule: 'other_recording' }] })
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
      /a\.check\.json.*ministore check --update/,
    )
  })
})

test('nothing is recorded of a journal that could not be replayed to its end', async () => {
  const journal = memoryJournal([...many(3), '{'])
  const report = await shipped.replayCheck(journal, { record: true })
  expect(report.ok).toBe(false)
  expect(report.recording).toBeUndefined()
})
