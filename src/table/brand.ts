// What makes a value a table.
import type { Table } from './types.ts'

/** Marks a table, also one made by another copy of this package. */
export const tableBrand: unique symbol = Symbol.for('ministore.table')

/** Also of a draft. */
export function isTable(value: unknown): value is Table<unknown> {
  return typeof value === 'object' && value !== null && tableBrand in value
}
