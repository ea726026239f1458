// What a state is to those who read it.
import type { ReadonlyTable, Table } from './types.ts'

/** Deeply read-only, as Immer has it; of a table, what only reads. */
export type Immutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends (...args: never[]) => unknown
    ? T
    : T extends Table<infer V>
      ? ReadonlyTable<Immutable<V>>
      : T extends readonly unknown[]
        ? ImmutableArray<T>
        : T extends object
          ? ImmutableObject<T>
          : T

/** With a name of its own, an editor shows `ImmutableObject<Topic>` and not all that a Topic has. */
export type ImmutableObject<T> = { readonly [K in keyof T]: Immutable<T[K]> }

/** As an array type, which the compiler puts off, so that JSON may hold JSON; a mapped type would not end. */
type ImmutableArray<T extends readonly unknown[]> = number extends T['length']
  ? readonly Immutable<T[number]>[]
  : { readonly [K in keyof T]: Immutable<T[K]> }
