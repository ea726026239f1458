// Real processes, really killed. What a power cut does is another matter: the page cache survives a
// kill, so only the simulation (campaign.test.ts) and real-faults.test.ts prove that syncs are made.
import { expect, test } from 'vitest'
import { killLoop } from './kill-loop.ts'

const KILLS = 20
// Printed, so that a failure can be had again: MINISTORE_SEED=… npm test
const SEED = Number(process.env['MINISTORE_SEED'] ?? Date.now() % 2 ** 31)

test(`what was acknowledged survives ${KILLS} times kill -9, and nothing else comes up, from seed ${SEED}`, async () => {
  const tally = await killLoop({ kills: KILLS, seed: SEED })
  console.log(`seed ${SEED}:`, JSON.stringify(tally))
  expect(tally.kills).toBe(KILLS)
  // Kills that meet nothing prove nothing.
  expect(tally.acknowledged).toBeGreaterThan(KILLS)
  expect(tally.recovered).toBeGreaterThanOrEqual(tally.acknowledged)
  expect(tally.duplicates).toBeGreaterThan(KILLS)
}, 180_000)
