// Opens a shared journal for replay: for the store of any definition, and only to read.

import { StoreError } from '../../errors.ts'
import type { Entry, Journal, JournalInfo } from '../../port/journal.ts'
import type { EngineLook, SharedJournal } from '../shared/index.ts'
import type { SharedSource } from './index.ts'

export class SharedReader implements Journal {
  readonly name: string
  /** Whatever is dispatched is refused as read_only, not as too large. */
  readonly maxEntryBytes: number = Number.POSITIVE_INFINITY
  /** Why it could not be read, if the reason is not in its records. */
  #failure: StoreError | undefined
  readonly #journal: SharedJournal
  #head = 0

  constructor(journal: SharedJournal) {
    this.name = journal.name
    this.#journal = journal
  }

  async open(store: string): Promise<JournalInfo> {
    // If this fails, the journal is not ours to close: a store may have it open.
    const {
      epoch,
      head,
      first,
      store: owner,
    } = await this.#journal.find().catch((error) => {
      throw this.#remembered(error)
    })
    try {
      if (owner !== store)
        throw this.#error('wrong_store', `is of ${quoted(owner)}, not of ${quoted(store)}`)
      if (first > 1) throw this.#error('compacted', truncated(first))
      this.#head = head
      return { epoch, head, created: false }
    } catch (error) {
      await this.#journal.close()
      throw this.#remembered(error)
    }
  }

  append(): Promise<never> {
    return Promise.reject(this.#error('read_only', 'is only read'))
  }

  /** Up to the head that it was opened with, however often: others append to it meanwhile. */
  async *read(
    after: number,
    { to = this.#head }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly Entry[]> {
    try {
      yield* this.#journal.read(after, { to: Math.min(to, this.#head) })
    } catch (error) {
      throw this.#remembered(error)
    }
  }

  /** Throws the StoreError, if it could not be read for a reason that says nothing about its records. */
  assertRead(): void {
    if (this.#failure) throw this.#failure
  }

  close(): Promise<void> {
    return this.#journal.close()
  }

  #remembered(error: unknown): unknown {
    const isAboutIt = error instanceof StoreError && ['corrupt', 'wrong_store'].includes(error.code)
    if (error instanceof StoreError && !isAboutIt) this.#failure = error
    return error
  }

  #error(code: StoreError['code'], what: string): StoreError {
    return new StoreError(code, `${this.name} ${what}`, { path: this.name })
  }
}

/** Hands the journal, open for reading, to `use`, and closes it afterwards. Throws if it does not exist. */
export async function openShared<T>(
  source: SharedSource,
  use: (journal: SharedJournal, found: EngineLook) => Promise<T>,
): Promise<T> {
  const journal = source.make()
  try {
    return await use(journal, await journal.find())
  } finally {
    await journal.close()
  }
}

export const truncated = (first: number): string =>
  `was truncated: its records begin with seq ${first}, and what was before them is not known`

const quoted = (store: string) => `the store ${JSON.stringify(store)}`
