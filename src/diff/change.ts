// What changed between two states.

export interface StateDiff {
  /** Operations of RFC 6902 (JSON patch), each with what was there before. */
  readonly changes: readonly Change[]
  /** The same as a unified diff of indented JSON. */
  readonly unified: string
}

export type Change =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string; readonly before: unknown }
  | {
      readonly op: 'replace'
      readonly path: string
      readonly value: unknown
      readonly before: unknown
    }
