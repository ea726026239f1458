// A journal on an engine: what was interrupted is tried again or found out, until the time is over.
import { setTimeout as sleep } from 'node:timers/promises'
import { closestMatch } from 'leven'
import { StoreError, type StoreErrorCode } from '../../errors.ts'
import type { AppendResult, Journal, JournalInfo, NewEntry, Replica } from '../../port/journal.ts'
import type { JournalObserver } from '../../port/observer.ts'
import { Backoff } from './backoff.ts'
import { ChainedEngine } from './chained-engine.ts'
import type { Engine, EngineEntry, EngineLook, NewEngineEntry } from './engine.ts'
import { LocalSnapshots } from './local-snapshots.ts'
import { Turns } from './turns.ts'

export interface SharedOptions {
  /** How long a call waits for the engine, in milliseconds, before it gives up. Default 10,000. */
  timeout?: number | undefined
  /** Where this process alone keeps its snapshot: a file's path. Default: nowhere. */
  snapshot?: string | undefined
  /**
   * `true`: a journal that this creates gets a hash chain, which `ministore seal` can sign; one that exists without a
   * chain is refused with `config`. A string: what the chain begins with, for a copy of a journal that has one.
   */
  chain?: boolean | string | undefined
}

/** How long a read may lag, in milliseconds, before what it does not show counts as lost. */
const STALE_MS = 2_000

/** `id`: the one that it has in another journal, if it comes from there. Default: a new one. */
export interface NewSharedEntry extends NewEntry {
  readonly id?: string | undefined
}

/** Other processes append to it too. */
export interface SharedJournal extends Journal {
  /**
   * Opens it for reading, in place of `open`: whatever store it belongs to, with the right to read alone, and
   * without changing anything. Undefined if there is no such journal; then nothing is open.
   */
  look(): Promise<EngineLook | undefined>
  /** As `look`, but throws StoreError `io` if there is no such journal, with the names that are near. */
  find(): Promise<EngineLook>
  openReadOnly(store: string): Promise<JournalInfo>
  /**
   * How late the server is that this journal is read from, if it is a copy, such as a standby of PostgreSQL; undefined
   * if it is the one that is written to. The journal has to be open.
   */
  replica(): Promise<Replica | undefined>
  append(batch: readonly NewSharedEntry[], expected: number): Promise<AppendResult>
  read(after: number, options?: { to?: number | undefined }): AsyncIterable<readonly EngineEntry[]>
  follow(after: number, signal: AbortSignal): AsyncIterable<readonly EngineEntry[]>
  /**
   * Removes the records up to seq `upTo`, for all processes and for good: a process without a snapshot from `upTo` on
   * cannot open it any more. The journal has to be open.
   */
  truncate(upTo: number): Promise<void>
}

/** What any engine needs to be a journal. Throws TypeError if an option makes no sense. */
export function sharedJournal(engine: Engine, options: SharedOptions = {}): SharedJournal {
  const { timeout = 10_000 } = options
  if (!(timeout > 0)) throw new TypeError(`timeout: ${timeout} is not a number of milliseconds`)
  return new EngineJournal(new ChainedEngine(engine, options.chain), timeout, options.snapshot)
}

class EngineJournal implements SharedJournal {
  readonly name: string
  readonly snapshots?: LocalSnapshots
  readonly #engine: Engine
  readonly #timeout: number
  readonly #turns = new Turns()
  /** Since the last append that was not too late. */
  #conflicts: Backoff | undefined
  /** The last seq that this process knows to be durable. */
  #seen = 0
  /** When a read first ended before that, by `performance.now()`; undefined if the last one did not. */
  #shortSince: number | undefined
  #ending = new AbortController()
  #isOpen = false
  #isReadOnly = false
  #observer: JournalObserver | undefined

  constructor(engine: Engine, timeout: number, snapshot: string | undefined) {
    this.name = engine.name
    this.#engine = engine
    this.#timeout = timeout
    if (snapshot !== undefined) this.snapshots = new LocalSnapshots(snapshot)
  }

  observe(observer: JournalObserver): void {
    this.#observer = observer
  }

