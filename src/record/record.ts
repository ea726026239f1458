// A record: read back from a journal, or about to be written to it.

import type { Rejection, StoreError } from '../errors.ts'
import type { Meta, Metadata, PreparedMutation, WellKnownMetadata } from '../mutation/spec.ts'
import type { Immutable } from '../table/immutable.ts'

/** Metadata in a record. Records of older definitions may lack any of it. */
export type JournaledMetadata<Me> = { readonly [K in keyof Me]?: Immutable<Me[K]> | undefined }

export interface Receipt {
  readonly ok: true
  readonly seq: number
  readonly at: string
  readonly duplicate: boolean
}

/** What the core answers. `refusal`: in place of a result, of a request whose refusal waits until it is certain. */
export interface CommitReceipt extends Receipt {
  readonly refusal?: Rejection | StoreError
}

/** A mutation as it was committed. `part` of `parts`, from 1: its place in its batch. */
export interface RecordOf<K extends string, P, Me = WellKnownMetadata> extends Meta {
  readonly type: K
  readonly payload: Immutable<P>
  /** The command that decided it, if one did. */
  readonly command?: string
  /** As it was journaled, whatever today's schema is; absent if there was none. */
  readonly metadata?: JournaledMetadata<Me>
  readonly part: number
  readonly parts: number
}

/** One record, read back from a journal or about to be written to it. */
export interface Decoded {
  readonly meta: Meta
  /** The command that decided it, if one did. */
  readonly command?: string | undefined
  /** Of a command or a transaction with a key: the digest of its input, and what it returned. */
  readonly input?: string | undefined
  readonly value?: unknown
  readonly metadata?: Metadata | undefined
  /** In its journal, from 1, where that has lines. */
  readonly line?: number | undefined
  readonly parts: readonly PreparedMutation[]
}

export type Committed = RecordOf<string, unknown, Metadata>
