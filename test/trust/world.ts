// The store under trial, what a trial knows of it, and what a campaign counts.
import type * as Api from 'ministore-ts'
import type * as FileApi from 'ministore-ts/file'
import { isTable, table } from 'ministore-ts/table'
import type { Random } from 'ministore-ts/testing'
import { z } from 'zod'

/** The store under trial: the real one, or a mutant of it. */
export interface Subject {
  readonly defineStore: typeof Api.defineStore
  readonly fileJournal: typeof FileApi.fileJournal
}

/** What a trial met, for the summary. */
export interface Tally {
  lives: number
  acknowledged: number
  recovered: number
  kills: number
  powerCuts: number
  failedCalls: number
  torn: number
  flips: number
  cuts: number
  /** Other damage to a journal at rest. */
  mistakes: number
  /** Acknowledged; and lives that opened on one. */
  snapshots: number
  snapshotsUsed: number
  compactions: number
  basesUsed: number
  /** Trials of a journal with a hash chain. */
  chained: number
  /** How often each branch of recovery was taken. */
  readonly branches: Record<Branch, number>
}

/** The branches of recovery, and of refusing it. A campaign that never takes one proves nothing about it. */
export const BRANCHES = [
  ...(['created', 'whole', 'torn_write', 'lost_newline', 'torn_header'] as const),
  ...(['snapshot used', 'snapshot outdated', 'snapshot damaged', 'base'] as const),
  ...(['rolled back', 'not rolled back', 'duplicate'] as const),
  ...(['refused: header', 'refused: rule 1', 'refused: rule 2', 'refused: rule 3'] as const),
  ...(['refused: rule 4', 'refused: base', 'refused: snapshot proves more'] as const),
] as const
export type Branch = (typeof BRANCHES)[number]

/** The branch that refused to open, by its message. */
export function refusedBy(message: string): Branch {
  if (/found record \d/.test(message)) return 'refused: rule 1'
  if (message.includes('proves that it was safe')) return 'refused: rule 2'
  if (message.includes('bytes follow it')) return 'refused: rule 4'
  if (message.includes('does not have record')) return 'refused: snapshot proves more'
  if (message.includes('the state at seq')) return 'refused: base'
  if (message.includes(':1: ')) return 'refused: header'
  return 'refused: rule 3'
}

export const emptyTally = (): Tally => ({
  lives: 0,
  acknowledged: 0,
  recovered: 0,
  kills: 0,
  powerCuts: 0,
  failedCalls: 0,
  torn: 0,
  flips: 0,
  cuts: 0,
  mistakes: 0,
  snapshots: 0,
  snapshotsUsed: 0,
  compactions: 0,
  basesUsed: 0,
  chained: 0,
  branches: Object.fromEntries(BRANCHES.map((branch) => [branch, 0])) as Tally['branches'],
})

/** A promise of the store that a trial saw broken. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

export const PATH = '/data/ledger.jsonl'

export function ledgerFor({ defineStore }: Subject) {
  return defineStore({
    name: 'ledger',
    state: { ids: [] as number[], fillers: table<{ length: number }>() },
    mutations: {
      add: {
        payload: z.object({ id: z.number(), filler: z.string() }),
        apply(draft, { id, filler }) {
          draft.ids.push(id)
          draft.fillers.set(`${id}`, { length: filler.length })
        },
      },
    },
  })
}
export type Ledger = ReturnType<typeof ledgerFor>
export type LedgerStore = Api.StoreOf<Ledger>

/** Whether the state is what these records give, its table too. */
export function isOf({ ids, fillers }: LedgerStore['state'], texts: readonly string[]): boolean {
  const payloads = texts.flatMap(payloadsOf)
  return (
    JSON.stringify(ids) === JSON.stringify(payloads.map(({ id }) => id)) &&
    isTable(fillers) &&
    fillers.size === payloads.length &&
    payloads.every(({ id, filler }) => fillers.get(`${id}`)?.length === filler.length)
  )
}

/** What all lives together know. */
export interface World {
  readonly random: Random
  readonly tally: Tally
  /** By seq - 1: the text of every record that was ever handed to the journal, in its last form. */
  submitted: string[]
  /** Seq up to which somebody was told, or shown, that it is safe. */
  promised: number
  /** Ids whose dispatch was refused by the disk: certainly not written. */
  readonly refused: Set<number>
  /** Keys that were acknowledged, and with which seq. */
  readonly keys: Map<string, { seq: number; id: number; filler: string }>
  nextId: number
  /** What the journal of this life was compacted to. */
  base: number
  /** Archives that were acknowledged: path and last seq at least. */
  readonly archives: Map<string, number>
  /** Whether the journal has a hash chain. */
  readonly isChained: boolean
}

interface Parsed {
  payload: { id: number; filler: string }
  batch?: Parsed[]
}
export function payloadsOf(text: string): Parsed['payload'][] {
  const { batch, payload }: Parsed = JSON.parse(text)
  return batch ? batch.map((part) => part.payload) : [payload]
}
