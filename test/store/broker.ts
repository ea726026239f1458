import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'

export interface Topic {
  name: string
  partitions: number
  createdAt: string
}

/** The definition most tests use: a rule, a default, a mutation without payload, a command. */
export const broker = defineStore({
  name: 'broker',
  state: { topics: {} as Record<string, Topic>, total: 0 },
  mutations: {
    addTopic: {
      payload: z.object({
        name: z.string().min(1),
        partitions: z.number().int().positive().default(1),
      }),
      guard(state, { name }) {
        return state.topics[name] ? reject('topic_exists', { name }) : undefined
      },
      apply(draft, payload, meta) {
        draft.topics[payload.name] = { ...payload, createdAt: meta.at }
        draft.total += 1
      },
    },
    setPartitions: {
      payload: z.object({ name: z.string(), partitions: z.number() }),
      apply(draft, { name, partitions }) {
        const topic = draft.topics[name]
        if (!topic) throw new Error(`no topic ${name}`)
        topic.partitions = partitions
      },
    },
    reset: { apply: () => ({ topics: {}, total: 0 }) },
  },
  commands: {
    createTopics: {
      input: z.object({ names: z.array(z.string()) }),
      run(tx, { names }) {
        const taken = names.filter((name) => tx.state.topics[name])
        if (taken.length > 0) return reject('taken', { names: taken })
        for (const name of names) tx.dispatch('addTopic', { name })
        return { created: names.length }
      },
    },
  },
})

/** A clock that says the same until it is told otherwise. */
export const NOON = Date.parse('2026-11-22T12:00:00.000Z')
export const atNoon = { now: () => NOON }
