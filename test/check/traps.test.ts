// What a reducer may not use is caught while it runs, and is as ever at any other time.
import { randomUUID } from 'node:crypto'
import * as timers from 'node:timers'
import { defineStore, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'

const text = JSON.stringify({ at: '2026-11-22T12:00:00.000Z', type: 'go' })
const going = (run: () => unknown, after: () => unknown = () => undefined) =>
  defineStore({
    name: 'going',
    state: { n: 0 },
    mutations: {
      go: {
        apply(draft) {
          run()
          after()
          draft.n += 1
        },
      },
    },
  })

describe('a reducer that uses', () => {
  test.each<[string, () => unknown]>([
    ['Date.now()', () => Date.now()],
    ['new Date()', () => new Date()],
    ['Date()', () => Date()],
    ['Math.random()', () => Math.random()],
    ['performance.now()', () => performance.now()],
    ['crypto.randomUUID()', () => crypto.randomUUID()],
    ['crypto.randomUUID()', () => randomUUID()],
    ['crypto.getRandomValues()', () => crypto.getRandomValues(new Uint8Array(4))],
    ['process.hrtime()', () => process.hrtime()],
    ['process.hrtime.bigint()', () => process.hrtime.bigint()],
  ])('%s is told so, with its record, and goes on', async (what, run) => {
    const report = await going(run).replayCheck(memoryJournal([text, text]))
    expect(report).toMatchObject({
      ok: false,
      seq: 2,
      findings: [{ rule: 'impure', severity: 'error', seq: 1, type: 'go', repeated: 1 }],
    })
    expect(report.findings[0]?.message).toContain(`apply of go uses ${what}`)
  })

  test.each<[string, (later: () => void) => unknown]>([
    ['setTimeout()', (later) => setTimeout(later, 0)],
    ['setInterval()', (later) => setInterval(later, 1)],
    ['setImmediate()', (later) => setImmediate(later)],
    ['queueMicrotask()', (later) => queueMicrotask(later)],
    ['process.nextTick()', (later) => process.nextTick(later)],
    ['timers.setTimeout()', (later) => timers.setTimeout(later, 0)],
    ['fetch()', (later) => void fetch('http://127.0.0.1:9/').then(later, later)],
  ])('%s is told so, and nothing of it is done', async (what, run) => {
    let isDone = false
    const later = () => {
      isDone = true
    }
    const report = await going(() => run(later)).replayCheck(memoryJournal([text]))
    expect(report.findings[0]?.message).toContain(`uses ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isDone).toBe(false)
  })

  test('dates that are given, and everything else, may do so', async () => {
    const run = () => {
      expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z')
      expect(new Date(2020, 1) instanceof Date).toBe(true)
      expect(Date.UTC(2020, 0)).toBe(1577836800000)
      expect(Date.parse('1970-01-01')).toBe(0)
      return Math.max(1, 2)
    }
    expect(await going(run).replayCheck(memoryJournal([text]))).toMatchObject({ findings: [] })
  })
})

describe('everybody else', () => {
  const real = () => [
    Date,
    Date.now,
    Math.random,
    performance.now,
    crypto.randomUUID,
    process.hrtime,
    process.hrtime.bigint,
    process.nextTick,
    setTimeout,
    setInterval,
    setImmediate,
    queueMicrotask,
    fetch,
    randomUUID,
  ]

  test('has what they had, before and after, also where a reducer throws', async () => {
    const before = real()
    const failing = going(
      () => Date.now(),
      () => {
        throw new Error('no')
      },
    )
    const journal = memoryJournal([text])
    const checks = [failing.replayCheck(journal), going(() => 1).replayCheck(memoryJournal([text]))]
    await Promise.all(checks)
    expect(real()).toEqual(before)
    for (const [index, each] of real().entries()) expect(each).toBe(before[index])
  })

  test('is not told of while a check is under way', async () => {
    const definition = going(() => 1)
    let isOver = false
    const check = definition.replayCheck(memoryJournal(Array(2_000).fill(text))).then((report) => {
      isOver = true
      return report
    })
    while (!isOver) {
      expect(new Date()).toBeInstanceOf(Date)
      expect(new Date().constructor).toBe(Date)
      expect(Date.now()).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    expect((await check).findings).toEqual([])
  })
})
