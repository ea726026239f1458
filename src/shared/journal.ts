// A journal on an engine: what was interrupted is tried again or found out, until the time is over.
import { randomUUID } from 'node:crypto'
import { type AppendResult, type Journal, type NewEntry, StoreError } from '../index.ts'
import { LocalSnapshots } from '../snapshot/index.ts'
import type { JournalInfo } from '../types.ts'
import { Backoff } from './backoff.ts'
import type { Engine, EngineEntry, EngineLook } from './engine.ts'

export interface SharedOptions {
  /** How long a call waits for the engine, in milliseconds, before it gives up. Default 10,000. */
  timeout?: number | undefined
  /** Where this process alone keeps its snapshot: a file's path. Default: nowhere. */
  snapshot?: string | undefined
}

/** `id`: the one that it has in another journal, if it comes from there. Default: a new one. */
export interface NewSharedEntry extends NewEntry {
  readonly id?: string | undefined
}

/** Other processes append to it too. */
export interface SharedJournal extends Journal {
  /**
   * Opens it for reading, in place of `open`: whatever store it belongs to, with the right to read alone, and
   * without changing anything. Undefined where there is no such journal; then nothing is open.
   */
  look(): Promise<EngineLook | undefined>
  append(batch: readonly NewSharedEntry[], expected: number): Promise<AppendResult>
  read(after: number, options?: { to?: number | undefined }): AsyncIterable<readonly EngineEntry[]>
  follow(after: number, signal: AbortSignal): AsyncIterable<readonly EngineEntry[]>
  /**
   * Removes the records up to seq `upTo`, for everybody and for good: who has no snapshot from `upTo` on
   * cannot open it any more. The journal has to be open.
   */
  truncate(upTo: number): Promise<void>
}

/** What any engine needs to be a journal. Throws TypeError where an option makes no sense. */
export function sharedJournal(engine: Engine, options: SharedOptions = {}): SharedJournal {
  const { timeout = 10_000 } = options
  if (!(timeout > 0)) throw new TypeError(`timeout: ${timeout} is no number of milliseconds`)
  return new EngineJournal(engine, timeout, options.snapshot)
}

class EngineJournal implements SharedJournal {
  readonly name: string
  readonly snapshots?: LocalSnapshots
  readonly #engine: Engine
  readonly #timeout: number
  /** Since the last append that was not too late. */
  #conflicts: Backoff | undefined
  /** The last seq that this process knows to be durable. */
  #seen = 0
  #ending = new AbortController()
  #isOpen = false
  #isReadOnly = false

  constructor(engine: Engine, timeout: number, snapshot: string | undefined) {
    this.name = engine.name
    this.#engine = engine
    this.#timeout = timeout
    if (snapshot !== undefined) this.snapshots = new LocalSnapshots(snapshot)
  }

  get maxEntryBytes(): number {
    return this.#engine.maxEntryBytes
  }

