// Three stores on one simulated engine: whatever its network does, one order of all calls explains all answers.
import { describe, expect, test } from 'vitest'
import { type Bug, bugs, isBug, withBug } from '../engines/chaos/bugs.ts'
import { check } from './checker.ts'
import { buildJournal, JOURNAL_MUTANTS } from './mutants.ts'
import { type StoreOperation, sharedStore } from './shared-store.ts'
import { type SimulationOptions, simulated } from './simulated.ts'
import { renderWindow, smallestWindow } from './window.ts'

/** Why a history is not linearizable; undefined if it is. */
function complaint(history: readonly StoreOperation[]): string | undefined {
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
