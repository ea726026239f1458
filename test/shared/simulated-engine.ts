// A server that several engines share, and the network between: calls take their time, get lost on the
// way there or on the way back, or arrive after everybody gave them up.
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { StoreError } from 'ministore-ts'
import type { Engine, EngineEntry } from 'ministore-ts/shared'

/** What happens to an append on its way. */
export type Fate = 'fine' | 'refused' | 'lost' | 'unanswered' | 'late'

export interface Network {
  /** Of the next append. */
  fate(): Fate
  /** Turns of the event loop that the next step takes. */
  delay(): number
  /** Whether reads find nobody now. */
  isAway(): boolean
  /** How many of the last records the replica that answers the next read does not have yet. */
  lag?(): number
}

export const perfect: Network = { fate: () => 'fine', delay: () => 0, isAway: () => false }

export class Server {
  epoch: string = randomUUID()
  store: string | undefined
  features = '{}'
  entries: EngineEntry[] = []
  first = 1
  /** The most entries that one append takes. */
  maxBatch = 1000
  readonly #waiting = new Set<() => void>()

  get head(): number {
    return this.first - 1 + this.entries.length
  }

  append(batch: readonly Pick<EngineEntry, 'id' | 'text'>[], expected: number) {
    if (this.head !== expected) return { ok: false, head: this.head } as const
    for (const { id, text } of batch.slice(0, this.maxBatch))
      this.entries.push({ seq: this.head + 1, id, text })
    for (const wake of this.#waiting) wake()
    return { ok: true, seq: this.head } as const
  }

  truncate(upTo: number): void {
    const count = Math.min(upTo, this.head) - this.first + 1
    if (count <= 0) return
    this.entries = this.entries.slice(count)
    this.first += count
  }

  /** Another history in place of this one, as after a restored backup: same journal, other records. */
  refill(count: number): void {
    this.entries = Array.from({ length: count }, (_, at) => ({
      ...{ seq: at + 1, id: `other-${at}` },
      text: `{"at":"2026-01-01T00:00:00.000Z","type":"take","payload":{"by":"other","name":"${at}"}}`,
    }))
  }

  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  engine(network: Network = perfect): Engine {
    const name = 'simulated'
    let epoch = ''
    /** The last record that this engine has shown or taken. */
    let last: EngineEntry | undefined
    const remember = (entry: EngineEntry | undefined) => {
      if (entry && entry.seq > (last?.seq ?? 0)) last = entry
    }
    const begin = () => {
      epoch = this.epoch
      last = this.entries.at(-1)
    }
    const pause = async () => {
      for (let left = network.delay(); left > 0; left--) await turn()
    }
    const away = () => new StoreError('unavailable', `${name} cannot be reached`, { path: name })
    const doubt = () => new StoreError('unknown', `${name} gave no answer`, { path: name })
    const assertSame = () => {
      if (epoch !== this.epoch)
        throw new StoreError('rewound', `${name} is another journal now`, { path: name })
      const there = this.entries.find(({ seq }) => seq === last?.seq)
      if (there && there.id !== last?.id)
        throw new StoreError('rewound', `${name} has another history now`, { path: name })
    }
    const read = async function* (this: Server, after: number, to = Number.POSITIVE_INFINITY) {
      await pause()
      if (network.isAway()) throw away()
      assertSame()
      const shown = () => Math.min(to, this.head - (network.lag?.() ?? 0))
      for (let seq = after, end = shown(); seq < end; end = shown()) {
        if (seq < this.first - 1)
          throw new StoreError('compacted', `record ${seq + 1} was truncated`, { path: name })
        const batch = this.entries
          .filter((entry) => entry.seq > seq && entry.seq <= end)
          .slice(0, 7)
        seq = batch.at(-1)?.seq ?? end
        remember(batch.at(-1))
        yield batch
        await pause()
        if (network.isAway()) throw away()
        assertSame()
      }
    }.bind(this)
    return {
      name,
      maxEntryBytes: 2 ** 20,
      open: async (store, features = '{}') => {
        await pause()
        if (network.isAway()) throw away()
        const created = this.store === undefined
        if (created) this.features = features
        this.store ??= store
        if (this.store !== store)
          throw new StoreError('wrong_store', `${name} is the journal of ${this.store}`)
        begin()
        return { epoch, head: this.head, first: this.first, created, features: this.features }
      },
      look: async () => {
        await pause()
        if (network.isAway()) throw away()
        begin()
        const { store, head, first, features } = this
        return store === undefined
          ? undefined
          : { epoch, store, head, first, features, created: false }
      },
      append: async (batch, expected) => {
        await pause()
        const fate = network.fate()
        if (fate === 'refused') throw away()
        if (fate === 'lost') throw doubt()
        assertSame()
        if (fate === 'late') {
          void pause()
            .then(() => pause())
            .then(() => this.append(batch, expected))
          throw doubt()
        }
        const result = this.append(batch, expected)
        if (fate === 'unanswered') throw doubt()
        if (result.ok) remember(this.entries.find(({ seq }) => seq === result.seq))
        await pause()
        return result
      },
      read: (after, { to } = {}) => read(after, to),
      follow: async function* (this: Server, after: number, signal: AbortSignal) {
        for (let seq = after; !signal.aborted; ) {
          if (this.head <= seq) await this.change(signal)
          await pause()
          try {
            const before = seq
            for await (const batch of read(seq)) {
              if (signal.aborted) return
              seq = batch.at(-1)?.seq ?? seq
              yield batch
            }
            // The replica has not got it yet.
            if (seq === before) await turn()
          } catch (error) {
            if ((error as StoreError).code !== 'unavailable') throw error
            await turn()
          }
        }
      }.bind(this),
      truncate: async (upTo) => this.truncate(upTo),
      close: async () => undefined,
    }
  }
}
