/// <reference lib="esnext.disposable" preserve="true" />
// The type-level half of the DSL.
//
// What makes inference from one literal work, each found by experiment (test/types keeps it):
// unconstrained type maps (a constraint such as `P extends Record<string, ZodType>` turns every
// payload into `unknown` as soon as one mutation has none); two intersected reverse-mapped types,
// payloads from P and rejections from R; `Tx` never mentions R; function-typed properties instead of
// method signatures; `z.core.$ZodType` instead of `z.ZodType`, which is three times slower to check.
import type { Draft } from 'immer'
import type { z } from 'zod'
import type { AnyRejection } from '../errors.ts'
import type {
  AcceptedSources,
  GuardMeta,
  KeyWindow,
  Meta,
  Upcaster,
  WellKnownMetadata,
} from '../mutation/spec.ts'
import type { Immutable } from '../table/immutable.ts'
import type { PayloadArgs } from './messages.ts'
import type { MetadataInput, MetadataOutput } from './metadata.ts'
import type {
  CheckMetadata,
  CheckPayload,
  CheckState,
  Nothing,
  OnlyRejections,
  OnlySync,
  Problem,
} from './problem.ts'
import type { StoreDefinition } from './store-definition.ts'

export interface StoreConfig<St, P, R, Q, I, V, Me = unknown> {
  /** Written to the journal; opening a journal of another name fails. 1 to 128 characters. */
  name: string
  /** Initial state, or a Zod object schema accepting `{}`. JSON only. */
  state: St & CheckState<St>
  /**
   * What each dispatch says about itself, such as who asked for it: a `z.object`. It is journaled with the record. Guards
   * and commands read it; reducers do not, so this schema may change freely.
   */
  metadata?: Me & CheckMetadata<Me>
  /**
   * How long an idempotency key is known; without it, for the life of the journal. `{ keep: { records: 10_000 } }`: by the
   * last 10,000 records. `{ keep: { days: 7 } }`: by records of the 7 days before the last record.
   */
  keys?: KeyWindow
  /** Facts, journaled and replayed: `{ payload?, upcast?, guard?, apply }` by type name. */
  mutations: { [K in keyof P]: PayloadConfig<P[K]> } & {
    [K in keyof R]: GuardConfig<StateOf<St>, Get<P, K>, R[K], MetadataOutput<Me>>
  }
  /** No longer dispatchable, but still in old journals. */
  retired?: { [K in keyof Q]: MutationConfig<StateOf<St>, Q[K]> }
  /** Decisions, neither journaled nor replayed: `{ input?, run }` by name; they dispatch mutations, all or none. */
  commands?: { [K in keyof I]: CommandConfig<I[K]> } & {
    [K in keyof V]: RunConfig<StateOf<St>, P, Get<I, K>, V[K], MetadataOutput<Me>>
  }
}

interface PayloadConfig<P> {
  /** Its output is what is journaled: must be JSON and valid input again. Omit for a mutation without payload. */
  payload?: P & CheckPayload<P>
  /**
   * Old payload versions, `{ 1: v1Schema.transform((old) => current) }`; current version = 1 + largest key, no gaps.
   * `upcaster(v1Schema, (old, meta) => current)` also gets the record's `seq`, `at` and `key`.
   */
  upcast?: { readonly [version: number]: z.core.$ZodType<InputOf<P>> | Upcaster<InputOf<P>> }
}

interface ReducerConfig<S, P> {
  /**
   * What the replay check may find this mutation to depend on, each with the reason why that does no harm.
   * The check reports the reason as a note and does not vary this source.
   */
  accept?: AcceptedSources
  /** Change the draft or return a new state. Runs live and on every replay: synchronous, deterministic, never refuses. */
  apply: (
    draft: Draft<S>,
    payload: PayloadOf<P>,
    meta: Meta,
  ) =>
    | void
    | Draft<S>
    | NotAwaited
    | Problem<'apply() returns nothing or the next state: write (draft) => { draft.n++ }'>
}

