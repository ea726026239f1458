// kill -9 at every moment that matters: on entry to each system call that changes a file or makes it
// durable, one run of the same writer for each of them.
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isLong } from '../long.ts'
import { bank } from './children/bank.ts'
import { buildWriter, type Program } from './program.ts'
import {
  findPoints,
  inPairs,
  keptBeside,
  type Point,
  prepare,
  runTraced,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts'
import { whyNoStrace } from './strace.ts'

// Seconds where nothing else runs; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const noStrace = whyNoStrace()
if (noStrace) console.log(`skipped, as ${noStrace}: kill -9 on entry to every system call`)

let program: Program
beforeAll(async () => {
  program = await buildWriter()
})
afterAll(() => program.remove())

/** It enters the call and does not come to make it. */
const KILL = 'signal=KILL'

describe.skipIf(noStrace)('kill -9 on entry to any call that changes a file, while', () => {
  test.each(Object.entries(SCENARIOS))(
    '%s, loses nothing that was acknowledged',
    async (what, make) => {
      const scenario = await make()
      const points = await findPoints(program, scenario)
      console.log(`${what}, ${points.length} kills:`, points.map(({ name }) => name).join(' '))
      expect(points.length).toBeGreaterThan(5)
      const chosen = [...points.entries()].filter(([index]) => isLong || index % 3 === 0)
      await inPairs(chosen, ([index, point]) => killAt(point, index, scenario))
    },
  )
})

async function killAt(point: Point, index: number, scenario: Scenario): Promise<void> {
  const at = `killed on entry to ${point.name}, number ${point.nth}, call ${index + 1}`
  const { steps, torn } = scenario
  const { path, witness } = prepare(scenario)
  const { ended, said, calls, complaint } = await runTraced(program, { path, steps }, point, KILL)
  expect(ended, `${at}: ${complaint}`).toBe('SIGKILL')
  expect(calls, at).toHaveLength(index + 1)
  expect(calls.at(-1), at).toBe(point.name)
  try {
    witness.hear(steps, said)
    await witness.look()
    // Whatever there was to mend is mended now.
    expect((await witness.look()).found).toBeUndefined()
    if (torn) expect(keptBeside(path)).toContainEqual(torn)
  } catch (error) {
    throw new Error(`${at}: ${error}`, { cause: error })
  }
}

describe.skipIf(noStrace ?? !isLong)(
  'kill -9 of one writer after the other in the same journal',
  () => {
    test('loses nothing that was acknowledged, wherever each of them is killed', () =>
      inPairs<ScenarioName>(
        ['creating a journal and its directory', 'cutting off a torn write'],
        async (what) => {
          const scenario = await SCENARIOS[what]()
          const { steps, torn } = scenario
          const { path, witness } = prepare(scenario)
          let kills = 0
          for (const point of await findPoints(program, scenario)) {
            const { ended, said } = await runTraced(program, { path, steps }, point, KILL)
            if (ended === 'SIGKILL') kills += 1
            witness.hear(steps, said)
            // This changes nothing: the next writer finds what this one left.
            const seen = existsSync(path) ? (await bank.replay(path)).seq : 0
            expect(seen).toBeGreaterThanOrEqual(witness.acknowledged)
          }
          expect(kills).toBeGreaterThan(5)
          await witness.look()
          if (torn) expect(keptBeside(path)).toContainEqual(torn)
        },
      ))
  },
)
