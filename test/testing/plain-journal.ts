// A journal that keeps the contract, as plain as can be, for mutants to be made of.
import { type Entry, type Journal, StoreError } from 'ministore-ts'
import type { JournalStorage } from 'ministore-ts/testing'

/** What is behind the journal objects. */
export interface Disk {
  store: string | undefined
  epoch: string
  texts: string[]
  owner: Journal | undefined
  /** Called once, when something is appended. */
  waiting: (() => void)[]
  /** Nobody opened it since. */
  isCrashed: boolean
}

/** Changes some methods of a correct journal. */
export type Mutate = (correct: Journal, disk: Disk) => Partial<Journal>

const CHUNK = 500
const MOST_BYTES = 2 ** 20

/** A storage of correct journals, or of what `mutate` makes of them. */
export function plainStorage({
  shared = false,
  mutate = () => ({}),
}: {
  shared?: boolean
  mutate?: Mutate
} = {}): JournalStorage {
  const epoch = globalThis.crypto.randomUUID()
  let disk: Disk = {
    store: undefined,
    epoch,
    texts: [],
    owner: undefined,
    waiting: [],
    isCrashed: false,
  }
  return {
    journal() {
      const correct = plainJournal(disk, shared)
      return { ...correct, ...mutate(correct, disk) }
    },
    crash() {
      // Whoever is still running writes to the old one.
      disk = { ...disk, texts: [...disk.texts], owner: undefined, waiting: [], isCrashed: true }
    },
  }
}

function plainJournal(disk: Disk, shared: boolean): Journal {
  let isOpen = false
  const check = () => {
    if (!isOpen) throw new StoreError('closed', 'it is closed')
  }
  const journal: Journal = {
    name: 'plain',
    maxEntryBytes: MOST_BYTES,
    async open(store) {
      if (!shared && disk.owner) throw new StoreError('locked', 'another one has it')
      if (disk.store !== undefined && disk.store !== store) {
        throw new StoreError('wrong_store', `it belongs to ${disk.store}`)
      }
      const created = disk.store === undefined
      disk.store = store
      disk.owner = journal
      disk.isCrashed = false
      isOpen = true
      return { epoch: disk.epoch, head: disk.texts.length, created }
    },
    async append(batch, expected) {
      check()
      if (expected !== disk.texts.length) return { ok: false, head: disk.texts.length }
      disk.texts.push(...batch.map(({ text }) => text))
      for (const wake of disk.waiting.splice(0)) wake()
      return { ok: true, seq: disk.texts.length }
    },
    async *read(after, { to = Number.POSITIVE_INFINITY } = {}) {
      const last = Math.min(to, disk.texts.length)
      for (let seq = after; seq < last; seq += CHUNK) {
        check()
        yield entriesOf(disk).slice(seq, Math.min(seq + CHUNK, last))
        await undefined
      }
    },
    async close() {
      if (isOpen) disk.owner = undefined
      isOpen = false
    },
  }
  return shared ? { ...journal, follow: (after, signal) => follow(disk, after, signal) } : journal
}

async function* follow(disk: Disk, after: number, signal: AbortSignal): AsyncGenerator<Entry[]> {
  for (let seq = after; !signal.aborted; ) {
    const news = entriesOf(disk).slice(seq)
    seq += news.length
    if (news.length > 0) yield news
    else
      await new Promise<void>((resolve) => {
        disk.waiting.push(resolve)
        signal.addEventListener('abort', () => resolve())
      })
  }
}

export const entriesOf = ({ texts }: Disk): Entry[] =>
  texts.map((text, index) => ({ seq: index + 1, text }))