/** Nothing returns these: the compiler quotes them when a reducer returns something else. */
type NotAwaited = Promise<
  Problem<'apply() must be synchronous: await before dispatch(), and put the result into the payload'>
>

export interface MutationConfig<S, P> extends PayloadConfig<P>, ReducerConfig<S, P> {}

interface GuardConfig<S, P, R, Me = WellKnownMetadata> extends ReducerConfig<S, P> {
  /** A business rule, before `apply`. It runs live only, never on replay, so it may change. `return reject(code, details)` to refuse. */
  guard?: (
    state: Immutable<S>,
    payload: PayloadOf<P>,
    meta: GuardMeta<Me>,
  ) => (R & OnlyRejections<R>) | Nothing
}

export interface CommandConfig<I> {
  input?: I &
    (unknown extends I
      ? unknown
      : I extends z.core.$ZodType
        ? unknown
        : Problem<'input must be a Zod schema'>)
}

export interface RunConfig<S, P, I, V, Me = WellKnownMetadata> {
  /** Decide and dispatch. `return reject(...)` to refuse; anything else returned is the command's `value`. */
  run: (tx: Tx<S, Inputs<P>, Me>, input: PayloadOf<I>) => (V & OnlySync<V>) | Nothing
}

export interface Tx<S, M, Me = WellKnownMetadata> {
  /** Includes what this transaction dispatched so far. */
  readonly state: Immutable<S>
  readonly at: string
  /** Of the whole transaction; empty if it has none. */
  readonly metadata: Immutable<Me>
  /** Validates and applies now. Throws the guard's Rejection, which aborts the transaction unless `run` catches it. */
  dispatch<K extends keyof M & string>(
    type: K | Problem<'call dispatch(type, payload) or dispatchAll([message])'>,
    ...payload: PayloadArgs<M[K]>
  ): Meta
}

export interface MutationPart<S, P, R, Me = WellKnownMetadata> {
  readonly payload: P
  readonly guard: (state: Immutable<S>, payload: PayloadOf<P>, meta: GuardMeta<Me>) => R
  readonly apply: MutationConfig<S, P>['apply']
}

export interface CommandPart<S, P, I, V, Me = WellKnownMetadata> {
  readonly input: I
  readonly run: (tx: Tx<S, Inputs<P>, Me>, input: PayloadOf<I>) => V
}

/** What `defineStore` returns for such a config. */
export type DefinitionOf<St, P, R, Q, I, V, Me = unknown> = StoreDefinition<
  StateOf<St>,
  {
    // By R, which has every name: where no mutation has a payload, P may have none.
    [K in keyof R]: {
      input: InputOf<Get<P, K>>
      payload: PayloadOf<Get<P, K>>
      rejects: RejectionsIn<R[K]>
    }
  },
  {
    [K in keyof V]: {
      input: InputOf<Get<I, K>>
      value: ValueIn<V[K]>
      rejects: RejectionsIn<V[K]>
    }
  },
  { [K in keyof Q]: { payload: PayloadOf<Q[K]> } },
  { readonly input: MetadataInput<Me>; readonly output: MetadataOutput<Me> }
>

export type Get<T, K> = K extends keyof T ? T[K] : unknown

export type SchemasOf<Parts> = {
  [K in keyof Parts]: Parts[K] extends { payload: infer P } ? P : unknown
}

type Inputs<P> = { [K in keyof P]: { input: InputOf<P[K]> } }

type StateOf<St> = St extends z.core.$ZodType ? z.output<St> : St

type PayloadOf<P> = unknown extends P
  ? undefined
  : P extends z.core.$ZodType
    ? z.output<P>
    : undefined

type InputOf<P> = unknown extends P ? undefined : P extends z.core.$ZodType ? z.input<P> : undefined

export type RejectionsIn<R> = unknown extends R ? never : Extract<R, AnyRejection>

export type ValueIn<V> = unknown extends V ? undefined : Exclude<V, AnyRejection>
