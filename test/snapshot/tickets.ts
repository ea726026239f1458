// A store with all that a snapshot has to keep: nested values, batches, keys, undefined, key order.
import { type AnyStoreDefinition, defineStore, type StoreOf } from 'ministore-ts'
import { type FileSystem, fileJournal } from 'ministore-ts/file'
import { z } from 'zod'

const payload = z.object({ id: z.string(), note: z.string().optional(), tags: z.array(z.string()) })

export const tickets = defineStore({
  name: 'tickets',
  state: {
    open: {} as Record<string, { tags: string[]; note: string | undefined; seq: number }>,
    closed: [] as { id: string; at: string }[],
    log: '',
  },
  mutations: {
    open: {
      payload,
      apply(draft, { id, note, tags }, { seq }) {
        draft.open[id] = { tags: [...tags], note, seq }
        draft.log += `+${id}`
      },
    },
    close: {
      payload: z.object({ id: z.string() }),
      apply(draft, { id }, { at }) {
        delete draft.open[id]
        draft.closed.push({ id, at })
        draft.log += `-${id}`
      },
    },
  },
})
export type Tickets = StoreOf<typeof tickets>

export const PATH = '/data/tickets.jsonl'

export const openOn = (fileSystem: FileSystem, path: string = PATH): Promise<Tickets> =>
  tickets.open(fileJournal(path, { fileSystem }))

/** Record `seq`: of every kind in turn. */
export async function dispatchSome(store: Tickets, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const id = `t${store.seq + 1}`
    const key = `request ${id}`
    if (n % 4 === 3) await store.dispatch('close', { id: `t${store.seq}` }, { key })
    else if (n % 4 === 2)
      await store.dispatchAll([
        { type: 'open', payload: { id, tags: ['a', 'ü€😀\u2028'] } },
        { type: 'open', payload: { id: `${id}b`, tags: [] } },
      ])
    else await store.dispatch('open', { id, note: `note ${n}`, tags: [id] }, { key })
  }
}

/** The state as the records alone give it. */
export async function replayed(
  fileSystem: FileSystem,
  definition: AnyStoreDefinition = tickets,
): Promise<unknown> {
  const journal = fileJournal(PATH, { fileSystem, readOnly: true })
  return (await definition.replay(journal)).state
}
