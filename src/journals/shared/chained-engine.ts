// An engine whose records carry a hash chain, if its journal has one: hashes are added on the way in, compared on the way out.
import { StoreError, type StoreErrorCode } from '../../errors.ts'
import type { AppendResult, Replica } from '../../port/journal.ts'
import {
  type ChainOption,
  describeMismatch,
  type Features,
  featuresOf,
  readFeatures,
} from '../chain/features.ts'
import { describeBreak, HASH_BYTES, hashOf, newChain, splitHash, withHash } from '../chain/hash.ts'
import type { Engine, EngineEntry, EngineInfo, EngineLook, NewEngineEntry } from './engine.ts'

export class ChainedEngine implements Engine {
  readonly name: string
  readonly #engine: Engine
  readonly #option: ChainOption
  /** The features of a journal that this creates. The same for each attempt. */
  readonly #wanted: string
  /** What the chain begins with; undefined without a chain. */
  #chain: string | undefined
  /** The record with the highest seq whose hash is known. */
  #tip = { seq: 0, hash: '' }

  constructor(engine: Engine, option: ChainOption) {
    this.name = engine.name
    this.#engine = engine
    this.#option = option
    this.#wanted = JSON.stringify(featuresOf(option === true ? newChain() : option || undefined))
  }

  get maxEntryBytes(): number {
    return this.#engine.maxEntryBytes - (this.#chain === undefined ? 0 : HASH_BYTES)
  }

  get hasTransactions(): boolean {
    return this.#engine.hasTransactions ?? false
  }

  async open(store: string): Promise<EngineInfo> {
    return this.#begin(await this.#engine.open(store, this.#wanted))
  }

  async look(): Promise<EngineLook | undefined> {
    const found = await this.#engine.look()
    return found && this.#begin(found)
  }

  async similar(): Promise<readonly string[]> {
    return (await this.#engine.similar?.()) ?? []
  }

  async replica(): Promise<Replica | undefined> {
    return this.#engine.replica?.()
  }

  async append(batch: readonly NewEngineEntry[], expected: number): Promise<AppendResult> {
    if (this.#chain === undefined) return this.#engine.append(batch, expected)
    let last = this.#hashAt(expected) ?? (await this.#readHash(expected))
    const hashes: string[] = []
    const chained = batch.map((entry, index) => {
      last = hashOf(last, expected + index + 1, entry.text)
      hashes.push(last)
      return { ...entry, text: withHash(entry.text, last) }
    })
    const result = await this.#engine.append(chained, expected)
    if (result.ok) this.#remember(result.seq, hashes[result.seq - expected - 1])
    return result
  }

  read(
    after: number,
    options?: { to?: number | undefined },
  ): AsyncGenerator<readonly EngineEntry[]> {
    return this.#compared(this.#engine.read(after, options), after)
  }

  follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    return this.#compared(this.#engine.follow(after, signal), after)
  }

  truncate(upTo: number): Promise<void> {
    return this.#engine.truncate(upTo)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #begin<I extends EngineInfo>(info: I): I {
    const refuse = (code: 'newer_format' | 'corrupt', what: string) => this.#error(code, what)
    this.#chain = readFeatures(parse(info.features), refuse)
    const mismatch = describeMismatch(this.name, this.#option, this.#chain)
    if (mismatch !== undefined) throw this.#error('config', mismatch)
    this.#tip = { seq: 0, hash: this.#chain ?? '' }
    return info
  }

  /** Undefined if it is not known here. */
  #hashAt(seq: number): string | undefined {
    if (seq === 0) return this.#chain
    return seq === this.#tip.seq ? this.#tip.hash : undefined
  }

  #remember(seq: number, hash: string | undefined): void {
    if (seq > this.#tip.seq && hash !== undefined) this.#tip = { seq, hash }
  }

  /** Of a record that this engine has not shown, such as the last one that a snapshot stands for. */
  async #readHash(seq: number): Promise<string> {
    for await (const batch of this.read(seq - 1, { to: seq }))
      for (const entry of batch) if (entry.hash !== undefined) return entry.hash
    throw this.#error('unavailable', `does not show record ${seq} yet`)
  }

  async *#compared(
    batches: AsyncIterable<readonly EngineEntry[]>,
    after: number,
  ): AsyncGenerator<readonly EngineEntry[]> {
    // Of the record before, if it is known: nothing else can be said of the first one.
    let previous = this.#hashAt(after)
    for await (const batch of batches) {
      if (this.#chain === undefined) {
        yield batch
        continue
      }
      const entries = batch.map((entry) => {
        const { seq, id } = entry
        const { text, hash } = splitHash(entry.text)
        const isContinued = previous === undefined || hash === hashOf(previous, seq, text)
        if (hash === undefined || !isContinued)
          throw this.#error('corrupt', `record ${seq}: ${describeBreak(hash)}`, seq)
        previous = hash
        return { seq, id, text, hash }
      })
      const last = entries.at(-1)
      if (last) this.#remember(last.seq, last.hash)
      yield entries
    }
  }

  #error(code: StoreErrorCode, what: string, seq?: number): StoreError {
    return new StoreError(code, `${this.name} ${what}`, { path: this.name, seq })
  }
}

function parse(text: string): Features {
  try {
    return Object(JSON.parse(text))
  } catch {
    return { needs: [text] }
  }
}
