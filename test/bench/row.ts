// What a row of the benchmark says, and what it is told.
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Figure, Role, Skipped } from './measure.ts'

export interface Row {
  readonly id: string
  readonly title: string
  /** What is measured, and on what. */
  readonly work: string
  readonly unit: 'µs' | 'ns' | 'ms' | 'MB' | 'bytes' | 'syncs'
  /** The first is the floor, where there is one. */
  readonly figures: readonly Figure[]
  readonly curves?: Curves
  readonly targets: readonly Target[]
  readonly skipped: readonly Skipped[]
  readonly notes?: readonly string[]
}

/** The row's unit over a size. */
export interface Curves {
  readonly of: string
  readonly lines: readonly Line[]
}
export interface Line {
  readonly name: string
  readonly role: Role
  readonly points: readonly (readonly [size: number, value: number])[]
}

export interface Target {
  readonly text: string
  readonly value: number
  /** Met up to here; from here on where it is the least. */
  readonly limit: number
  readonly isLeast?: boolean
  /** Undefined where it could not be measured. */
  readonly isMet: boolean | undefined
}

export interface Options {
  readonly isQuick: boolean
  readonly rounds: number
  /** In the journals that are replayed. */
  readonly records: number
  /** All files are made below it. */
  readonly directory: string
}

export function atMost(text: string, value: number, limit: number): Target {
  return { text, value, limit, isMet: Number.isNaN(value) ? undefined : value <= limit }
}

export function atLeast(text: string, value: number, limit: number): Target {
  const isMet = Number.isNaN(value) ? undefined : value >= limit
  return { text, value, limit, isLeast: true, isMet }
}

/** A new, empty one. */
export const directoryIn =
  ({ directory }: Options) =>
  (name: string): string =>
    mkdtempSync(join(directory, `${name.replaceAll(/\W+/g, '-')}-`))
