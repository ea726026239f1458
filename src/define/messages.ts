// What a dispatch, a command and a message take, from the types of a definition.
import type { RecordOf } from '../record/record.ts'
import type { DispatchOptions, ExecuteOptions } from './open-store.ts'

/** What may be given where a T is parsed: arrays may be readonly, such as those of a state, all the way down. */
export type Accepted<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? T
    : T extends readonly unknown[]
      ? AcceptedArray<T>
      : T extends object
        ? AcceptedObject<T>
        : T

type AcceptedObject<T> = { [K in keyof T]: Accepted<T[K]> }

type AcceptedArray<T extends readonly unknown[]> = number extends T['length']
  ? readonly Accepted<T[number]>[]
  : { readonly [K in keyof T]: Accepted<T[K]> }

export type PayloadArgs<X> = X extends { input: infer I }
  ? undefined extends I
    ? [payload?: Accepted<I>]
    : [payload: Accepted<I>]
  : never

/** Required if the metadata has a required field. */
export type OptionsArgs<Options, Me> = {} extends Me
  ? [options?: WithMetadata<Options, Me>]
  : [options: WithMetadata<Options, Me>]

export type WithMetadata<Options, Me> = Omit<Options, 'metadata'> &
  ({} extends Me ? { metadata?: Me | undefined } : { metadata: Me })

export type DispatchArgs<X, Me, S> = X extends { input: infer I }
  ? undefined extends I
    ? {} extends Me
      ? [payload?: Accepted<I>, options?: WithMetadata<DispatchOptions<S>, Me>]
      : [payload: Accepted<I>, options: WithMetadata<DispatchOptions<S>, Me>]
    : [payload: Accepted<I>, ...options: OptionsArgs<DispatchOptions<S>, Me>]
  : never

export type CommandArgs<X, Me, S> = X extends { input: infer I }
  ? undefined extends I
    ? {} extends Me
      ? [input?: Accepted<I>, options?: WithMetadata<ExecuteOptions<S>, Me>]
      : [input: Accepted<I>, options: WithMetadata<ExecuteOptions<S>, Me>]
    : [input: Accepted<I>, ...options: OptionsArgs<ExecuteOptions<S>, Me>]
  : never

type Message<K, P> = undefined extends P ? { type: K; payload?: P } : { type: K; payload: P }

export type MutationMap<M> = {
  [K in keyof M & string]: M[K] extends { payload: infer P } ? Message<K, P> : never
}

export type MutationInputMap<M> = {
  [K in keyof M & string]: M[K] extends { input: infer I } ? Message<K, Accepted<I>> : never
}

export type RecordMap<M, Me> = {
  [K in keyof M & string]: M[K] extends { payload: infer P } ? RecordOf<K, P, Me> : never
}
