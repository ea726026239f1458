import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { describe, expect, test } from 'vitest'
import { isLong } from '../long.ts'
import { build, MUTANTS } from './mutants.ts'
import { trial } from './trial.ts'
import { BrokenPromise, emptyTally, type Subject } from './world.ts'

const TRIALS = 400
// The same in every run: a test is not to fail by chance. MINISTORE_SEED=… and npm run torture look further.
const SEED = Number(process.env['MINISTORE_SEED'] ?? 1)

/** The seed and message of the first trial that sees a promise broken. */
async function firstBroken(subject: Subject, from: number, trials: number) {
  const tally = emptyTally()
  for (let seed = from; seed < from + trials; seed++) {
    try {
      await trial(subject, seed, tally)
    } catch (error) {
      if (error instanceof BrokenPromise) return { trials: seed - from + 1, message: error.message }
      throw error
    }
  }
  return { tally }
}

describe('on a simulated disk', () => {
  test(`${TRIALS} trials of crashes and faults break no promise, from seed ${SEED}`, async () => {
    const { message, tally } = await firstBroken({ defineStore, fileJournal }, SEED, TRIALS)
    expect(message).toBeUndefined()
    // A campaign that meets nothing proves nothing.
    const { branches, ...counts } = tally ?? emptyTally()
    for (const [what, count] of Object.entries(counts)) {
      expect(count, what).toBeGreaterThan(TRIALS / 50)
    }
    for (const [branch, count] of Object.entries(branches)) {
      expect(count, branch).toBeGreaterThan(0)
    }
    console.log(`seed ${SEED}:`, JSON.stringify(tally))
  }, 120_000)
})

describe('the trials catch a store with', () => {
  // A third of them; npm run test:long has all.
  test.each(MUTANTS.filter((_, index) => isLong || index % 3 === 0))(
    '$name',
    async (mutant) => {
      const { name, rareUntil = 0 } = mutant
      const caught = await firstBroken(await build(mutant), 1 + rareUntil, 3000)
      expect(caught.message, 'it survived').toBeDefined()
      console.log(`${name}: caught by trial ${caught.trials}: ${caught.message}`)
    },
    120_000,
  )
})
