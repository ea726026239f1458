// One definition whose reducer does what its payload says, and all the ways to the state that it gives.
import fc from 'fast-check'
import { defineStore, type Json } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { table } from 'ministore-ts/table'
import { z } from 'zod'
import { MemoryDisk } from '../file/memory-disk.ts'
import { exact } from './exact.ts'
import {
  CONSTANTS,
  type Held,
  isContainer,
  isList,
  leads,
  put,
  STEPS,
  type Step,
  type Tree,
} from './steps.ts'

const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
const step = z.tuple([z.enum(names), z.int(), z.int(), z.int(), z.string()])

export const anything = defineStore({
  name: 'anything',
  state: {
    a: { a: { a: { a: 1 }, b: [] }, k: { n: 1 } },
    b: [{ a: 1 }, { b: [1, 2] }, 3, [{ k: 1 }]],
    k: { n: { a: {}, b: {} } },
    log: [],
    n: table<Json>([
      ['a', { a: 1 }],
      ['b', [{ k: 2 }]],
    ]) as unknown as Json,
  } as { [key: string]: Json },
  mutations: {
    run: {
      payload: z.object({
        steps: z.array(step),
        values: z.array(z.json()),
        constant: z.int().nullable(),
        /** The variable that is returned, where nothing was changed. */
        returned: z.int().nullable(),
      }),
      apply(given, { steps, values, constant, returned }) {
        const draft = given as Tree
        const held: Held = [draft, draft['a'], draft['b'], draft['n'], ...values]
        for (const [what, a, b, c, key] of steps as Step[]) {
          held[a] = STEPS[what]([held[a], held[b], held[c]], held, key)
        }
        const found = returned === null ? undefined : held[returned]
        if (isContainer(found)) return found as never
        // What is held at last can only be seen where it is kept.
        const log = draft['log']
        for (const each of held.slice(1)) if (isList(log) && !leads(each, log)) log.push(each)
        // Once more the same object, which may be in the state already.
        if (constant !== null) put(draft, constant % 2 ? 'a' : 'k', CONSTANTS[constant])
        if (isList(log) && log.length > 12) draft['log'] = log.slice(-4)
        return undefined
      },
    },
  },
})

const variable = fc.integer({ min: 0, max: 6 })
const key = fc.constantFrom('a', 'b', 'k', 'n', 'log', '0', '1', '2', '7')
const payload: fc.Arbitrary<unknown> = fc.record({
  steps: fc.array(fc.tuple(fc.constantFrom(...names), variable, variable, variable, key), {
    maxLength: 10,
  }),
  values: fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
  constant: fc.option(fc.integer({ min: 0, max: CONSTANTS.length - 1 })),
  returned: fc.oneof(
    { weight: 7, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: variable },
  ),
})

/** Batches of mutations, and after how many of them a snapshot is written. */
export interface Program {
  readonly batches: readonly (readonly unknown[])[]
  readonly snapshotAfter: number
}
export const programs: fc.Arbitrary<Program> = fc.record({
  batches: fc.array(fc.array(payload, { minLength: 1, maxLength: 2 }), { maxLength: 8 }),
  snapshotAfter: fc.nat(4),
})

export interface Outcome {
  readonly live: string
  readonly records: number
  readonly isInPlace: boolean
  /** Undefined if the state is no JSON, so that no snapshot can hold it. */
  readonly snapshotSeq: number | undefined
}

const PATH = '/data/anything.jsonl'

/** The live state, and only that: the same reducers on the same payloads. */
export async function runLive({ batches }: Program): Promise<string> {
  const store = await anything.memory()
  for (const batch of batches) {
    const mutations = batch.map((each) => ({ type: 'run', payload: each }) as const)
    await store.dispatchAll(mutations as never).catch(() => undefined)
  }
  return exact(store.state)
}

/** Throws an Error if two ways give two states. RangeError for a cycle, which no state may have. */
export async function run({ batches, snapshotAfter }: Program): Promise<Outcome> {
  const fileSystem = new MemoryDisk()
  const journal = (readOnly = false) => fileJournal(PATH, { fileSystem, readOnly })
  const store = await anything.open(journal())
  let snapshotSeq: number | undefined
  for (const [index, batch] of batches.entries()) {
    const mutations = batch.map((each) => ({ type: 'run', payload: each }) as const)
    // What cannot be applied is in no journal.
    await store.dispatchAll(mutations as never).catch(() => undefined)
    if (index === snapshotAfter)
      snapshotSeq = await store.snapshot().then(
        ({ seq }) => seq,
        () => undefined,
      )
  }
  const live = exact(store.state)
  await store.close()
  const same = (way: string, state: unknown) => {
    const text = exact(state)
    if (text !== live) throw new Error(`${way} gives another state.\n${text}\nlive:\n${live}`)
  }
  const replayed = await anything.replay(journal(true))
  same('replay', replayed.state)
  const opened = await anything.open(journal())
  same('opening', opened.state)
  if (snapshotSeq !== undefined && opened.recovery.snapshot?.used !== true)
    throw new Error(`the snapshot was not used: ${JSON.stringify(opened.recovery)}`)
  const { findings } = await anything.replayCheck(journal(true))
  // What JSON cannot hold may be in such a state. Each other error is a difference.
  const errors = findings.filter(
    ({ rule, severity }) => severity === 'error' && rule !== 'invalid_state',
  )
  if (errors.length > 0) throw new Error(`the replay check: ${JSON.stringify(errors)}`)
  const isInPlace = !findings.some(({ rule }) => rule === 'not_in_place')
  const isCompacted = await opened.compact().then(
    () => true,
    () => false,
  )
  await opened.close()
  if (isCompacted) same('the compacted journal', (await anything.replay(journal(true))).state)
  return { live, records: store.seq, isInPlace, snapshotSeq }
}
