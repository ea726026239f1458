// What the compiler says about a definition that cannot work.
import type { z } from 'zod'
import type { AnyRejection } from '../errors.ts'
import type { Json } from '../json/json.ts'

/**
 * What `reject` also returns inside of a `guard`, a `run` and a transaction, which says that they may end
 * without a `return`: with `noImplicitReturns`, a function may do so whose result includes `void`.
 */
export type Nothing = void & Problem<'reject() throws'>

/** While a definition is inferred, what its functions return is unknown. */
export type NothingIn<Context> = unknown extends Context ? Nothing : Extract<Context, Nothing>

/** Only seen in compile errors. */
export interface Problem<Message extends string> {
  readonly problem: Message
}

export type OnlyRejections<R> = unknown extends R
  ? unknown
  : [R] extends [AnyRejection | void | undefined]
    ? unknown
    : Problem<'guard() may only return nothing or reject(...)'>

export type OnlySync<V> = unknown extends V
  ? unknown
  : [Extract<V, PromiseLike<unknown>>] extends [never]
    ? unknown
    : Problem<'run() must be synchronous: await before or after execute()'>

export type CheckPayload<P> = unknown extends P
  ? unknown
  : P extends z.core.$ZodType
    ? JsonIssue<z.output<P>, 'payload'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? [z.output<P>] extends [z.input<P>]
          ? unknown
          : Problem<'payload: what the schema outputs must be valid input for it too, since the journal holds the output and replay parses it again'>
        : Problem<`${Issue}, which the journal cannot hold`>
      : never
    : Problem<'payload must be a Zod schema'>

export type CheckMetadata<Me> = unknown extends Me
  ? unknown
  : Me extends z.core.$ZodObject
    ? JsonIssue<z.output<Me>, 'metadata'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? [z.output<Me>] extends [z.input<Me>]
          ? unknown
          : Problem<'metadata: what the schema outputs must be valid input for it too'>
        : Problem<`${Issue}, which the journal cannot hold`>
      : never
    : Problem<'metadata must be a z.object(…)'>

export type CheckState<St> = St extends z.core.$ZodType
  ? JsonIssue<z.output<St>, 'state'> extends infer Issue extends string
    ? [Issue] extends [never]
      ? {} extends z.input<St>
        ? unknown
        : Problem<'a state schema must accept {}: give every field a .default()'>
      : Problem<`${Issue}, which a snapshot cannot hold`>
    : never
  : St extends object
    ? JsonIssue<St, 'state'> extends infer Issue extends string
      ? [Issue] extends [never]
        ? unknown
        : Problem<`${Issue}, which a snapshot cannot hold`>
      : never
    : Problem<'state must be an object'>

/** never when T is JSON, else a message per offending path. Plain assignability first; depth-limited so recursive types end. */
type JsonIssue<T, At extends string, Depth extends 0[] = []> = 0 extends 1 & T
  ? never
  : [T] extends [Json]
    ? never
    : unknown extends T
      ? `${At} is unknown`
      : Depth['length'] extends 7
        ? never
        : T extends string | number | boolean | null | undefined
          ? never
          : T extends Date
            ? `${At} is a Date`
            : T extends bigint
              ? `${At} is a bigint`
              : T extends symbol
                ? `${At} is a symbol`
                : T extends (...args: never[]) => unknown
                  ? `${At} is a function`
                  : T extends ReadonlyMap<unknown, unknown>
                    ? `${At} is a Map`
                    : T extends ReadonlySet<unknown>
                      ? `${At} is a Set`
                      : T extends RegExp | PromiseLike<unknown> | ArrayBufferView | ArrayBuffer
                        ? `${At} is not JSON`
                        : T extends readonly unknown[]
                          ? number extends T['length']
                            ? JsonIssue<T[number], `${At}[]`, [...Depth, 0]>
                            : {
                                [K in keyof T]: JsonIssue<
                                  T[K],
                                  `${At}[${K & string}]`,
                                  [...Depth, 0]
                                >
                              }[number]
                          : T extends TableOf<infer E>
                            ? JsonIssue<E, `${At}[]`, [...Depth, 0]>
                            : T extends object
                              ? {
                                  [K in keyof T]-?: JsonIssue<
                                    T[K],
                                    string extends K ? `${At}[]` : `${At}.${K & string}`,
                                    [...Depth, 0]
                                  >
                                }[keyof T]
                              : `${At} is not JSON`

/** As much of a table as tells its values' type. */
type TableOf<V> = { get(key: string): V; update(key: string, change: never): boolean }
