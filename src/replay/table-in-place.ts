// A table as a reducer sees it while it is replayed in place.
import { Collection } from '../table/table.ts'
import type { Table } from '../table/types.ts'

/** What is to be done about a value that leaves the state's own table, or enters it. */
export interface TableHooks {
  /** The value as the reducer may have it. */
  read(table: Table<unknown>, key: string): unknown
  write(table: Table<unknown>, key: string, value: unknown): void
  remove(table: Table<unknown>, key: string): boolean
  refuse(what: string): never
}

/** A draft of the table, and how to end it: as `Proxy.revocable` has it. */
export function tableInPlace(
  table: Table<unknown>,
  place: TableHooks,
): { readonly proxy: object; readonly revoke: () => void } {
  let open: Table<unknown> | undefined = table
  const current = () => open ?? place.refuse('it uses a table of an earlier record')
  const revoke = () => {
    open = undefined
  }
  return { proxy: new TableInPlace(current, place), revoke }
}

class TableInPlace extends Collection<unknown> {
  readonly #table: () => Table<unknown>
  readonly #place: TableHooks

  constructor(table: () => Table<unknown>, place: TableHooks) {
    super()
    this.#table = table
    this.#place = place
    // Code that treats it as a plain object, or as a draft of Immer's, falls back to Immer.
    const refused = { get: () => place.refuse('it looks into a table') }
    Object.defineProperty(this, 'root', { ...refused, enumerable: true, configurable: true })
    Object.defineProperty(this, Symbol.for('immer-state'), refused)
    // Not frozen, which a draft is not either.
    Object.preventExtensions(this)
  }

  get size(): number {
    return this.#table().size
  }

  has(key: string): boolean {
    return this.#table().has(key)
  }

  get(key: string): unknown {
    return this.#place.read(this.#table(), key)
  }

  set(key: string, value: unknown): void {
    this.#place.write(this.#table(), key, value)
  }

  delete(key: string): boolean {
    return this.#place.remove(this.#table(), key)
  }

  keys(): IterableIterator<string> {
    return this.#table().keys()
  }
}
