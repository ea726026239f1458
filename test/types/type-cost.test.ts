// What a large definition costs its users' editor. Instantiations and types are counted, not
// seconds: one compiler gives the same figures on every machine.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile } from './tsc.ts'

const MUTATIONS = 200
const CALLS = 400

const each = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join('\n')

const definition = (mutations: number) => `
import { defineStore, reject } from 'ministore-ts'
import { z } from 'zod'
interface Item { id: string; title: string; tags: string[]; done?: boolean; position: { x: number; y: number } }
export const large = defineStore({
  name: 'large',
  state: { items: {} as Record<string, Item>, total: 0 },
  mutations: {
${each(
  mutations,
  (n) => `
    change${n}: {
      payload: z.object({
        id: z.string(),
        title${n}: z.string().min(1),
        tags: z.array(z.string()).default([]),
        position: z.object({ x: z.number().default(${n}), y: z.number() }),
        note: z.string().optional(),
      }),
      guard(state, payload) {
        if (state.items[payload.id]?.done) return reject('done_${n}', { id: payload.id })
        return state.total > ${n} ? reject('full', { total: state.total }) : undefined
      },
      apply(draft, payload) {
        const { id, title${n}: title, tags, position } = payload
        draft.items[id] = { id, title, tags, position }
        draft.total += 1
      },
    },`,
)}
  },
})
`

/** Half of the calls await a receipt, half look at each way to be refused. */
const calls = (count: number, mutations: number) => `
import type { StoreOf } from 'ministore-ts'
import { large } from './large.ts'
export async function call(store: StoreOf<typeof large>, message: unknown) {
  await store.dispatchAll([large.schema.parse(message)])
  store.subscribe((state, previous, records) => console.log(state.total - previous.total, records[0]?.type))
  for await (const record of store.records()) console.log(record.payload.id)
${each(count, (n) => {
  const of = n % mutations
  const dispatch = `store.dispatch('change${of}', { id: '', title${of}: '', position: { y: ${n} } })`
  if (n < count / 2) return `  await ${dispatch}`
  return `
  const result${n} = await ${dispatch}.safe()
  if (!result${n}.ok) {
    switch (result${n}.code) {
      case 'done_${of}': console.log(result${n}.details.id); break
      case 'full': console.log(result${n}.details.total.toFixed()); break
      case 'invalid': console.log(result${n}.details.issues.length); break
      case 'conflict': console.log(result${n}.details.actual); break
    }
  }`
})}
}
`

const NOTHING = `
import { defineStore } from 'ministore-ts'
import { z } from 'zod'
export { defineStore, z }
`

/** About 1.5 times what was measured when this was written (TypeScript 7.0.2, zod 4.6.7). */
const MOST = { Instantiations: 740_000, Types: 90_000 }
const LABELS = ['Instantiations', 'Types'] as const

type Cost = Readonly<Record<(typeof LABELS)[number], number>>

async function cost(files: Readonly<Record<string, string>>): Promise<Cost> {
  const { diagnostics, counts } = await compile(files)
  expect(diagnostics).toEqual([])
  const [Instantiations = NaN, Types = NaN] = LABELS.map((label) => counts.get(label))
  return { Instantiations, Types }
}

/** What a definition and its calls cost besides importing ministore-ts and zod. */
async function measure(mutations: number, count: number): Promise<Cost> {
  const nothing = await cost({ 'nothing.ts': NOTHING })
  const all = await cost({
    'large.ts': definition(mutations),
    'calls.ts': calls(count, mutations),
  })
  return {
    Instantiations: all.Instantiations - nothing.Instantiations,
    Types: all.Types - nothing.Types,
  }
}

describe(`${MUTATIONS} mutations and ${CALLS} dispatches`, () => {
  let whole: Cost
  beforeAll(async () => {
    whole = await measure(MUTATIONS, CALLS)
    console.info(`${MUTATIONS} mutations, ${CALLS} dispatches:`, whole, 'of at most', MOST)
  })

  test.for(LABELS)('stay below the agreed number of %s', (label) => {
    expect(whole[label]).toBeLessThan(MOST[label])
  })

  test('cost no more than twice what half of them cost, and a little', async () => {
    const half = await measure(MUTATIONS / 2, CALLS / 2)
    for (const label of LABELS) expect.soft(whole[label] / half[label], label).toBeLessThan(2.1)
  })
})
