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
/** The same, with what `read` gives in the state. */
const keeping = (read: () => unknown) =>
  defineStore({
    name: 'going',
    state: { value: null as unknown as string },
    mutations: {
      go: {
        apply(draft) {
          const value = read()
          draft.value =
            typeof value === 'bigint'
              ? String(value)
              : JSON.parse(`[${JSON.stringify(value) ?? 0}]`)
        },
      },
    },
  })
const builtin = (name: string) =>
  process.getBuiltinModule(name) as never as Record<string, (...args: unknown[]) => unknown>
class Moment extends Date {}
const aDay = new Intl.DateTimeFormat('en', { timeZone: 'UTC' })
const given = new Date('2026-07-01T10:20:30.456Z')
const { constructor: SavedDate } = Date.prototype as unknown as { constructor: DateConstructor }
let counter = 0

/** What a state may not depend on, and how the check names it. */
const SOURCES: [string, () => unknown][] = [
  ['Date.now()', () => Date.now()],
  ['new Date()', () => new Date()],
  ['new Date()', () => new (class extends Date {})()],
  ['new Date()', () => new Moment().getTime()],
  ['new Date()', () => +new Moment()],
  ['new Date()', () => `${new Moment().toISOString()}`],
  ['new Date()', () => new SavedDate().toJSON()],
  ['new Date()', () => Reflect.construct(Date, [])],
  ['new Date()', () => new Date().getUTCFullYear()],
  ['new Date()', () => new Date().getUTCDay() === 0],
  ['Date()', () => Date()],
  ['Date.now()', () => Date.now() > Date.parse('2027-06-01T00:00:00Z')],
  ['Date.now()', () => Math.floor(Date.now() / 86_400_000)],
  ['Intl.DateTimeFormat.prototype.format()', () => aDay.format()],
  ['Intl.DateTimeFormat.prototype.format()', () => aDay.format(undefined)],
  ['Intl.DateTimeFormat.prototype.formatToParts()', () => aDay.formatToParts()],
  ['performance.now()', () => performance.now()],
  ['performance.timeOrigin', () => performance.timeOrigin],
  ['performance.mark()', () => performance.mark('here').startTime],
  ['Event.timeStamp', () => new Event('here').timeStamp],
  ['File.lastModified', () => new File([], 'here').lastModified],
  ['process.uptime()', () => process.uptime()],
  ['process.hrtime()', () => process.hrtime()],
  ['process.hrtime.bigint()', () => process.hrtime.bigint()],
  ['os.uptime()', () => builtin('os')['uptime']?.()],
  ['Math.random()', () => Math.random()],
  ['Math.random()', () => Math.random() < 0.5],
  ['Math.random()', () => Math.random() < 0.1],
  ['crypto.randomUUID()', () => crypto.randomUUID()],
  ['crypto.randomUUID()', () => randomUUID()],
  ['crypto.randomInt()', () => randomInt(6)],
  ['crypto.randomInt()', () => randomInt(10, 12)],
  ['crypto.randomBytes()', () => nodeCrypto.randomBytes(4)],
  ['crypto.randomFillSync()', () => nodeCrypto.randomFillSync(new Uint8Array(4))],
  ['crypto.getRandomValues()', () => nodeCrypto.webcrypto.getRandomValues(new Uint8Array(4))],
  ['crypto.getRandomValues()', () => crypto.getRandomValues(new Uint16Array(4))],
  ['crypto.generateKeySync()', () => nodeCrypto.generateKeySync('hmac', { length: 64 }).export()],
  ['Date.prototype.getHours()', () => given.getHours()],
  ['Date.prototype.getTimezoneOffset()', () => given.getTimezoneOffset()],
  ['Date.prototype.toString()', () => String(given)],
  ['new Date(…)', () => new Date(2026, 0, 1)],
  ['new Date(…)', () => new Date('2026-01-01T00:00')],
  ['Date.parse()', () => Date.parse('2026-01-01 00:00')],
  ['Intl.DateTimeFormat', () => Intl.DateTimeFormat().resolvedOptions().timeZone],
  ['Date.prototype.toLocaleTimeString()', () => given.toLocaleTimeString('en')],
  [
    'Date.prototype.toLocaleDateString()',
    () => given.toLocaleDateString(undefined, { timeZone: 'UTC' }),
  ],
  ['Number.prototype.toLocaleString()', () => (1234.5).toLocaleString()],
  ['Number.prototype.toLocaleString()', () => (1234.5).toLocaleString([])],
  ['Intl.NumberFormat', () => new Intl.NumberFormat().format(1234.5)],
  ['Intl.NumberFormat', () => new Intl.NumberFormat([]).format(1234.5)],
  // No runtime knows it, so each takes its own.
  ['Intl.NumberFormat', () => new Intl.NumberFormat('xx').format(1234.5)],
  ['String.prototype.toLocaleUpperCase()', () => 'i'.toLocaleUpperCase([])],
  ['String.prototype.localeCompare()', () => ['aa', 'z'].sort((a, b) => a.localeCompare(b))],
  ['Intl.Collator', () => ['aa', 'z'].sort(new Intl.Collator().compare)],
  ['String.prototype.toLocaleUpperCase()', () => 'i'.toLocaleUpperCase()],
  ['process.env.HOME', () => process.env['HOME']],
  ['process.env.NODE_ENV', () => process.env['NODE_ENV'] === 'production'],
  ['process.env.NO_SUCH', () => process.env['NO_SUCH'] ?? 'default'],
  ['process.env.HOME', () => 'HOME' in process.env],
  ['process.env', () => Object.keys(process.env).length],
  ['process.cwd()', () => process.cwd()],
  ['process.argv', () => process.argv.length > 0 && process.argv[0]],
  ['process.pid', () => process.pid],
  ['process.platform', () => process.platform],
  ['process.memoryUsage()', () => process.memoryUsage().rss],
  ['process.memoryUsage.rss()', () => process.memoryUsage.rss()],
  ['os.hostname()', () => builtin('os')['hostname']?.()],
  ['os.cpus()', () => builtin('os')['cpus']?.()],
  ['fs.existsSync()', () => builtin('fs')['existsSync']?.('package.json')],
  ['fs.readFileSync()', () => builtin('fs')['readFileSync']?.('package.json', 'utf8')],
  ['child_process.execFileSync()', () => builtin('child_process')['execFileSync']?.('true')],
]

