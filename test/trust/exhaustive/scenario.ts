// A small program with a store, of which each record is known beforehand, and what must hold whenever it opens.
import type * as Api from 'ministore-ts'
import type { FileSystem } from 'ministore-ts/file'
import { isTable, table } from 'ministore-ts/table'
import { z } from 'zod'
import { BrokenPromise, type Subject } from '../world.ts'

export const PATH = '/data/small.jsonl'

/** What a process does after it has opened the store. `two`: two records in one group commit. */
export type Act = 'one' | 'two' | 'snapshot' | 'compact' | 'compact and two'
export interface Scenario {
  readonly acts: readonly Act[]
  /** Of each record, in characters. */
  readonly filler: number
  /** The record with this seq is a batch of two mutations. */
  readonly batch?: number
  /** How many turns `compact and two` waits before it dispatches, so that these come at each step of compacting. */
  readonly wait?: number
}

/** What the processes before this one acknowledged, or showed. */
export interface Promised {
  seq: number
  /** Archives that were acknowledged, and the last record of each. */
  archives: Readonly<Record<string, number>>
}

/** Which parts of recovery were reached, and how often. */
export type Reached = Map<string, number>
export const reach = (reached: Reached, what: string, count = 1): void =>
  void reached.set(what, (reached.get(what) ?? 0) + count)

const smallFor = ({ defineStore }: Subject) =>
  defineStore({
    name: 'small',
    state: { ids: [] as number[], seen: table<{ id: number }>() },
    mutations: {
      add: {
        payload: z.object({ id: z.number(), filler: z.string() }),
        apply(draft, { id }) {
          draft.ids.push(id)
          draft.seen.set(`${id}`, { id })
        },
      },
    },
  })
type SmallStore = Api.StoreOf<ReturnType<typeof smallFor>>

export interface Life {
  readonly subject: Subject
  readonly scenario: Scenario
  readonly fileSystem: FileSystem
  readonly promised: Promised
  readonly reached: Reached
  /** A crash never makes a snapshot unusable; a disk that makes mistakes may. */
  readonly acceptsUnusedSnapshots?: boolean
}

/** One process, from opening to closing. Throws BrokenPromise. */
export async function live(life: Life, acts: readonly Act[]): Promise<void> {
  const { subject, fileSystem, promised, scenario } = life
  const journal = subject.fileJournal(PATH, { fileSystem })
  const store = await smallFor(subject)
    .open(journal, { now: () => 0 })
    .catch((error: Api.StoreError) => {
      const what = `open refused with ${error.code}: ${error.message}`
      throw new BrokenPromise(what, { cause: error })
    })
  await verify(store, journal, life)
  promised.seq = store.seq
  for (const act of acts) await perform(store, act, promised, scenario)
  await store.close()
}

async function perform(
  store: SmallStore,
  act: Act,
  promised: Promised,
  scenario: Scenario,
): Promise<void> {
  const add = async (seq: number) => {
    const receipt = await store.dispatchAll(partsOf(scenario, seq), { key: `key ${seq}` })
    promised.seq = Math.max(promised.seq, receipt.seq)
  }
  const next = store.seq + 1
  if (act === 'one') await add(next)
  if (act === 'two') await Promise.all([add(next), add(next + 1)])
  if (act === 'snapshot') await store.snapshot()
  if (!act.startsWith('compact')) return
  const compacting = store.compact()
  if (act === 'compact and two') {
    for (let turn = 0; turn < (scenario.wait ?? 0); turn++) await undefined
    await add(next)
    await add(next + 1)
  }
  const receipt = await compacting
  if (receipt?.archive === undefined) return
  promised.archives = { ...promised.archives, [receipt.archive]: receipt.seq }
}

/** Of the mutations of a record. Each record is known by its seq, so that it is the same in every process. */
const idsOf = ({ batch }: Scenario, seq: number): number[] => (seq === batch ? [seq, -seq] : [seq])

const partsOf = (scenario: Scenario, seq: number) =>
  idsOf(scenario, seq).map((id) => ({
    type: 'add' as const,
    payload: { id, filler: 'x'.repeat(scenario.filler) },
  }))

/** What is there is a prefix of what was submitted, and has all that was promised. */
async function verify(store: SmallStore, journal: Api.Journal, life: Life): Promise<void> {
  const { subject, fileSystem, promised, scenario, reached } = life
  const { seq, recovery, state } = store
  reach(reached, recovery.found?.kind ?? 'whole')
  if (recovery.base !== undefined) reach(reached, 'compacted')
  if (recovery.snapshot) {
    reach(reached, recovery.snapshot.used ? 'snapshot' : 'outdated snapshot')
    const isOutdated =
      !recovery.snapshot.used && recovery.snapshot.reason === 'the journal was compacted since'
    if (!recovery.snapshot.used && !isOutdated && !life.acceptsUnusedSnapshots)
      throw new BrokenPromise(`a crash made a snapshot unusable: ${recovery.snapshot.reason}`)
  }
  if (seq < promised.seq)
    throw new BrokenPromise(`${promised.seq} records were promised, ${seq} are there`)
  const expected = Array.from({ length: seq }, (_, index) => idsOf(scenario, index + 1)).flat()
  const isSeen = isTable(state.seen) && expected.every((id) => state.seen.get(`${id}`)?.id === id)
  if (`${state.ids}` !== `${expected}` || !isSeen)
    throw new BrokenPromise(`the state is ${JSON.stringify(state)} and not ${expected}`)
  for (let each = 1; each <= seq; each++) {
    const again = await store.dispatchAll(partsOf(scenario, each), { key: `key ${each}` })
    if (!again.duplicate || again.seq !== each)
      throw new BrokenPromise(`key ${each} came back as ${JSON.stringify(again)}`)
  }
  let last = recovery.base ?? 0
  for await (const entries of journal.read(last)) {
    for (const { text } of entries) {
      last += 1
      const { payload, batch = [{ payload }] }: Parsed = JSON.parse(text)
      const ids = batch.map((part) => part.payload.id)
      const isWhole = batch.every((part) => part.payload.filler.length === scenario.filler)
      if (`${ids}` !== `${idsOf(scenario, last)}` || !isWhole)
        throw new BrokenPromise(`record ${last} is not what was submitted: ${text}`)
    }
  }
  if (last !== seq) throw new BrokenPromise(`${last} records can be read, ${seq} were shown`)
  for (const [path, archived] of Object.entries(promised.archives)) {
    const archive = subject.fileJournal(path, { fileSystem, readOnly: true })
    const head = await smallFor(subject)
      .replay(archive)
      .catch((error: Api.StoreError) => error)
    if (head instanceof Error || head.seq < archived)
      throw new BrokenPromise(`the archive ${path} does not have record ${archived}: ${head}`)
  }
}

interface Parsed {
  readonly payload: { readonly id: number; readonly filler: string }
  readonly batch?: readonly Pick<Parsed, 'payload'>[]
}
