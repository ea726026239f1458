// Which small programs are explored.
import type { Subject } from '../world.ts'
import { type Explored, type ExploreOptions, explore } from './explore.ts'
import { type Act, reach } from './scenario.ts'

type Exploration = Omit<ExploreOptions, 'subject'>

const SECTOR_BYTES = 512

const RECORDS: readonly Act[] = ['one', 'two']
const SNAPSHOT: readonly Act[] = ['two', 'snapshot', 'one']
const COMPACTION: readonly Act[] = ['two', 'compact', 'one']
const MEANWHILE: readonly Act[] = ['one', 'compact and two']
const BOTH: readonly Act[] = ['one', 'snapshot', 'one', 'compact', 'one', 'snapshot']

const once = (acts: readonly Act[], filler: number, batch = 0): Exploration => ({
  scenario: { acts, filler, batch },
  crashes: 1,
})
const twice = (acts: readonly Act[], filler: number, batch = 0): Exploration => ({
  scenario: { acts, filler, batch },
  crashes: 2,
})

function* everywhere(acts: readonly Act[], step: number): Generator<Exploration> {
  for (let filler = 0; filler < SECTOR_BYTES; filler += step) yield once(acts, filler)
}

/** With records that come at other steps of compacting. */
const waiting = (waits: readonly number[]): Exploration[] =>
  waits.map((wait) => ({ scenario: { acts: MEANWHILE, filler: 10, wait }, crashes: 1 }))

/** A few seconds. */
export const SMALL: readonly Exploration[] = [
  ...[10, 700].map((filler) => once(RECORDS, filler, 2)),
  twice(['one'], 10),
  ...[SNAPSHOT, COMPACTION, MEANWHILE, BOTH].map((acts) => once(acts, 10)),
  ...waiting([10, 20]),
  // Its newline is the only byte of a record in its sector.
  once(RECORDS, 242),
  ...everywhere(RECORDS, 64),
]

/** Some minutes. */
export const LARGE: readonly Exploration[] = [
  ...everywhere(RECORDS, 1),
  ...[SNAPSHOT, COMPACTION, BOTH].flatMap((acts) => [...everywhere(acts, 64)]),
  ...waiting(Array.from({ length: 50 }, (_, wait) => wait)),
  ...[RECORDS, SNAPSHOT, COMPACTION, MEANWHILE].flatMap((acts) =>
    [10, 300, 700].map((filler) => twice(acts, filler, 2)),
  ),
  twice(BOTH, 10),
]

/** All of them, added up. Throws BrokenPromise. */
export async function sweep(
  subject: Subject,
  explorations: readonly Exploration[],
  onProgress: (done: number, all: Explored) => void = () => undefined,
): Promise<Explored> {
  const all: Explored = { crashes: 0, outcomes: 0, states: 0, reached: new Map() }
  for (const [index, exploration] of explorations.entries()) {
    const { crashes, outcomes, states, reached } = await explore({ subject, ...exploration })
    all.crashes += crashes
    all.outcomes += outcomes
    all.states += states
    for (const [what, count] of reached) reach(all.reached, what, count)
    onProgress(index + 1, all)
  }
  return all
}