  open(store: string): Promise<JournalInfo> {
    return this.#opening(async () => {
      const { epoch, head, first, created } = await this.#retry(() => this.#engine.open(store))
      this.#seen = head
      const snapshot = await this.snapshots?.find({ epoch, store, head, first, name: this.name })
      return { epoch, head, created, ...(snapshot && { snapshot }) }
    })
  }

  look(): Promise<EngineLook | undefined> {
    return this.#opening(async () => {
      const found = await this.#retry(() => this.#engine.look())
      if (!found) await this.close()
      this.#seen = found?.head ?? 0
      this.#isReadOnly = true
      return found
    })
  }

  async #opening<R>(run: () => Promise<R>): Promise<R> {
    if (this.#isOpen)
      throw this.#error('locked', 'is open already, through this very object: make another one')
    this.#isOpen = true
    this.#isReadOnly = false
    this.#conflicts = undefined
    this.#ending = new AbortController()
    try {
      return await run()
    } catch (error) {
      await this.close().catch(() => undefined)
      throw error
    }
  }

  async append(batch: readonly NewSharedEntry[], expected: number): Promise<AppendResult> {
    this.#assertWritable()
    const seen = this.#seen
    const conflicts = this.#conflicts
    this.#conflicts = undefined
    if (batch.length === 0) return { ok: true, seq: expected }
    const entries = batch.map(({ text, id = randomUUID() }) => ({ id, text }))
    const result = await this.#settle(entries, expected)
    if (result.ok) {
      this.#seen = Math.max(this.#seen, result.seq)
      return result
    }
    if (result.head < seen) throw this.#lost(result.head, seen)
    await this.#giveWay(conflicts ?? this.#backoff())
    return result
  }

  /**
   * Naming the expected seq makes it safe to send the same entries again: one of the attempts can be first
   * at most, and the ids tell whether it was.
   */
  async #settle(entries: readonly Unsent[], expected: number): Promise<AppendResult> {
    const backoff = this.#backoff()
    let doubt: StoreError | undefined
    for (;;) {
      try {
        const result = await this.#engine.append(entries, expected)
        // Too late, perhaps, for what an attempt before has done.
        if (result.ok || !doubt) return result
        return (await this.#found(entries, expected)) ?? result
      } catch (error) {
        const isOver = !isPassing(error)
        if (!isOver && error.code === 'unknown') doubt = error
        // Whatever it is, it does not say what became of the attempt before.
        if (isOver || !(await backoff.wait())) throw doubt ?? error
      }
      const found = doubt && (await this.#found(entries, expected).catch(() => undefined))
      if (found) return found
    }
  }

  /** What became of entries that were sent; undefined where nothing is at their place yet. */
  async #found(entries: readonly Unsent[], expected: number): Promise<AppendResult | undefined> {
    let seq = expected
    for await (const batch of this.#engine.read(expected, { to: expected + entries.length })) {
      for (const entry of batch) {
        if (entry.id !== entries[seq - expected]?.id) {
          const head = Math.max(entry.seq, this.#seen)
          return seq === expected ? { ok: false, head } : { ok: true, seq }
        }
        seq = entry.seq
      }
    }
    return seq === expected ? undefined : { ok: true, seq }
  }

  /** Before what the others did is read, so that it is fresh when ours is sent. */
  async #giveWay(conflicts: Backoff): Promise<void> {
    const { attempts } = conflicts
    this.#conflicts = conflicts
    if (await conflicts.wait()) return
    this.#conflicts = undefined
    const what = `gave others the precedence ${attempts + 1} times within ${this.#timeout} ms`
    throw this.#error('unavailable', `${what}: not written. Dispatch again, or split the journal`)
  }

  async *read(
    after: number,
    { to }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly EngineEntry[]> {
    this.#assertOpen()
    // Whoever asks for what is behind the head shall not look like one who lost records.
    let seq = Math.min(after, this.#seen)
    let backoff = this.#backoff()
    while (to === undefined || seq < to) {
      const known = Math.min(to ?? this.#seen, this.#seen)
      try {
        for await (const batch of this.#engine.read(seq, { to })) {
          seq = batch.at(-1)?.seq ?? seq
          this.#seen = Math.max(this.#seen, seq)
          backoff = this.#backoff()
          if (seq > after) yield batch.filter((entry) => entry.seq > after)
          this.#assertOpen()
        }
        if (seq < known) throw this.#lost(seq, known)
        return
      } catch (error) {
        if (isPassing(error) && (await backoff.wait())) continue
        this.#assertOpen()
        this.#conflicts = undefined
        throw error
      }
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    for await (const batch of this.#engine.follow(after, signal)) {
      this.#seen = Math.max(this.#seen, batch.at(-1)?.seq ?? 0)
      yield batch
    }
  }

  async truncate(upTo: number): Promise<void> {
    this.#assertWritable()
    if (!Number.isInteger(upTo) || upTo < 0)
      throw new TypeError(`truncate(${upTo}): this is no seq`)
    await this.#retry(() => this.#engine.truncate(upTo))
  }

  async close(): Promise<void> {
    this.#ending.abort()
    this.#isOpen = false
    await this.snapshots?.settled()
    await this.#engine.close()
  }

  async #retry<R>(run: () => Promise<R>): Promise<R> {
    const backoff = this.#backoff()
    for (;;) {
      try {
        return await run()
      } catch (error) {
        if (!isPassing(error) || !(await backoff.wait())) throw error
      }
    }
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw this.#error('closed', 'is closed: open it again')
  }

  #assertWritable(): void {
    this.#assertOpen()
    if (this.#isReadOnly) throw this.#error('read_only', 'was opened for reading')
  }

  #backoff(): Backoff {
    return new Backoff(this.#timeout, this.#ending.signal)
  }

  #lost(head: number, seq: number): StoreError {
    const what = `ends at seq ${head}, where this process has seen ${seq}: it lost records that were durable`
    const next = 'It was restored from a backup, or a server that had not all of it took over'
    return this.#error('rewound', `${what}. ${next}; open it again to go on from what it has`)
  }

  #error(
    code: 'rewound' | 'unavailable' | 'locked' | 'closed' | 'read_only',
    what: string,
  ): StoreError {
    return new StoreError(code, `${this.name} ${what}`, { path: this.name })
  }
}

type Unsent = Pick<EngineEntry, 'id' | 'text'>

/** Of an append, `unknown` is for `#settle`; everywhere else nothing was changed that could be. */
const isPassing = (error: unknown): error is StoreError =>
  error instanceof StoreError && (error.code === 'unavailable' || error.code === 'unknown')
