// What the children write, and how they are told and tell: a store whose state depends on the order.
import { defineStore, type MutationInput } from 'ministore-ts'
import { z } from 'zod'

export const bank = defineStore({
  name: 'bank',
  state: { balances: {} as Record<string, number>, memoLength: 0 },
  mutations: {
    deposit: {
      payload: z.object({
        id: z.number(),
        account: z.string(),
        cents: z.number(),
        memo: z.string(),
      }),
      apply(draft, { account, cents, memo }) {
        draft.balances[account] = (draft.balances[account] ?? 0) + cents
        draft.memoLength += memo.length
      },
    },
    close: {
      payload: z.object({ id: z.number(), account: z.string() }),
      apply(draft, { account }) {
        delete draft.balances[account]
      },
    },
  },
})

/** One dispatch. */
export interface Step {
  readonly id: number
  /** More than one are a batch. */
  readonly mutations: readonly MutationInput<typeof bank>[]
  readonly key?: string
  /**
   * The next one does not wait until this one is acknowledged, but follows at once (into the same
   * group commit) or while this one's flush is in the air.
   */
  readonly followed?: 'at once' | 'in the air'
}

export interface Job {
  readonly path: string
  readonly steps: readonly Step[]
  readonly sync?: 'async' | 'blocking'
  readonly durability?: 'fsync' | 'os'
  /** Stays, with the journal open, until it is killed. */
  readonly holds?: boolean
}

/** One line of what a child says; of a dispatch, when its promise resolved or rejected. */
export type Said =
  | { readonly what: 'ready' | 'closed' }
  | { readonly what: 'opened'; readonly seq: number }
  | { readonly what: 'acknowledged'; readonly id: number; readonly seq: number }
  | {
      readonly what: 'failed'
      readonly id: number
      readonly code: string
      readonly message: string
    }
  /** The state's seq, and the seqs of all records that could be read; or why they could not. */
  | { readonly what: 'read'; readonly seq: number; readonly seqs: readonly number[] | string }
  | { readonly what: 'not opened'; readonly code: string; readonly message: string }
