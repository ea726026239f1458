// What the processes of the campaign tell each other, in JSON lines.
import type { Bug } from './bugs.ts'

export const ENGINES = ['postgres', 'nats', 'sqlite'] as const
export type EngineName = (typeof ENGINES)[number]

export interface Job {
  readonly role: 'writer' | 'reader'
  readonly by: string
  readonly engine: EngineName
  /** Where: as the engine takes it. */
  readonly servers: readonly string[]
  readonly journal: string
  /** In milliseconds. */
  readonly timeout: number
  /** How many operations are under way at a time. */
  readonly slots: number
  /** Between two operations of a slot, in milliseconds. */
  readonly pace: number
  /** The first number that is not reported yet, and the later ones that are. */
  readonly from: number
  readonly reported: readonly number[]
  /** Numbers below may have been begun by a writer that was killed. */
  readonly begun: number
  readonly bug?: Bug | undefined
  readonly keyless?: boolean | undefined
  /** The directory where it writes what it asked, and was answered, in a file of its own. */
  readonly histories: string
}

/** `n`: the operation's number. Each number is told of once. */
export type Told =
  | { readonly what: 'acknowledged'; n: number; seq: number; expected?: number | undefined }
  /** Refused, or certainly not written and not asked for again. `code`: of the rejection or the error. */
  | { readonly what: 'refused'; n: number; code: string }
  /** After an unknown outcome, and after something later was acknowledged: whether the state has it. */
  | { readonly what: 'found' | 'missing'; n: number }
  /** A writer before this one may have done it: it had no key. */
  | { readonly what: 'abandoned'; n: number }

export type Said =
  | Told
  | { readonly what: 'opened'; seq: number }
  | { readonly what: 'tally'; tally: Tally }
  | { readonly what: 'idle' }
  | { readonly what: 'digest'; seq: number; digest: string }
  | { readonly what: 'failed'; why: string }

/** Since the process began. */
export interface Tally {
  /** Calls of the store that ended so. */
  unknown: number
  unavailable: number
  /** Operations that were answered as duplicates of what had arrived before. */
  duplicates: number
  /** Appends of the engine that ended so; the journal and the store made good for them, or told of them. */
  appends: number
  appendsUnknown: number
  appendsUnavailable: number
  appendsTooLate: number
}

export const emptyTally = (): Tally => ({
  ...{ unknown: 0, unavailable: 0, duplicates: 0 },
  ...{ appends: 0, appendsUnknown: 0, appendsUnavailable: 0, appendsTooLate: 0 },
})

export type Order = { readonly order: 'end' } | { readonly order: 'digest'; readonly seq: number }
