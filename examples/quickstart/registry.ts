// The definition: what the registry knows, and everything that can happen to it.
import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'

const packageSchema = z.object({
  name: z.string().min(1),
  version: z.string().min(1),
  // Filled in before it is journaled, so the default of today is not a riddle in ten years.
  license: z.string().default('unknown'),
  dependencies: z.array(z.string()).default([]),
})

export type Package = z.input<typeof packageSchema>
type Listed = z.output<typeof packageSchema> & { addedAt: string; deprecated?: string }
type Id = Pick<Package, 'name' | 'version'>

/** Names a package in the state, and its mutation as the idempotency key: `chalk@5.4.1`. */
export const idOf = ({ name, version }: Id) => `${name}@${version}`

export const registry = defineStore({
  name: 'registry',
  state: { packages: {} as Record<string, Listed> },

  // Facts. Each becomes a record in the journal, and `apply` turns it into state: now, and again at
  // every replay. Types follow from the schemas: nothing here is declared twice.
  mutations: {
    addPackage: {
      payload: packageSchema,
      // Rules are asked before anything is written, and never on replay: free to change.
      guard: (state, { name, version }) =>
        state.packages[idOf({ name, version })]
          ? reject('version_exists', { name, version })
          : undefined,
      // The journaled time, not Date.now(): a replay must give the same state.
      apply(draft, added, { at }) {
        draft.packages[idOf(added)] = { ...added, addedAt: at }
      },
    },

    deprecate: {
      payload: z.object({ name: z.string(), version: z.string(), reason: z.string() }),
      guard: (state, { name, version }) =>
        state.packages[idOf({ name, version })]
          ? undefined
          : reject('no_such_package', { name, version }),
      apply(draft, { reason, ...id }) {
        const found = draft.packages[idOf(id)]
        if (found) found.deprecated = reason
      },
    },
  },

  // Decisions. They look at the state and dispatch mutations, all or none, as one record.
  commands: {
    deprecateOlder: {
      input: z.object({ reason: z.string() }),
      run(tx, { reason }) {
        const all = Object.values(tx.state.packages)
        const older = all.filter((one) => all.some((other) => isNewer(other, one)))
        for (const { name, version } of older) tx.dispatch('deprecate', { name, version, reason })
        return { deprecated: older.map(idOf) }
      },
    },
  },
})

const isNewer = (a: Id, b: Id) =>
  a.name === b.name && a.version.localeCompare(b.version, 'en', { numeric: true }) > 0
