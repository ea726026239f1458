// Three stores on one simulated engine: whatever its network does, one order of all calls explains all answers.
import { describe, expect, test } from 'vitest'
import { type Bug, bugs, isBug, withBug } from '../engines/chaos/bugs.ts'
import { check } from './checker.ts'
import { buildJournal, JOURNAL_MUTANTS } from './mutants.ts'
import { settled } from './settled.ts'
import { type StoreOperation, sharedStore } from './shared-store.ts'
import { type SimulationOptions, simulated } from './simulated.ts'
import { renderWindow, smallestWindow } from './window.ts'

/** Why a history is not linearizable; undefined if it is. */
function complaint(whole: readonly StoreOperation[]): string | undefined {
  const history = settled(whole)
  const model = sharedStore(history)
  const verdict = check(model, history)
  if (verdict.result === 'linearizable') return undefined
  if (verdict.result === 'undecided') return verdict.result
  return renderWindow(model, smallestWindow(sharedStore, history, verdict))
}

/** Makes and checks histories, many at once, since they mostly wait. Ends with the first complaint. */
async function explored(
  runs: number,
  { onlyDone = false, ...options }: SimulationOptions & { onlyDone?: boolean } = {},
) {
  const [from, together] = [Number(process.env['MINISTORE_SEED'] ?? 1), 25]
  const counts = { operations: 0, unknown: 0, refused: 0, duplicates: 0 }
  for (let seed = from; seed < from + runs; seed += together) {
    const all = Array.from({ length: together }, (_, at) => simulated(seed + at, options))
    for (const [at, whole] of (await Promise.all(all)).entries()) {
      const isNoChange = ({ answer }: StoreOperation) => answer && answer.what !== 'done'
      const history = onlyDone ? whole.filter((each) => !isNoChange(each)) : whole
      for (const { answer } of history) {
        counts.operations += 1
        if (!answer) counts.unknown += 1
        if (answer?.what === 'refused') counts.refused += 1
        if (answer?.what === 'done' && answer.duplicate) counts.duplicates += 1
      }
      const why = complaint(history)
      if (why) return { why: `seed ${seed + at}: ${why}`, ...counts }
    }
  }
  return { why: undefined, ...counts }
}

const RUNS = Number(process.env['LINEARIZABILITY_RUNS'] ?? 40)

describe('three stores with one journal', () => {
  test('give answers that one order of the calls explains, whatever the network does', async () => {
    const { why, ...counts } = await explored(RUNS)
    expect(why).toBeUndefined()
    // A history without these proves little.
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(30)
    console.log(JSON.stringify(counts))
  }, 600_000)

  test('also if replicas that lag answer their reads, but for refusals and reads, which may be old', async () => {
    expect((await explored(RUNS / 2, { lag: 3, onlyDone: true })).why).toBeUndefined()
  }, 600_000)
})

describe('what answers prove of calls of unknown outcome', () => {
  const verdictOf = (history: readonly StoreOperation[]) =>
    check(sharedStore(history), history).result

  test.each<[string, SimulationOptions]>([
    ['a sound engine', {}],
    [
      'an engine that writes twice',
      { engine: (engine) => withBug(engine, 'unknown-as-too-late'), mayStop: true },
    ],
    [
      'an engine that promises too much',
      { engine: (engine) => withBug(engine, 'unknown-as-written'), mayStop: true },
    ],
  ])(
    'changes no verdict: %s',
    async (_, options) => {
      const seeds = Array.from({ length: 30 }, (_, at) => 9_000 + at)
      const histories = await Promise.all(seeds.map((seed) => simulated(seed, options)))
      for (const history of histories) expect(verdictOf(settled(history))).toBe(verdictOf(history))
    },
    120_000,
  )

  const call = { what: 'dispatch', key: 'k', mutations: [] } as const
  const unknown = (start: number, more: object = {}): StoreOperation => ({
    ...{ process: 'a', call: { ...call, ...more }, start, end: Number.POSITIVE_INFINITY },
    answer: undefined,
  })
  const done = (start: number, seq: number, duplicate: boolean): StoreOperation => ({
    ...{ process: 'b', call, start, end: start + 1 },
    answer: { what: 'done', seq, duplicate },
  })

  test('duplicates name the record of the earliest call that can have written it', () => {
    const late = unknown(9)
    const [never, first] = [unknown(0, { expectSeq: 3 }), unknown(1)]
    const answered = [done(4, 7, true), done(6, 7, true)]
    expect(settled([never, first, unknown(2), ...answered, late])).toEqual([
      { ...first, end: 5, answer: { what: 'done', seq: 7, duplicate: false } },
      ...answered,
    ])
  })

  test('a record of a call that was answered leaves none to the others', () => {
    const first = done(4, 7, false)
    expect(settled([unknown(0), first, unknown(9)])).toEqual([first])
  })

  test.each([
    ['answers that contradict each other', [unknown(0), done(1, 7, true), done(3, 8, true)]],
    ['a duplicate of what began after it', [done(1, 7, true), unknown(9)]],
    ['a key that nobody heard of', [unknown(0), unknown(1)]],
    ['a key of two requests', [unknown(0, { mutations: [{}] }), done(1, 7, true)]],
  ])('%s prove nothing', (_, history) => {
    expect(settled(history as StoreOperation[])).toEqual(history)
  })
})

describe('the check catches', () => {
  test.each(JOURNAL_MUTANTS)(
    'a journal with the mistake: $name',
    async (mutant) => {
      const { lag = 0 } = mutant
      const { why } = await explored(2_000, {
        journal: await buildJournal(mutant),
        lag,
        mayStop: true,
      })
      expect(why, 'it survived').toBeDefined()
      console.log(why)
    },
    120_000,
  )

  // Records that a follower skips are found by the store itself.
  const silent = bugs().filter((name): name is Bug => isBug(name) && name !== 'follow-skips-one')
  test.each(silent)(
    'an engine with the mistake: %s',
    async (bug) => {
      const { why } = await explored(2_000, {
        engine: (engine) => withBug(engine, bug),
        mayStop: true,
      })
      expect(why, 'it survived').toBeDefined()
    },
    120_000,
  )
})
