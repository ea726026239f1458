// Histories of three stores on the simulated engine, under faults that follow from a seed.
import type { StoreError, StoreOf } from 'ministore-ts'
import { type Engine, sharedJournal } from 'ministore-ts/shared'
import { operation } from '../engines/chaos/operations.ts'
import { chaos } from '../engines/chaos/store.ts'
import { type Fate, type Network, Server } from '../shared/simulated-engine.ts'
import { type Event, operationsOf, Recorder } from './recorder.ts'
import type { StoreCall, StoreOperation } from './shared-store.ts'

export interface SimulationOptions {
  /** As a mutant has it. Default: the journal of the package. */
  readonly journal?: typeof sharedJournal
  readonly engine?: (engine: Engine) => Engine
  /** What may happen to an append, apart from `fine`. */
  readonly fates?: readonly Fate[]
  /** How many records a replica may lack. A refresh may then be older than its call, so that none is made. */
  readonly lag?: number
  /** Whether a store may stop, as one does that finds out what a mutant did. Its calls have an unknown outcome then. */
  readonly mayStop?: boolean
}

const ALL: readonly Fate[] = ['refused', 'lost', 'unanswered', 'late']
/** Small ones meet each other more often. */
const [PROCESSES, SLOTS, CALLS] = [3, 2, 4]

/** Makes one history. The same seed gives the same calls and faults; timers decide the rest. */
export async function simulated(
  seed: number,
  {
    journal = sharedJournal,
    engine = (same) => same,
    fates = ALL,
    lag = 0,
    mayStop = false,
  }: SimulationOptions = {},
): Promise<StoreOperation[]> {
  const random = randomOf(seed)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]
  const server = new Server()
  server.maxBatch = 1 + Math.floor(random() * 4)
  let isCalm = true
  const network: Network = {
    fate: () => (isCalm || random() < 0.6 ? 'fine' : (pick(fates) ?? 'fine')),
    delay: () => Math.floor(random() * 4),
    isAway: () => !isCalm && random() < 0.1,
    lag: () => (isCalm ? 0 : random() < 0.2 ? Math.floor(random() * (lag + 1)) : 0),
  }
  let time = 0
  const clock = () => ++time
  const histories: { process: string; events: Event[] }[] = []
  const join = async (_: unknown, at: number) => {
    const timeout = random() < 0.5 ? 15 : 300
    const store = await chaos.open(journal(engine(server.engine(network)), { timeout }))
    const history = { process: `w${at + 1}`, events: [] as Event[] }
    histories.push(history)
    return {
      store,
      by: history.process,
      recorder: new Recorder(clock, (event) => history.events.push(event)),
    }
  }
  const members = await Promise.all(Array.from({ length: PROCESSES }, join))
  isCalm = false
  const slots = members.flatMap((member, index) =>
    Array.from({ length: SLOTS }, async (_, slot) => {
      for (let call = 0; call < CALLS; call++) {
        const n = (seed % 997) * 100 + slot * CALLS + call
        // A key that another process uses as well, now and then.
        const by = random() < 0.1 ? (members[(index + 1) % PROCESSES]?.by ?? member.by) : member.by
        if (lag === 0 && random() < 0.25) await passing(member.recorder.read(member.store), mayStop)
        const again = random() < 0.3
        await passing(perform(member.store, member.recorder, { by, n }, again), mayStop)
      }
    }),
  )
  await Promise.all(slots)
  isCalm = true
  for (const { store, recorder } of members) await passing(recorder.read(store), mayStop)
  await Promise.all(members.map(({ store }) => store.close()))
  return histories.flatMap(({ process, events }) => operationsOf(process, events))
}

/** Makes the operation of the campaign with this name and number. `again`: twice at once, if it has a key. */
async function perform(
  store: StoreOf<typeof chaos>,
  recorder: Recorder,
  { by, n }: { readonly by: string; readonly n: number },
  again: boolean,
): Promise<void> {
  const { how, ...it } = operation(by, n)
  if ('names' in it) {
    const names = it.names.slice(0, 4)
    const call: StoreCall = { what: 'takeAny', by, n, names }
    await recorder.asked(call, () => store.execute('takeAny', { by, n, names }).safe())
    return
  }
  const options = {
    ...(how !== 'once' && { key: `${by}/${n}` }),
    ...(how === 'expecting' && { expectSeq: store.seq }),
  }
  const call: StoreCall = { what: 'dispatch', mutations: it.mutations as never, ...options }
  const ask = () =>
    recorder.asked({ ...call }, () => store.dispatchAll(it.mutations, options).safe())
  const both = again && how === 'keyed' ? [ask(), ask()] : [ask()]
  for (const each of await Promise.allSettled(both)) {
    if (each.status === 'fulfilled') continue
    if (how !== 'keyed' || each.reason.code !== 'unknown') throw each.reason
    // As a client does that has a key.
    await ask()
  }
}

/** The recorder has written what became of it. */
const passing = (work: Promise<unknown>, mayStop: boolean) =>
  work.catch((error: StoreError) => {
    if (!mayStop && error.code !== 'unknown' && error.code !== 'unavailable') throw error
  })

/** Mulberry32 (T. Ettinger, 2017). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let word = Math.imul(state ^ (state >>> 15), 1 | state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32
  }
}
