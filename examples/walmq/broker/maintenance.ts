// Keeps the metadata journal short: acknowledgements are many, and only where they led to counts.
import type { MetadataStore } from '../metadata/definition.ts'
import { refusing } from './refusal.ts'

export class Maintenance {
  readonly #store: MetadataStore
  readonly #every: number
  readonly #stop: () => void
  /** The last record that compacting took away. */
  #compacted: number
  /** The seq at which it is time again. */
  #due: number
  #running: Promise<void> = Promise.resolve()

  constructor(store: MetadataStore, every: number, onError: (error: unknown) => void) {
    this.#store = store
    this.#every = every
    this.#compacted = store.recovery.base ?? 0
    this.#due = this.#compacted + every
    this.#stop = store.subscribe(() => {
      if (this.#store.seq >= this.#due) this.compact().catch(onError)
    })
  }

  get recordsSinceCompaction(): number {
    return this.#store.seq - this.#compacted
  }

  /** One after the other; one that fails is tried again after as many records. */
  compact(): Promise<void> {
    this.#due = this.#store.seq + this.#every
    const next = this.#running.then(async () => {
      const { seq } = await refusing(this.#store.compact({ archive: false }))
      this.#compacted = seq
    })
    this.#running = next.catch(() => undefined)
    return next
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#stop()
    await this.#running
  }
}
