// npm run programs -- [--seed 1] [--count 1000]
// The random programs of `npm test`, as many as you like: each on a journal of its own, in all ways to its state, and
// once more after the application enabled Immer's plugins and changed its settings. Exit code 1 at a difference.
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { enableArrayMethods, enableMapSet, enablePatches } from 'immer'
import { type Outcome, type Program, programs, run, runLive } from './random-programs.ts'

export interface Figures {
  /** Each is a journal of its own. */
  readonly programs: number
  /** Runs of a random reducer, which were accepted. */
  readonly records: number
  readonly inPlace: number
  readonly snapshots: number
}

/** Throws an Error for the first difference. Plugins cannot be disabled: all programs run without them first. */
export async function campaign(sample: readonly Program[]): Promise<Figures> {
  const outcomes: Outcome[] = []
  for (const program of sample) outcomes.push(await naming(program, () => run(program)))
  enableArrayMethods()
  enableMapSet()
  enablePatches()
  for (const [index, program] of sample.entries()) {
    const live = await naming(program, () => runLive(program))
    if (live === outcomes[index]?.live) continue
    throw new Error(`plugins changed the state of ${JSON.stringify(program)}`)
  }
  return {
    programs: sample.length,
    records: outcomes.reduce((sum, { records }) => sum + records, 0),
    inPlace: outcomes.filter(({ isInPlace }) => isInPlace).length,
    snapshots: outcomes.filter(({ snapshotSeq }) => snapshotSeq !== undefined).length,
  }
}

async function naming<T>(program: Program, task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (error) {
    throw new Error(`program ${JSON.stringify(program)}`, { cause: error })
  }
}

if (process.argv[1]?.endsWith('campaign.ts')) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000' },
    },
  })
  const seed = Number(values.seed)
  const figures = await campaign(fc.sample(programs, { seed, numRuns: Number(values.count) }))
  process.stdout.write(`${JSON.stringify({ seed, ...figures })}\n`)
}
