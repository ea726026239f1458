// Every crash of a small program, every disk that it can leave, and every crash of the recovery from each of those.
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { copyPlatter, type Platter } from '../../../src/testing/platter.ts'
import { mount } from '../../../src/testing/simulated-disk.ts'
import type { Subject } from '../world.ts'
import { fingerprint, powerCuts } from './crashes.ts'
import { type Act, live, type Promised, type Reached, type Scenario } from './scenario.ts'

export interface Explored {
  /** Crashes: the steps of all processes, from each disk that they began with. */
  crashes: number
  /** Disks that they left, and different ones among these. */
  outcomes: number
  states: number
  reached: Reached
}

export interface ExploreOptions {
  readonly subject: Subject
  readonly scenario: Scenario
  /** 1: each crash of the program. 2: also each crash of the recovery from each of them. */
  readonly crashes: 1 | 2
}

export interface State {
  readonly platter: Platter
  readonly promised: Promised
}

/** What the process that recovers does. */
const AFTERWARDS: readonly Act[] = ['one']

/** Throws BrokenPromise. */
export async function explore(options: ExploreOptions): Promise<Explored> {
  const explored: Explored = { crashes: 0, outcomes: 0, states: 0, reached: new Map() }
  const restore = freeze()
  try {
    const { scenario, crashes } = options
    const first = await crashedBy([newState()], scenario.acts, options, explored)
    const last = crashes === 1 ? first : await crashedBy(first, AFTERWARDS, options, explored)
    for (const state of last) await run(state, [], options, explored)
    return explored
  } finally {
    restore()
  }
}

export const newState = (): State => ({
  platter: {
    ...{ random: NO_CHOICE, moves: [], operations: 0 },
    ...{ names: new Map(), durableNames: new Map() },
  },
  promised: { seq: 0, archives: {} },
})

const unexpected = (): never => {
  throw new Error('nothing is chosen at random here')
}
export const NO_CHOICE = { chance: unexpected, pick: unexpected }

/** The states in which a crash at any step of a process can leave each of these. */
async function crashedBy(
  states: Iterable<State>,
  acts: readonly Act[],
  options: ExploreOptions,
  explored: Explored,
): Promise<State[]> {
  const found = new Map<string, State>()
  for (const state of states) {
    for (let steps = 0; ; steps++) {
      const { after, hasEnded } = await run(state, acts, options, explored, steps)
      explored.crashes += 1
      const keep = (platter: Platter) => {
        explored.outcomes += 1
        const promised = JSON.stringify(after.promised)
        const key = `${fingerprint(platter)} ${promised}`
        if (!found.has(key)) found.set(key, { platter, promised: after.promised })
      }
      // Killed: all is visible, and nothing of it safer than before.
      keep(after.platter)
      for (const platter of powerCuts(after.platter)) keep(platter)
      if (hasEnded) break
    }
  }
  explored.states += found.size
  return [...found.values()]
}

/** One process on a copy of the state, killed before step `steps`; `hasEnded` if it has no such step. */
async function run(
  { platter, promised }: State,
  acts: readonly Act[],
  { subject, scenario }: ExploreOptions,
  { reached }: Explored,
  steps = Number.POSITIVE_INFINITY,
): Promise<{ after: State; hasEnded: boolean }> {
  const copy = copyPlatter(platter, NO_CHOICE)
  const fileSystem = mount(copy, new Map([[copy.operations + steps, 'kill']]))
  const after = { platter: copy, promised: { ...promised } }
  let hasEnded = false
  const running = live({ subject, scenario, fileSystem, promised: after.promised, reached }, acts)
  await Promise.race([
    running.then(() => {
      hasEnded = true
    }),
    fileSystem.ended,
  ])
  // Answers that were on their way when the process was killed are still answers.
  await new Promise((resolve) => setImmediate(resolve))
  return { after, hasEnded }
}

/** Times and UUIDs are the same in each run: otherwise no two disks would be. */
export function freeze(): () => void {
  const { randomUUID } = crypto
  const RealDate = globalThis.Date
  class FrozenDate extends RealDate {
    constructor(value: number | string = 0) {
      super(value)
    }
    static override now(): number {
      return 0
    }
  }
  globalThis.Date = FrozenDate as DateConstructor
  crypto.randomUUID = () => '00000000-0000-4000-8000-000000000000'
  syncBuiltinESMExports()
  return () => {
    globalThis.Date = RealDate
    crypto.randomUUID = randomUUID
    syncBuiltinESMExports()
  }
}
