// What a dispatch gives: a receipt, or a typed refusal.
import type { z } from 'zod'
import type { AnyRejection, Rejection } from '../errors.ts'
import type { Receipt } from '../record/record.ts'

/** Rejects with Rejection or StoreError; `.safe()` turns Rejections, only those, into values. */
export interface Outcome<T, R extends AnyRejection> extends Promise<T> {
  safe(): Promise<T | R>
}

export interface Executed<V> extends Receipt {
  readonly value: V
}

/** The input did not fit the schema, or is not JSON. `target`: the mutation or command. */
export type Invalid = Rejection<
  'invalid',
  { readonly target: string; readonly issues: readonly z.core.$ZodIssue[] }
>

export type Conflict = Rejection<'conflict', { readonly expected: number; readonly actual: number }>

export type RejectsOf<X> = X extends { rejects: infer R extends AnyRejection } ? R : never

export type AllRejects<M> = RejectsOf<M[keyof M]>

/** One rejection for each code, with each type of its details once. */
export type ByCode<R extends AnyRejection> =
  CodeMap<R> extends infer Map extends { [code: string]: AnyRejection } ? Map[keyof Map] : never

/** Of rejections with the same code, `X` has all of them. */
type CodeMap<R extends AnyRejection> = {
  [X in R as X['code']]: Rejection<X['code'], Distinct<X>['details']>
}

type Boxed<X> = X extends Rejection<string, infer Details> ? [Exact<Details>] : never

/** Of the candidates for `infer`, the compiler leaves out those that equal another one. */
// biome-ignore lint/suspicious/noExplicitAny: details of every shape
type Distinct<X> = Boxed<X> extends [infer Each extends Exact<any>] ? Each : never

/** Invariant, so that only equal details are equal. */
interface Exact<in out Details> {
  readonly details: Details
}

export type CommandValue<X> = X extends { value: infer V } ? V : never
