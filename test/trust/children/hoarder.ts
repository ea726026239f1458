// A process whose state outgrows its heap: in dispatching, or while snapshots are taken or the journal is compacted.
import { defineStore } from 'ministore-ts'
import { z } from 'zod'

/** Each entry is different, so that none is shared. */
export const hoard = defineStore({
  name: 'hoard',
  state: { entries: [] as string[] },
  mutations: {
    add: {
      payload: z.object({ entry: z.string() }),
      apply: (draft, { entry }) => void draft.entries.push(entry),
    },
  },
})

export const entryOf = (seq: number): string => `${seq} ${'x'.repeat(20_000)} ${seq}`

export type Hoarding = 'dispatch' | 'snapshot' | 'compact'
