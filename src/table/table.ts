// A keyed collection whose changes cost the same, however many keys it has.
import { tableBrand } from './brand.ts'
import * as trie from './trie.ts'
import type { Table } from './types.ts'

/** What all tables can do on top of the few things that each kind does in its own way. */
export abstract class Collection<V> {
  abstract readonly size: number
  abstract has(key: string): boolean
  abstract get(key: string): V | undefined
  abstract set(key: string, value: V): void
  abstract delete(key: string): boolean
  abstract keys(): IterableIterator<string>

  update(key: string, change: (value: V) => V | void): boolean {
    const value = this.get(key)
    if (value === undefined) return false
    const changed = change(value)
    if (changed !== undefined) this.set(key, changed)
    return true
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** What is removed while this runs is left out; what is added meanwhile may be. */
  *entries(): IterableIterator<[string, V]> {
    for (const key of this.keys()) {
      const value = this.get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  [Symbol.iterator](): IterableIterator<[string, V]> {
    return this.entries()
  }

  /** A plain object, its keys sorted. */
  toJSON(): Record<string, V> {
    return Object.fromEntries(this.entries())
  }
}

/** The table that a state holds. Its methods work on itself, and on Immer's drafts of it. */
class TrieTable<V> extends Collection<V> {
  root: trie.Node

  constructor(root: trie.Node) {
    super()
    this.root = root
  }

  get size(): number {
    return trie.sizeOf(trie.rootOf(this))
  }

  has(key: string): boolean {
    return trie.find(this, key).at >= 0
  }

  get(key: string): V | undefined {
    const place = trie.find(this, key)
    return place.at < 0 ? undefined : (trie.read(this, place) as V)
  }

  set(key: string, value: V): void {
    if (typeof key !== 'string')
      throw new TypeError(`a table's keys are strings, not ${typeof key}`)
    if (value === undefined) return void this.delete(key)
    assertOpen(this)
    const place = trie.find(this, key)
    if (place.at < 0) trie.insert(this, place, [key, value])
    else trie.replace(this, place, value)
  }

  delete(key: string): boolean {
    assertOpen(this)
    const place = trie.find(this, key)
    if (place.at >= 0) trie.remove(this, place, key)
    return place.at >= 0
  }

  *keys(): IterableIterator<string> {
    yield* trie.keysIn(trie.rootOf(this)).sort()
  }
}

Object.defineProperties(Collection.prototype, {
  [tableBrand]: { value: true },
  // As Immer asks a class for it: its instances are drafted like plain objects.
  [Symbol.for('immer-draftable')]: { value: true },
  // As console.log asks for it in Node.
  [Symbol.for('nodejs.util.inspect.custom')]: {
    value(this: Collection<unknown>, _depth: number, options: object, inspect: Inspect) {
      return `Table ${inspect(this.toJSON(), options)}`
    },
  },
})
type Inspect = (value: unknown, options: object) => string

/** A new table. Of a key that comes twice, the last value counts. */
export function table<V>(entries: Iterable<readonly [key: string, value: V]> = []): Table<V> {
  const pairs = [...new Map(entries)].filter(([, value]) => value !== undefined)
  return new TrieTable<V>(trie.build(pairs.sort(trie.byKey))) as unknown as Table<V>
}

/** The same keys, and what `change` makes of each value. */
export function copyTable<V>(
  source: Table<V>,
  change: (value: unknown, key: string) => unknown,
): Table<V> {
  const { root } = source as unknown as trie.Rooted
  return new TrieTable<V>(trie.mapValues(root, change)) as unknown as Table<V>
}

/** The keys whose value is not the same object in both. What the two share costs nothing. */
export function changedKeys(before: Table<unknown>, after: Table<unknown>): string[] {
  const roots = [before, after] as unknown as [trie.Rooted, trie.Rooted]
  return trie.changedKeys(roots[0].root, roots[1].root).sort()
}

function assertOpen(table: object): void {
  if (Object.isFrozen(table))
    throw new TypeError('this table is part of a state, and frozen: change it in a reducer')
}
