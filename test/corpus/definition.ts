// A store that uses every feature of the journal's format: what writes the corpus, and what each version has to open.
import { defineStore } from 'ministore-ts'
import { type Secret, secret } from 'ministore-ts/secrets'
import { type Table, table } from 'ministore-ts/table'
import { z } from 'zod'

interface State {
  names: string[]
  table: Table<{ count: number }>
  nothing: { gone: undefined } | null
  bare: { inside: number } | null
  emails: Secret<string>[]
}

const initial = (): State => ({
  names: [],
  table: table<{ count: number }>(),
  nothing: null,
  bare: null,
  emails: [],
})

/** Writes version 1 of `named`. */
export const first = defineStore({
  name: 'corpus',
  state: initial(),
  mutations: {
    named: {
      payload: z.object({ title: z.string() }),
      apply: (draft, { title }) => void draft.names.push(title),
    },
  },
})

export const corpus = defineStore({
  name: 'corpus',
  state: initial(),
  metadata: z.object({ actor: z.string().optional(), reason: z.string().optional() }),
  mutations: {
    named: {
      payload: z.object({ name: z.string() }),
      upcast: { 1: z.object({ title: z.string() }).transform(({ title }) => ({ name: title })) },
      apply: (draft, { name }) => void draft.names.push(name),
    },
    counted: {
      payload: z.object({ key: z.string() }),
      apply({ table }, { key }) {
        table.set(key, { count: (table.get(key)?.count ?? 0) + 1 })
      },
    },
    odd: {
      apply(draft) {
        draft.nothing = { gone: undefined }
        draft.bare = Object.assign(Object.create(null), { inside: 1 })
      },
    },
    emailed: {
      payload: z.object({
        id: z.string(),
        email: secret(z.email(), { subject: 'id', redacted: 'erased' }),
      }),
      apply: (draft, { email }) => void draft.emails.push(email),
    },
  },
  commands: {
    nameAll: {
      input: z.array(z.string()),
      run(tx, names) {
        for (const name of names) tx.dispatch('named', { name })
        return names.length
      },
    },
  },
})
