import { defineStore, type StoreOf } from 'ministore-ts'
import { type FileSystem, fileJournal } from 'ministore-ts/file'
import { z } from 'zod'

/** What the journal's tests write: one line of text, or a version 2 payload, or nothing but a type. */
export const ledger = defineStore({
  name: 'ledger',
  state: { notes: [] as string[], balance: 0 },
  mutations: {
    note: {
      payload: z.string(),
      apply(draft, text) {
        draft.notes.push(text)
      },
    },
    pay: {
      payload: z.object({ cents: z.number() }),
      upcast: { 1: z.number().transform((euros) => ({ cents: euros * 100 })) },
      apply(draft, { cents }) {
        draft.balance += cents
      },
    },
    clear: { apply: () => ({ notes: [], balance: 0 }) },
  },
})
export type Ledger = StoreOf<typeof ledger>

/** A clock that stands still, so that every line can be written down in full. */
export const NOON = '2026-11-22T12:00:00.000Z'
export const atNoon = { now: () => Date.parse(NOON) }

export const openOn = (fileSystem: FileSystem, path: string): Promise<Ledger> =>
  ledger.open(fileJournal(path, { fileSystem }), atNoon)

/** One record after the other, each acknowledged before the next. */
export async function writeNotes(store: Ledger, texts: Iterable<string>): Promise<void> {
  for (const text of texts) await store.dispatch('note', text)
}

export async function seqsOf(records: AsyncIterable<{ readonly seq: number }>): Promise<number[]> {
  const seqs: number[] = []
  for await (const { seq } of records) seqs.push(seq)
  return seqs
}
