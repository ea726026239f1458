// The store of these tests: a name belongs to who was first.
import { defineStore, reject } from 'ministore-ts'
import { sharedJournal } from 'ministore-ts/shared'
import { z } from 'zod'
import type { Network, Server } from './simulated-engine.ts'

export const names = defineStore({
  name: 'names',
  state: { taken: {} as Record<string, string>, count: 0 },
  mutations: {
    take: {
      payload: z.object({ name: z.string(), by: z.string() }),
      guard(state, { name }) {
        const by = state.taken[name]
        if (by !== undefined) return reject('taken', { name, by })
        return undefined
      },
      apply(draft, { name, by }) {
        draft.taken[name] = by
        draft.count += 1
      },
    },
  },
  commands: {
    takeAs: {
      input: z.object({ name: z.string(), by: z.string() }),
      run: (tx, { name, by }) => void tx.dispatch('take', { name, by }),
    },
    takeFree: {
      input: z.object({ by: z.string() }),
      run(tx, { by }) {
        const name = `n${tx.state.count}`
        tx.dispatch('take', { name, by })
        return name
      },
    },
  },
})

/** A process of its own, as it were. `timeout`: in milliseconds. */
export const opened = (
  server: Server,
  network?: Network,
  timeout = 10_000,
): ReturnType<typeof names.open> => names.open(sharedJournal(server.engine(network), { timeout }))
