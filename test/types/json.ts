// States and payloads of JSON in JSON, and what is read from a state dispatched again.
import { defineStore, type StoreOf } from 'ministore-ts'
import { z } from 'zod'
import { keeps } from './helpers.ts'

type Own = string | number | null | Own[] | { [key: string]: Own }
type Frozen = string | null | readonly Frozen[] | { readonly [key: string]: Frozen }
interface Folder {
  name: string
  folders: Folder[]
  byName: Record<string, Folder>
  pair?: [Folder, Folder]
}
const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree)
  },
})
const Lazy: z.ZodType<Own> = z.lazy(() =>
  z.union([z.string(), z.number(), z.null(), z.array(Lazy), z.record(z.string(), Lazy)]),
)
type ZodJson = z.infer<ReturnType<typeof z.json>>

export const json = defineStore({
  name: 'json',
  state: {
    own: {} as Record<string, Own>,
    frozen: null as Frozen,
    folder: undefined as Folder | undefined,
    trees: [] as z.infer<typeof Tree>[],
    json: null as ZodJson,
    segments: {} as Record<string, { name: string; includes: string[] }>,
  },
  mutations: {
    own: {
      payload: z.object({ key: z.string(), value: Lazy }),
      apply(draft, { key, value }) {
        draft.own[key] = value
      },
    },
    grow: { payload: Tree, apply: (draft, tree) => void draft.trees.push(tree) },
    json: {
      payload: z.json(),
      apply(draft, value) {
        draft.json = value
      },
    },
    all: {
      payload: z.record(z.string(), z.json()),
      apply(draft, value) {
        draft.json = value
      },
    },
    put: {
      payload: z.object({ name: z.string(), includes: z.array(z.string()) }),
      apply(draft, segment) {
        draft.segments[segment.name] = segment
      },
    },
  },
  commands: {
    again: {
      input: z.object({ names: z.array(z.string()), json: z.json() }),
      run(tx, { names, json }) {
        const own = tx.state.own['a']
        if (own !== undefined) tx.dispatch('own', { key: 'b', value: own })
        for (const tree of tx.state.trees) tx.dispatch('grow', tree)
        for (const name of names) {
          const segment = tx.state.segments[name]
          if (segment) tx.dispatch('put', { ...segment, name: `${name}2` })
        }
        tx.dispatch('json', tx.state.json)
        tx.dispatch('all', { state: tx.state.json, json })
        return json
      },
    },
  },
})

declare const store: StoreOf<typeof json>

keeps('what is read from a state, a record or a command can be dispatched again', async () => {
  await store.dispatch('json', store.state.json)
  for (const segment of Object.values(store.state.segments)) await store.dispatch('put', segment)
  for await (const record of store.records()) {
    if (record.type === 'put') await store.dispatch('put', record.payload)
    if (record.type === 'json') await store.dispatchAll([record])
  }
  const { value } = await store.execute('again', { names: ['a'], json: store.state.json })
  await store.dispatch('json', value)
})

keeps('fixtures may be `as const`', async () => {
  const put = { type: 'put', payload: { name: 'a', includes: ['x', 'y'] } } as const
  const again = { names: ['a'], json: { deep: [1, null, { x: true }] } } as const
  await json.memory([put])
  await store.dispatchAll([put])
  await store.dispatch(put.type, put.payload)
  await store.execute('again', again)
})