  get hasTransactions(): boolean {
    return this.#engine.hasTransactions ?? false
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

  async find(): Promise<EngineLook> {
    return (await this.look()) ?? Promise.reject(await this.#missing())
  }

  async openReadOnly(store: string): Promise<JournalInfo> {
    const { epoch, head, first, store: owner, replica } = await this.find()
    try {
      if (owner !== store) {
        const whose = `is the journal of ${JSON.stringify(owner)}, not of ${JSON.stringify(store)}`
        throw this.#error('wrong_store', whose)
      }
      const snapshot = await this.snapshots?.find({ epoch, store, head, first, name: this.name })
      const found = { ...(snapshot && { snapshot }), ...(replica && { replica }) }
      return { epoch, head, created: false, ...found }
    } catch (error) {
      await this.close().catch(() => undefined)
      throw error
    }
  }

  async replica(): Promise<Replica | undefined> {
    this.#assertOpen()
    return this.#retry(async () => this.#engine.replica?.())
  }

  async #missing(): Promise<StoreError> {
    const name = this.name.slice(this.name.lastIndexOf('#') + 1)
    // A role that may not list them, or a server that is gone by now, leaves the error as it is.
    const similar = (await this.#engine.similar?.().catch(() => undefined)) ?? []
    const near = closestMatch(name, similar, { maxDistance: 3 })
    const hint = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
    return this.#error('io', `does not exist${hint}`)
  }

  async #opening<R>(run: () => Promise<R>): Promise<R> {
    if (this.#isOpen)
      throw this.#error('locked', 'is open already, through this very object: make another one')
    this.#isOpen = true
    this.#isReadOnly = false
    this.#conflicts = undefined
    this.#shortSince = undefined
    this.#ending = new AbortController()
    try {
      return await run()
    } catch (error) {
      await this.close().catch(() => undefined)
      throw error
    }
  }

  async append(batch: readonly NewSharedEntry[], expected: number): Promise<AppendResult> {
    this.#assertOpen()
    const seen = this.#seen
    const conflicts = this.#conflicts
    this.#conflicts = undefined
    if (batch.length === 0) return { ok: true, seq: expected }
    this.#assertWritable()
    const entries = batch.map(({ text, within, id = this.#turns.newId() }) => ({
      id,
      text,
      within,
    }))
    await this.#pause()
    const begin = performance.now()
    const backoff = this.#backoff()
    const result = await this.#settle(entries, expected, backoff)
    this.#answered(backoff)
    if (result.ok) {
      this.#seen = Math.max(this.#seen, result.seq)
      this.#turns.took(result.seq, performance.now() - begin)
    }
    if (result.ok || result.withdrawn) return result
    if (result.head < seen) throw this.#lost(result.head, seen)
    await this.#giveWay(conflicts ?? this.#backoff())
    return result
  }

  /**
   * Sends the entries until it is known what became of them. Naming the expected seq makes it safe to send the
   * same entries again: only one of the attempts can be the first, and the ids show whether it was.
   *
   * After an attempt without an answer, a conflict proves nothing: it may come from that very attempt, before any
   * read shows its record. Only a record in the place of ours, with another id, is a conflict then.
   */
  async #settle(
    entries: readonly NewEngineEntry[],
    expected: number,
    backoff: Backoff,
  ): Promise<AppendResult> {
    let doubt: StoreError | undefined
    /** How many of the first entries are certainly in the journal. */
    let confirmed = 0
    for (;;) {
      let failure: StoreError | undefined
      try {
        const rest = entries.slice(confirmed)
        const result = await this.#engine.append(rest, expected + confirmed)
        // A `within` that ran held the journal's row: the attempt before was not committed.
        if (result.ok || result.withdrawn || !doubt) return result
      } catch (error) {
        // Whatever it is, it does not say what became of the attempt before.
        if (!isPassing(error)) throw doubt ?? error
        if (error.code === 'unknown') doubt = error
        failure = error
      }
      if (doubt) {
        const { count, head } = await this.#find(entries, expected, confirmed)
        confirmed = count
        const isSettled = confirmed === entries.length || head !== undefined
        if (isSettled && confirmed > 0) return { ok: true, seq: expected + confirmed }
        if (head !== undefined) return { ok: false, head }
      }
      if (!(await backoff.wait())) throw doubt ?? failure
    }
  }

  /**
   * Returns how many of the first entries a read shows; `head` if it shows another record in the place of the next.
   * A read that fails shows nothing.
   */
  async #find(
    entries: readonly NewEngineEntry[],
    expected: number,
    confirmed: number,
  ): Promise<{ readonly count: number; readonly head?: number }> {
    let count = confirmed
    const from = expected + confirmed
    try {
      for await (const batch of this.#engine.read(from, { to: expected + entries.length })) {
        for (const entry of batch) {
          if (entry.id !== entries[count]?.id)
            return { count, head: Math.max(entry.seq, this.#seen) }
          count += 1
        }
      }
    } catch {}
    return { count }
  }

  /** After a turn, so that other writers get theirs. */
  async #pause(): Promise<void> {
    const ms = this.#turns.pause()
    if (ms > 0) await sleep(ms, undefined, { signal: this.#ending.signal }).catch(() => undefined)
  }

  /** Before what the others did is read, so that it is fresh when ours is sent. */
  async #giveWay(conflicts: Backoff): Promise<void> {
    const { attempts } = conflicts
    this.#conflicts = conflicts
    if (await conflicts.wait(this.#turns.wait(attempts))) return
    this.#conflicts = undefined
    const what = `lost the append race to other writers ${attempts + 1} times within ${this.#timeout} ms`
    throw this.#error('unavailable', `${what}: not written. Dispatch again, or split the journal`)
  }

  async *read(
    after: number,
    { to }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly EngineEntry[]> {
    this.#assertOpen()
    // A reader that asks for records after the last one must not look as if it lost records.
    let seq = Math.min(after, this.#seen)
    let backoff = this.#backoff()
    while (to === undefined || seq < to) {
      const known = Math.min(to ?? this.#seen, this.#seen)
      try {
        for await (const batch of this.#engine.read(seq, { to })) {
          seq = batch.at(-1)?.seq ?? seq
          this.#seen = Math.max(this.#seen, seq)
          this.#turns.saw(batch)
          this.#answered(backoff)
          backoff = this.#backoff()
          if (seq > after) yield batch.filter((entry) => entry.seq > after)
          this.#assertOpen()
        }
        if (seq >= known) {
          this.#answered(backoff)
          this.#shortSince = undefined
          return
        }
        throw this.#short(seq, known)
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
      this.#turns.saw(batch)
      yield batch
    }
  }

  async truncate(upTo: number): Promise<void> {
    this.#assertWritable()
    if (!Number.isInteger(upTo) || upTo < 0)
      throw new TypeError(`truncate(${upTo}): this is not a sequence number`)
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
        const answer = await run()
        this.#answered(backoff)
        return answer
      } catch (error) {
        if (!isPassing(error) || !(await backoff.wait())) throw error
      }
    }
  }

  #answered({ attempts, elapsed }: Backoff): void {
    if (attempts > 0) this.#observer?.reconnected(attempts, elapsed)
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

  /** A replica that lags may have answered. If reads stay short for longer than one lags, records are lost. */
  #short(head: number, seq: number): StoreError {
    const now = performance.now()
    this.#shortSince ??= now
    if (now - this.#shortSince >= STALE_MS) return this.#lost(head, seq)
    const what = `shows records up to seq ${head} now, where this process has seen ${seq}`
    return this.#error('unavailable', `${what}: a replica that lags may have answered`)
  }

  #lost(head: number, seq: number): StoreError {
    const what = `ends at seq ${head}, where this process has seen ${seq}: it lost records that were durable`
    const next = 'It was restored from a backup, or a server without the last records took over'
    return this.#error('rewound', `${what}. ${next}; open it again to continue with its records`)
  }

  #error(code: StoreErrorCode, what: string): StoreError {
    return new StoreError(code, `${this.name} ${what}`, { path: this.name })
  }
}

/** Of an append, `unknown` is for `#settle`; everywhere else nothing was changed that could be. */
const isPassing = (error: unknown): error is StoreError =>
  error instanceof StoreError && (error.code === 'unavailable' || error.code === 'unknown')
