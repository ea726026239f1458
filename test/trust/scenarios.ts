// What a writer may find in its journal's place, and every system call that it then makes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect } from 'vitest'
import { tempJournal } from '../file/temp-journal.ts'
import { bank, type Said, type Step } from './children/bank.ts'
import type { Program } from './program.ts'
import { STEPS, step } from './steps.ts'
import { strace } from './strace.ts'
import { Witness } from './witness.ts'

export interface Scenario {
  /** What is in the journal's place; its directory is missing too where there is nothing. */
  readonly bytes: Buffer | undefined
  /** Records in it that were acknowledged. */
  readonly acknowledged: number
  /** What is dispatched once it is open. */
  readonly steps: readonly Step[]
  /** What is cut off at opening, and kept beside the journal. */
  readonly torn?: Buffer
}

const AFTERWARDS = [step(19)]

export const SCENARIOS = {
  'creating a journal and its directory': async (): Promise<Scenario> => {
    return { bytes: undefined, acknowledged: 0, steps: AFTERWARDS }
  },
  'creating a journal where half a header is': async (): Promise<Scenario> => {
    const torn = (await writeEarlier()).bytes.subarray(0, 60)
    return { bytes: torn, torn, acknowledged: 0, steps: AFTERWARDS }
  },
  'dispatching singles, batches and groups': async (): Promise<Scenario> => {
    return { bytes: (await writeEarlier()).bytes, acknowledged: 6, steps: STEPS }
  },
  'cutting off a torn write': async (): Promise<Scenario> => {
    const { bytes, group } = await writeEarlier()
    const torn = bytes.subarray(group, group + 1000)
    const left = bytes.subarray(0, group + 1000)
    return { bytes: left, torn, acknowledged: 3, steps: AFTERWARDS }
  },
  'cutting off a group commit of which the first record lost a sector':
    async (): Promise<Scenario> => {
      const { bytes, group } = await writeEarlier()
      const sector = Math.ceil(group / 512) * 512
      bytes.fill(0, sector, sector + 512)
      return { bytes, torn: bytes.subarray(group), acknowledged: 3, steps: AFTERWARDS }
    },
  'adding a lost newline': async (): Promise<Scenario> => {
    const { bytes } = await writeEarlier()
    return { bytes: bytes.subarray(0, -1), acknowledged: 6, steps: AFTERWARDS }
  },
  'putting a newline in the place of NULs': async (): Promise<Scenario> => {
    const { bytes } = await writeEarlier()
    const left = Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(700)])
    return { bytes: left, acknowledged: 6, steps: AFTERWARDS }
  },
}
export type ScenarioName = keyof typeof SCENARIOS

/** Three records, each acknowledged before the next, and three in one group commit. */
const EARLIER: readonly Step[] = [
  ...[1, 2, 3].map((id) => step(id)),
  ...[4, 5, 6].map((id) => step(id, { memo: 'x'.repeat(id * 500) })),
]

/** A journal of EARLIER, and where in it the group commit begins. */
async function writeEarlier(): Promise<{ bytes: Buffer; group: number }> {
  const path = tempJournal()
  const store = await bank.open(path)
  const dispatch = ({ mutations, key }: Step) => store.dispatchAll(mutations, { key })
  for (const earlier of EARLIER.slice(0, 3)) await dispatch(earlier)
  const group = readFileSync(path).length
  await Promise.all(EARLIER.slice(3).map(dispatch))
  await store.close()
  return { bytes: readFileSync(path), group }
}

/** The scenario in a directory of its own, and who knows what was acknowledged in it. */
export function prepare({ bytes, acknowledged }: Scenario): { path: string; witness: Witness } {
  if (!bytes) {
    const path = join(dirname(tempJournal()), 'new', 'bank.jsonl')
    return { path, witness: new Witness(path) }
  }
  const path = tempJournal('bank.jsonl')
  writeFileSync(path, bytes)
  const witness = new Witness(path)
  witness.hear(EARLIER, [
    { what: 'opened', seq: 0 },
    ...EARLIER.slice(0, acknowledged).map(
      ({ id }): Said => ({ what: 'acknowledged', id, seq: id }),
    ),
  ])
  return { path, witness }
}

/** What was cut off of the journal at `path`. */
export const keptBeside = (path: string): Buffer[] =>
  readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.torn-`))
    .map((name) => readFileSync(join(dirname(path), name)))

/** One call of a writer: the `nth` of this name, from 1. */
export interface Point {
  readonly name: string
  readonly nth: number
}

export interface Traced {
  readonly ended: number | string
  readonly said: readonly Said[]
  readonly calls: readonly string[]
  readonly complaint: string
}

/** Runs a writer of which the call at `point` meets `fate`, such as `signal=KILL`. */
export async function runTraced(
  program: Program,
  { path, steps }: { path: string; steps: readonly Step[] },
  point?: Point,
  fate?: string,
): Promise<Traced> {
  const { wrapper, readCalls } = strace(
    path,
    point ? [`${point.name}:${fate}:when=${point.nth}`] : [],
  )
  const child = program.start(wrapper)
  child.give({ path, steps, sync: 'blocking' })
  const ended = await child.ended
  return { ended, said: child.said, calls: readCalls(), complaint: child.complaint }
}

/** Every call that a writer makes when nothing happens to it, in order. */
export async function findPoints(program: Program, scenario: Scenario): Promise<Point[]> {
  const { path, witness } = prepare(scenario)
  const { steps } = scenario
  const { ended, said, calls, complaint } = await runTraced(program, { path, steps })
  expect(ended, complaint).toBe(0)
  witness.hear(steps, said)
  await witness.look()
  expect(said.filter(({ what }) => what === 'acknowledged')).toHaveLength(steps.length)
  return calls.map((name, index) => {
    return { name, nth: calls.slice(0, index + 1).filter((other) => other === name).length }
  })
}

/** Two at a time, since a traced process mostly waits. */
export async function inPairs<T>(
  items: readonly T[],
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const entries = items.entries()
  const work = async () => {
    for (const [index, item] of entries) await run(item, index)
  }
  await Promise.all([work(), work()])
}
