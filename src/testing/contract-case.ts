// One case of the contract: its tools, and a check that it leaves nothing open.
import type { Awaitable, Journal, JournalInfo } from '../port/journal.ts'

/** The journals of the cases belong to this store. */
export const STORE = 'contract'

export interface JournalStorage {
  /** A Journal object of its own on this storage, not opened yet: the next process, or the next writer. */
  journal(): Awaitable<Journal>
  /** Ends, without closing it, whatever Journal is open: a kill, a power cut, a lost connection. */
  crash?(): Awaitable<void>
  /** The case is over; its journals are closed. */
  remove?(): Awaitable<void>
}

/** By the sentence that each promises. */
export type Cases = Readonly<Record<string, (stage: Stage) => Promise<void>>>

/** What a case works with. What it opened is closed after it. */
export interface Stage {
  /** A new Journal object on the case's storage, opened. */
  open(store?: string): Promise<Opened>
  /** A new Journal object on the case's storage, not opened. */
  journal(): Promise<Journal>
  /** A new Journal object on another storage, opened. */
  openAnother(): Promise<Opened>
  closeBehind<T extends { close(): Promise<void> }>(opened: T): T
  crash(): Promise<void>
}

interface Opened {
  readonly journal: Journal
  readonly info: JournalInfo
}

/** Rejects as the case does; then all that it left is closed and removed anyway. */
export async function runCase(
  create: () => Awaitable<JournalStorage>,
  test: Cases[string],
): Promise<void> {
  const storage = await create()
  const storages = [storage]
  let opened: { close(): Promise<void> }[] = []
  const closeBehind: Stage['closeBehind'] = (each) => {
    opened.push(each)
    return each
  }
  const openOn = async (on: JournalStorage, store: string) => {
    const journal = await on.journal()
    const info = await journal.open(store)
    return { journal: closeBehind(journal), info }
  }
  try {
    await test({
      open: (store = STORE) => openOn(storage, store),
      journal: async () => storage.journal(),
      async openAnother() {
        const another = await create()
        storages.push(another)
        return openOn(another, STORE)
      },
      closeBehind,
      async crash() {
        if (!storage.crash) throw new TypeError('{ crashes: true } needs storages with a crash()')
        await storage.crash()
        // A journal that lost its disk or its connection may never answer again.
        opened = []
      },
    })
  } finally {
    for (const each of opened) await each.close().catch(() => undefined)
    for (const each of storages) await each.remove?.()
  }
}
