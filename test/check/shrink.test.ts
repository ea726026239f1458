// A failing journal is cut to what is needed to see it fail.
import fc from 'fast-check'
import { defineStore, memoryJournal } from 'ministore-ts'
import { shrink } from 'ministore-ts/check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const record = (type: string, key: string) =>
  JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type, payload: key })

const keys = (onDrop: (set: Record<string, boolean>, key: string) => void) =>
  defineStore({
    name: 'keys',
    state: { set: {} as Record<string, boolean> },
    mutations: {
      add: {
        payload: z.string(),
        apply: (draft, key) => void Object.assign(draft.set, { [key]: true }),
      },
      drop: { payload: z.string(), apply: (draft, key) => onDrop(draft.set, key) },
    },
  })
/** Fails where `x` is dropped while it is there. */
const failing = keys((set, key) => {
  if (key === 'x' && set['x']) throw new Error('x cannot be dropped')
  delete set[key]
})
const shrunk = async (texts: readonly string[]) => {
  const journal = memoryJournal(texts)
  const report = await failing.replayCheck(journal)
  return shrink(failing, journal, report, undefined)
}

describe('shrink', () => {
  test('leaves the records without which it would not fail, and says which they were', async () => {
    const noise = Array.from({ length: 40 }, (_, n) => record('add', `k${n}`))
    const texts = [...noise, record('add', 'x'), ...noise, record('drop', 'x'), ...noise]
    const found = await shrunk(texts)
    expect(found?.texts).toEqual([record('add', 'x'), record('drop', 'x')])
    expect(found?.seqs).toEqual([41, 82])
    expect(found?.finding).toMatchObject({ rule: 'apply_failed', type: 'drop' })
  })

  test('gives a journal that fails in the same way, and of which no record can be left out', async () => {
    const one = fc.tuple(fc.constantFrom('add', 'drop'), fc.constantFrom('x', 'y', 'z'))
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 25 }), async (records) => {
        const texts = records.map(([type, key]) => record(type, key))
        const found = await shrunk(texts)
        const report = await failing.replayCheck(memoryJournal(texts))
        expect(found === undefined).toBe(report.ok)
        if (found) expect(found.texts).toEqual([record('add', 'x'), record('drop', 'x')])
      }),
      { numRuns: 40 },
    )
  })

  test('keeps what each rule needs, and no record more', async () => {
    let calls = 0
    const wrong: Record<string, (set: Record<string, unknown>, payload: string[]) => unknown> = {
      a: (set) => Object.assign(set, { at: Date.now() }),
      b: (set) => Object.assign(set, { other: ++calls }),
      c: (set) => Object.assign(set, { big: 1n }),
      d: (_, payload) => payload.push('more'),
      e: () => {
        throw new Error('never')
      },
    }
    const sets = defineStore({
      name: 'sets',
      state: { set: {} as Record<string, boolean> },
      mutations: {
        add: {
          payload: z.string().max(2),
          apply: (draft, key) => void Object.assign(draft.set, { [key]: true }),
        },
        /** Does what is wrong where the two before it are there. */
        use: {
          payload: z.array(z.string()),
          apply(draft, keys) {
            const [key = '', other = ''] = keys
            if (draft.set[key] && draft.set[other]) wrong[key]?.(draft.set, keys)
          },
        },
      },
    })
    const text = (type: string, payload: unknown) =>
      JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type, payload })
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const one = fc.oneof(
      { weight: 6, arbitrary: key.map((name) => text('add', name)) },
      { weight: 6, arbitrary: fc.tuple(key, key).map((names) => text('use', names)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(text('add', 'long'), text('no', ''), text('use', 1)),
      },
    )
    const rules = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 30 }), async (texts) => {
        const journal = memoryJournal(texts)
        const report = await sets.replayCheck(journal)
        const found = await shrink(sets, journal, report, undefined)
        expect(found === undefined).toBe(report.ok)
        if (!found) return
        const { rule, type } = found.finding
        rules.add(rule)
        const isShown = async (kept: readonly string[]) => {
          const { findings } = await sets.replayCheck(memoryJournal(kept))
          return findings.some((each) => each.rule === rule && each.type === type)
        }
        expect(found.seqs.map((seq) => texts[seq - 1])).toEqual(found.texts)
        expect(await isShown(found.texts)).toBe(true)
        expect(found.texts.length).toBeLessThanOrEqual(3)
        for (const at of found.texts.keys()) {
          if (found.texts.length > 1)
            expect(await isShown(found.texts.toSpliced(at, 1))).toBe(false)
        }
      }),
      { numRuns: 60, seed: 1 },
    )
    expect([...rules].sort()).toEqual([
      'apply_failed',
      'impure',
      'invalid_payload',
      'invalid_state',
      'nondeterministic',
      'payload_changed',
      'unknown_mutation',
    ])
  })

  test('finds no less where a record is only needed by one that can go', async () => {
    const chained = keys((set, key) => {
      if (key === 'x') throw new Error('x cannot be dropped')
      if (!set[key]) throw new Error(`no ${key}`)
      delete set[key]
    })
    const texts = [...'abcdefgh'].flatMap((name) => [record('add', name), record('drop', name)])
    const journal = memoryJournal([...texts, record('drop', 'x')])
    const report = await chained.replayCheck(journal)
    const found = await shrink(chained, journal, report, undefined)
    expect(found?.texts).toEqual([record('drop', 'x')])
  })

  test('cuts a journal whose digest is not met after the record that is to blame', async () => {
    const shipped = keys((set, key) => void delete set[key])
    const changed = keys(() => undefined)
    const texts = [...'abcdefgh'].flatMap((key) => [record('add', key), record('add', `${key}2`)])
    const journal = memoryJournal([...texts, record('drop', 'c'), ...texts])
    const { recording } = await shipped.replayCheck(journal, { record: true })
    const report = await changed.replayCheck(journal, { recording })
    const found = await shrink(changed, journal, report, recording)
    expect(found?.texts).toHaveLength(17)
    const short = memoryJournal(found?.texts)
    const { epoch } = await short.open('keys')
    const cut = found?.recording && { ...found.recording, journal: epoch }
    expect(await shipped.replayCheck(short, { recording: cut })).toMatchObject({ ok: true })
    const again = await changed.replayCheck(short, { recording: cut })
    expect(again).toMatchObject({ ok: false, findings: [{ rule: 'digest_mismatch', seq: 17 }] })
  })

  test('leaves alone what is not in the records', async () => {
    const journal = memoryJournal(['{'])
    const report = await failing.replayCheck(journal)
    expect(await shrink(failing, journal, report, undefined)).toBeUndefined()
  })
})
