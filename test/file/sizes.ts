import { defineStore } from 'ministore-ts'
import { z } from 'zod'

/** Adds up how long its payloads are and keeps none of them. */
export const sizes = defineStore({
  name: 'sizes',
  state: { bytes: 0 },
  mutations: {
    blob: {
      payload: z.string(),
      apply(draft, text) {
        draft.bytes += text.length
      },
    },
  },
})
