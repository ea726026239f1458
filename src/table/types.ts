// What a table looks like: as read from the state, and in a reducer. Types only.
import type { Draft } from 'immer'

/** A table as `store.state` shows it. */
export interface ReadonlyTable<V> {
  readonly size: number
  has(key: string): boolean
  /** `undefined` where there is no such key. */
  get(key: string): V | undefined
  /** Sorted by UTF-16 code units, as `Array.prototype.sort` does it. */
  keys(): IterableIterator<string>
  /** In the order of their keys. */
  values(): IterableIterator<V>
  /** In the order of their keys. */
  entries(): IterableIterator<[string, V]>
  [Symbol.iterator](): IterableIterator<[string, V]>
}

/** A table in a reducer, or before there is a store. What it gives out may be changed. */
export interface Table<V> extends ReadonlyTable<Draft<V>> {
  /** A value of `undefined` removes the key. */
  set(key: string, value: V): void
  /** False if there was no such key. */
  delete(key: string): boolean
  /** Changes the value, or replaces it by what `change` returns. False if there is no such key. */
  update(key: string, change: (value: Draft<V>) => V | void): boolean
}
