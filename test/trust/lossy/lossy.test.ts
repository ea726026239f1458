// Real programs, killed, of which everything is lost that they had not synced. A kill alone proves less: the page cache
// survives it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../../long.ts'
import { build, MUTANTS, type Mutant } from '../mutants.ts'
import { lossyLoop } from './kill-loop.ts'
import { compileLossy, type LossyLibrary, whyNotLossy } from './library.ts'
import { type LossyProgramName, PROGRAMS } from './programs.ts'

const KILLS = 5
const SEED = Number(process.env['MINISTORE_SEED'] ?? 1)
const NAMES = Object.keys(PROGRAMS) as LossyProgramName[]

/** What better-sqlite3 does by default in WAL mode: a commit is synced later. */
const NORMAL: Mutant = {
  name: 'synchronous = NORMAL',
  edits: [
    {
      file: 'journals/sqlite/database.ts',
      from: 'synchronous = EXTRA',
      to: 'synchronous = NORMAL',
    },
    { file: 'journals/sqlite/database.ts', from: 'synchronous !== 3', to: 'synchronous !== 1' },
  ],
}

const why = whyNotLossy()
if (why) console.log(`skipped, because ${why}: losing what was not synced`)

let library: LossyLibrary
beforeAll(() => {
  if (!why) library = compileLossy()
})
afterAll(() => library?.remove())

describe.skipIf(why)('when a kill drops what was not synced', () => {
  test.each(NAMES)(
    '%s loses nothing that it acknowledged',
    async (program) => {
      const tally = await lossyLoop({ program, kills: KILLS, seed: SEED, library })
      console.log(`${program}, seed ${SEED}:`, JSON.stringify(tally))
      expect(tally.kills).toBe(KILLS)
      // Kills that lose nothing prove nothing.
      expect(tally.acknowledged).toBeGreaterThan(KILLS)
      expect(tally.lostContents).toBeGreaterThan(0)
      // The quickstart has one file only; SQLite syncs the directory as soon as it has made its log.
      if (program !== 'quickstart' && program !== 'sqlite')
        expect(tally.lostNames).toBeGreaterThan(0)
    },
    120_000,
  )

  test.each(isLong ? NAMES : NAMES.slice(0, 1))(
    '%s is caught with a store that does not sync',
    async (program) => {
      const mutant = program === 'sqlite' ? NORMAL : MUTANTS.find(({ name }) => name === 'no fsync')
      if (!mutant) throw new Error('the mutant is gone')
      const { directory } = await build(mutant)
      const caught = lossyLoop({ program, kills: 40, seed: SEED, src: directory, library })
      await expect(caught).rejects.toThrow(/is absent and not|data_loss|corrupt|has lost messages/)
    },
    120_000,
  )
})