/** Libraries and loggers ask a clock and throw the answer away. */
const HARMLESS: [string, () => unknown][] = [
  ['a clock whose answer is thrown away', () => void Date.now()],
  ['a default that is not needed', () => new Date(Date.now() * 0 + 7)],
  ['a date of now that is set to another', () => new Date(new Date().setTime(86_400_000))],
  ['the length of an id', () => crypto.randomUUID().length],
  ['a shuffled list that is sorted again', () => [3, 1, 2].sort(() => Math.random() - 0.5).sort()],
  ['a limit that is never reached', () => performance.now() < 0],
  ['console.time', () => void [console.time('t'), console.timeEnd('t')]],
  ['console.log with the time', () => console.debug(new Moment(0).getTime())],
  ['a time that is given, formatted', () => aDay.format(given)],
  ['a time that is given, in UTC', () => given.toISOString()],
  ['a time with a zone, parsed', () => Date.parse('2026-01-01T00:00:00+01:00')],
  ['a day, parsed, which is in UTC', () => new Date('2026-01-01').getTime()],
  ['local time there and back', () => given.setHours(given.getHours())],
  ['a locale that is named', () => (1234.5).toLocaleString('en')],
  ['words that all locales sort alike', () => ['b', 'a'].sort((a, b) => a.localeCompare(b))],
  ['upper case that all locales share', () => 'b'.toLocaleUpperCase()],
  ['a file with a time that is given', () => new File([], 'f', { lastModified: 7 }).lastModified],
  ['the environment, for a log', () => void process.env['DEBUG']],
  ['the process, for a log', () => void process.pid],
  ['a timer that does nothing', () => void setTimeout(() => undefined, 1)],
]

