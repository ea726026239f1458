// Keyed collections for large states: ministore-ts/table.
export { isTable } from './brand.ts'
export { restoreTables, tablePaths } from './places.ts'
export { table } from './table.ts'
export type { ReadonlyTable, Table } from './types.ts'
