// What a reducer may not use is caught while it runs, and is as ever at any other time.
import { execFileSync } from 'node:child_process'
import nodeCrypto, { randomInt, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import * as timers from 'node:timers'
import { pathToFileURL } from 'node:url'
import { defineStore, memoryJournal } from 'ministore-ts'
import { describe, expect, test } from 'vitest'
import { main } from '../cli/build.ts'

const RealDate = Date
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
    ['crypto.randomInt()', () => randomInt(6)],
    ['crypto.randomBytes()', () => nodeCrypto.randomBytes(4)],
    ['crypto.randomFillSync()', () => nodeCrypto.randomFillSync(new Uint8Array(4))],
    ['crypto.getRandomValues()', () => nodeCrypto.webcrypto.getRandomValues(new Uint8Array(4))],
    ['process.uptime()', () => process.uptime()],
    ['new Date()', () => new (class extends Date {})()],
    ['new Date()', () => Reflect.construct(Date, [])],
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

  test('the clock of Temporal, where there is one, is told so', async () => {
    const now = { instant: () => 7 }
    Object.assign(globalThis, { Temporal: { Now: now } })
    const { instant } = now
    try {
      const report = await going(() => now.instant()).replayCheck(memoryJournal([text]))
      expect(report.findings[0]?.message).toContain('uses Temporal.Now.instant()')
      expect(now.instant).toBe(instant)
    } finally {
      Reflect.deleteProperty(globalThis, 'Temporal')
    }
  })

  test('one of them often is told once for each of its records', async () => {
    const often = going(() => [1, 2, 3].map(() => Date.now()))
    const { findings } = await often.replayCheck(memoryJournal([text, text, text]))
    expect(findings).toMatchObject([{ rule: 'impure', seq: 1, repeated: 2 }])
  })

  test('what is blocked has nothing of it done, however often it is run again', async () => {
    let done = 0
    const later = () => setTimeout(() => done++, 0)
    const failing = going(later, () => {
      throw new Error('never')
    })
    const shared = { deep: 1 }
    // Looked for: where its state became no JSON, no tree, and another than was recorded.
    const spoiling = defineStore({
      name: 'going',
      state: {} as Record<string, number>,
      mutations: {
        go: {
          apply: (draft) => void Object.assign(draft, { a: shared, b: shared, n: later() ?? 1n }),
        },
      },
    })
    const plain = defineStore({ name: 'going', state: {}, mutations: { go: { apply() {} } } })
    const journal = memoryJournal(Array(40).fill(text))
    const { recording } = await plain.replayCheck(journal, { record: true })
    const reports = [
      await failing.replayCheck(journal),
      await spoiling.replayCheck(journal, { recording }),
    ]
    const rules = reports.map(({ findings }) => findings.map(({ rule }) => rule).sort())
    expect(rules).toEqual([
      ['apply_failed', 'impure'],
      ['digest_mismatch', 'impure', 'invalid_state', 'not_a_tree'],
    ])
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(done).toBe(0)
  })

  test('process.nextTick() is told so, in a process where vitest does not replace it', () => {
    const index = pathToFileURL(join(dirname(main()), '../index.js'))
    const program = `
      import { defineStore, memoryJournal } from ${JSON.stringify(index)}
      const apply = () => process.nextTick(() => console.log('done'))
      const definition = defineStore({ name: 'going', state: {}, mutations: { go: { apply } } })
      const report = await definition.replayCheck(memoryJournal([${JSON.stringify(text)}]))
      console.log(report.findings[0].message)`
    const args = ['--input-type=module', '-e', program]
    const printed = execFileSync(process.execPath, args, { encoding: 'utf8' })
    expect(printed).toMatch(/^apply of go uses process\.nextTick\(\)/)
    expect(printed).not.toContain('done')
  })

  test('dates that are given, and everything else, may do so', async () => {
    const run = () => {
      expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z')
      expect(new Date(2020, 1) instanceof Date).toBe(true)
      expect(new (class extends Date {})(0) instanceof Date).toBe(true)
      expect(new Date(new Date(7)).getTime()).toBe(7)
      expect(new Date(undefined as never).getTime()).toBeNaN()
      expect(Object.getPrototypeOf(new Date(0))).toBe(Date.prototype)
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
    let kept: typeof Date.now | undefined
    while (!isOver) {
      expect(Date).toBe(RealDate)
      kept ??= Date.now
      expect(crypto.randomUUID()).toHaveLength(36)
      expect(await fetch('data:,x').then((response) => response.text())).toBe('x')
      await new Promise<void>((resolve) => process.nextTick(() => queueMicrotask(resolve)))
      expect(new Date()).toBeInstanceOf(Date)
      expect(new Date().constructor).toBe(Date)
      expect(Date.now()).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    expect((await check).findings).toEqual([])
    // Whoever took it meanwhile has a clock all the same.
    expect(kept?.()).toBeGreaterThan(0)
  })

  test('that is checked at the same time is told of its own uses only', async () => {
    const journal = () => memoryJournal(Array(300).fill(text))
    const [clock, dice, clean] = await Promise.all([
      going(() => Date.now()).replayCheck(journal()),
      going(() => Math.random()).replayCheck(journal()),
      going(() => 1).replayCheck(journal()),
    ])
    for (const [report, what] of [
      [clock, 'Date.now()'],
      [dice, 'Math.random()'],
    ] as const) {
      expect(report.findings).toMatchObject([{ rule: 'impure', repeated: 299 }])
      expect(report.findings[0]?.message).toContain(`uses ${what}`)
    }
    expect(clean.findings).toEqual([])
    expect(Date).toBe(RealDate)
  })
})
