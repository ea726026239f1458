// Random reducers that hold on to drafts, put them elsewhere, compare them, and return what they like.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { campaign } from './campaign.ts'
import { programs, run } from './random-programs.ts'
import { CONSTANTS } from './steps.ts'

const RUNS = Number(process.env['MINISTORE_RUNS'] ?? 100)

test('whatever a reducer does, its state is the same live, reopened, from a snapshot, compacted and checked', async () => {
  let [runs, inPlace, records, snapshots] = [0, 0, 0, 0]
  const constants = JSON.stringify(CONSTANTS)
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const outcome = await run(program)
      runs += 1
      records += outcome.records
      if (outcome.isInPlace) inPlace += 1
      if (outcome.snapshotSeq !== undefined) snapshots += 1
    }),
    { numRuns: RUNS },
  )
  expect(JSON.stringify(CONSTANTS)).toBe(constants)
  // Otherwise it would not be replay in place, or no snapshot, that is tested.
  expect(inPlace / runs).toBeGreaterThan(0.2)
  expect(snapshots / runs).toBeGreaterThan(0.2)
  expect(records / runs).toBeGreaterThan(1)
}, 3_600_000)

test('it is also the same after the application enabled the plugins of its Immer', async () => {
  const figures = await campaign(fc.sample(programs, RUNS / 4))
  expect(figures.programs).toBe(RUNS / 4)
  expect(figures.records).toBeGreaterThan(RUNS / 4)
}, 3_600_000)
