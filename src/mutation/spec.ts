// A mutation as the core holds it, its types erased, and the definition that has it.
import type { z } from 'zod'
import type { Json } from '../json/json.ts'
import type { Immutable } from '../table/immutable.ts'

/** An old payload version that becomes the current one with the help of `meta`. `upcaster` makes one. */
export interface Upcaster<In> {
  /** What records of this version hold. */
  readonly schema: z.core.$ZodType
  /**
   * From what `schema` gives to input for the current schema. Runs on every replay: synchronous and
   * deterministic. `meta.at` is the only clock.
   */
  // biome-ignore lint/suspicious/noExplicitAny: only `upcaster` knows what its own schema gives
  readonly transform: (payload: any, meta: Meta) => In
}

/** What the result of a function may depend on, apart from its input. */
export type ImpureSource =
  | 'clock' // Date.now(), new Date(), performance.now(), process.hrtime()
  | 'random' // Math.random(), crypto.randomUUID()
  | 'timeZone' // getHours(), toString(), new Date(2026, 0)
  | 'locale' // toLocaleString(), localeCompare(), Intl without a locale
  | 'environment' // process.env, process.argv, process.cwd()
  | 'host' // os.hostname(), process.pid, process.memoryUsage()
  | 'files' // readFileSync(), execSync()
  | 'later' // timers, the network

// timers, the network
/** `{ timeZone: 'All servers run in UTC.' }` */
export type AcceptedSources = { readonly [S in ImpureSource]?: string }

/** Journaled with the mutation, so the same on replay. */
export interface Meta {
  /** The record's sequence number; all mutations of a batch share it. */
  readonly seq: number
  /**
   * Commit time, ISO-8601 UTC. Never before the record that precedes it, whatever the clocks show. A reducer's only
   * clock: use it instead of `Date.now()`.
   */
  readonly at: string
  /** The idempotency key, where one was given. */
  readonly key?: string
}

/** What a guard reads: also who asked, and why. `Me`: the output of the metadata's schema. */
export interface GuardMeta<Me = WellKnownMetadata> extends Meta {
  /** Empty if the dispatch has no metadata. */
  readonly metadata: Immutable<Me>
}

/** Metadata that every definition accepts, whatever its own schema is. */
export interface WellKnownMetadata {
  /** Names all that one request caused, also in other stores and services. 1 to 1,024 characters. */
  readonly correlationId?: string | undefined
  /** What caused this: the seq of a record in the same journal, or an id from elsewhere of 1 to 1,024 characters. */
  readonly causationId?: number | string | undefined
  /** The span that this belongs to, as W3C Trace Context writes it. */
  readonly traceparent?: string | undefined
}

/** Metadata as a journal may have it. */
export type Metadata = { readonly [field: string]: Json }

/** A mutation as the core holds it, its types erased. */
export interface MutationSpec {
  readonly type: string
  readonly payload: z.core.$ZodType | undefined
  readonly upcast: { readonly [version: number]: z.core.$ZodType | Upcaster<unknown> }
  /** What the replay check accepts, with the reasons. */
  readonly accept: AcceptedSources
  /** Current payload version: 1 + the number of upcasters. */
  readonly version: number
  readonly guard:
    | ((state: unknown, payload: unknown, meta: GuardMeta<Metadata>) => unknown)
    | undefined
  readonly apply: (draft: unknown, payload: unknown, meta: Meta) => unknown
  readonly retired: boolean
  /** Whether the schema certainly accepts its own output; undefined until the first payload. */
  acceptsOwnOutput?: boolean
}

/** What a definition says of metadata. */
export interface MetadataSpec {
  readonly schema: z.core.$ZodType | undefined
  /** Fields that only `WellKnownMetadata` describes, because the schema does not declare them. */
  readonly undeclared: readonly string[]
  /** Whether the schema certainly accepts its own output; undefined until the first metadata. */
  acceptsOwnOutput?: boolean
}

/** Metadata, checked: as guards see it, frozen, and its canonical JSON. */
export interface CheckedMetadata {
  readonly value: Metadata
  readonly text: string
}

/** What the brand of a definition carries, for this package's own folders. */
export interface CompiledDefinition {
  readonly name: string
  /** Which idempotency keys are known; undefined: all. */
  readonly keys: KeyWindow | undefined
  readonly initial: unknown
  readonly state: z.core.$ZodType | undefined
  readonly metadata: MetadataSpec
  /** Retired ones included: what a journal may hold. */
  readonly mutations: ReadonlyMap<string, MutationSpec>
  /**
   * What can be dispatched or, if it comes from record `seq`, replayed: retired ones too.
   * Throws StoreError `unknown_mutation`.
   */
  find(type: string, seq?: number): MutationSpec
  readonly commands: readonly string[]
  /** By name, with its input parsed. Throws StoreError `unknown_mutation`; Rejection `invalid`. */
  command(name: string, input: unknown): PreparedCommand
  /** The schema of a command's input. Throws StoreError `unknown_mutation`. */
  inputOf(name: string): z.core.$ZodType | undefined
}

/** A command with its input. */
export interface PreparedCommand {
  readonly input?: unknown
  readonly run: (tx: object) => unknown
}

/**
 * How long an idempotency key is known: for as many records, or for as many days of their times, up to the last record
 * of the journal.
 */
export interface KeyWindow {
  readonly keep: { readonly records: number } | { readonly days: number }
}

/** A mutation asked for, unchecked. */
export interface Input {
  readonly type: string
  readonly payload?: unknown
}

/** A fact of a history that a store in memory begins with. */
export interface GivenInput extends Input {
  readonly metadata?: object
}

/** A mutation, checked: its payload as reducers see it, and its JSON as the journal holds it. */
export interface PreparedMutation {
  readonly mutation: MutationSpec
  readonly payload: unknown
  readonly text: string
  /** The version of the payload in the journal, if it is an old one. */
  readonly version?: number
}
