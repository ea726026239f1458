import { type Journal, memoryJournal, type NewEntry } from 'ministore-ts'

export interface GatedJournal extends Journal {
  /** One item per append: what it was given, and how it is to end. */
  readonly appends: { readonly texts: string[]; release(): void; fail(error: Error): void }[]
}

/** A journal in memory whose appends end when the test says so. */
export function gatedJournal(): GatedJournal {
  const memory = memoryJournal()
  const appends: GatedJournal['appends'] = []
  return {
    ...memory,
    appends,
    append: (batch: readonly NewEntry[], expected: number) =>
      new Promise((resolve, reject) => {
        appends.push({
          texts: batch.map(({ text }) => text),
          release: () => resolve(memory.append(batch, expected)),
          fail: reject,
        })
      }),
  }
}

/** Lets everything that is not waiting for an append run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