describe('a state that depends on', () => {
  test.each(SOURCES)('%s is found, with its name and its record: %s', async (what, read) => {
    const { ok, findings, seq } = await keeping(read).replayCheck(memoryJournal([text, text]))
    expect([ok, seq]).toEqual([false, 2])
    const [first] = findings.filter(({ severity }) => severity === 'error')
    expect(first).toMatchObject({ rule: 'impure', seq: 1, type: 'go' })
    expect(first?.message).toContain(`apply of go uses ${what}`)
    expect(findings.filter(({ rule }) => rule === 'nondeterministic')).toEqual([])
  })

  test('what is accepted for it is replayed, and the reason is in the report', async () => {
    const accept = { timeZone: 'All servers run in UTC.', random: 'It is a sample.' }
    const accepting = (read: () => unknown) =>
      defineStore({
        name: 'going',
        state: { value: null as unknown },
        mutations: {
          go: { accept, apply: (draft: object) => void Object.assign(draft, { value: read() }) },
        },
      } as never)
    for (const read of [() => given.getHours(), () => Math.random(), () => crypto.randomUUID()]) {
      const { ok, findings } = await accepting(read).replayCheck(
        memoryJournal(Array(1_200).fill(text)),
      )
      expect([ok, findings.length]).toEqual([true, 1])
      expect(findings[0]).toMatchObject({ rule: 'impure', severity: 'note', repeated: 1_199 })
      expect(findings[0]?.message).toMatch(/The definition accepts that: (All servers|It is a)/)
    }
    const other = await accepting(() => [Math.random(), Date.now()]).replayCheck(
      memoryJournal([text]),
    )
    expect(other.findings.find(({ severity }) => severity === 'error')?.message).toContain(
      'uses Date.now(): at',
    )
  })

  test('one source of several is told by its name alone', async () => {
    const read = () => [Date.now() > 0, Math.random(), process.pid > 0]
    const { findings } = await keeping(read).replayCheck(memoryJournal([text]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'error' }])
    expect(findings[0]?.message).toContain('apply of go uses Math.random(): ')
  })

  test('a counter beside a clock is not taken for the clock', async () => {
    const read = () => [Date.now() > 0, ++counter]
    const { findings } = await keeping(read).replayCheck(memoryJournal([text]))
    expect(findings[0]).toMatchObject({ rule: 'nondeterministic', severity: 'error' })
  })

  test('a clock only in a late record is found there', async () => {
    const late = defineStore({
      name: 'going',
      state: { value: 0 },
      mutations: {
        go: { apply: (_, __, { seq }) => ({ value: seq === 1_300 ? Date.now() : seq }) },
      },
    })
    const { findings } = await late.replayCheck(memoryJournal(Array(1_400).fill(text)))
    expect(findings).toMatchObject([{ rule: 'impure', seq: 1_300 }])
  })

  test('a clock that decides whether a reducer fails is found', async () => {
    const failing = keeping(() => {
      if (Date.now() < Date.parse('2028-01-01T00:00:00Z')) throw new Error('too early')
    })
    const { findings } = await failing.replayCheck(memoryJournal([text]))
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'error' }])
    expect(findings[0]?.message).toContain('uses Date.now()')
  })
})

describe('a state that does not depend on', () => {
  test.each(HARMLESS)('%s passes', async (_, read) => {
    const journal = memoryJournal(Array(20).fill(text))
    const { ok, findings } = await keeping(read).replayCheck(journal)
    expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([])
    expect(ok).toBe(true)
  })

  test('what its reducer uses has a note of it, once for each source', async () => {
    const often = going(() => [1, 2, 3].map(() => Date.now()))
    const { ok, findings } = await often.replayCheck(memoryJournal([text, text, text]))
    expect(ok).toBe(true)
    expect(findings).toMatchObject([{ rule: 'impure', severity: 'note', seq: 1, repeated: 2 }])
    expect(findings[0]?.message).toBe(
      'apply of go uses Date.now(). The state did not depend on it, so this is harmless so far',
    )
  })
})

describe('a reducer that uses', () => {
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
