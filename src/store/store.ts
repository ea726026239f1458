// The life of a dispatch: enqueue → decide (validate, draft) → flush (journal) → markDurable (publish). Group commit; fail
// stop. What other writers of a shared journal add comes first, and what was decided without it is decided again.

import type { CoreOptions } from '../define/open-store.ts'
import { isRefusal, Rejection, StoreError } from '../errors.ts'
import type { CompiledDefinition, Input } from '../mutation/spec.ts'
import { type Run, transact } from '../mutation/transact.ts'
import type { Journal } from '../port/journal.ts'
import type { Snapshot, StateAt } from '../port/snapshots.ts'
import { append, isPassing, refusal } from '../record/append.ts'
import { encode } from '../record/encode.ts'
import { answer, Keys, keptValue } from '../record/keys.ts'
import type { CommitReceipt, Decoded } from '../record/record.ts'
import { timeFrom } from '../record/time.ts'
import { advance, decodeBehind, headOf, readDecoded, replay } from '../replay/index.ts'
import type { AppliedRecord, ReplayOrigin } from '../replay/replayed.ts'
import { type Listener, publish } from './listeners.ts'
import type { CommitOptions, CommitRequest, Decision, PendingCommit } from './pending.ts'

/** Before the replay. */
const EMPTY: StateAt = { state: undefined, seq: 0, at: '' }

/** An open store without its types and conveniences. Its methods stand in the order of a dispatch's life. */
export class StoreCore {
  /** What opening replayed. */
  replayed: { readonly records: number; readonly fallback?: string | undefined } = { records: 0 }
  readonly listeners: Set<Listener> = new Set()
  /** Called when the store closes. */
  readonly closers: Set<() => void> = new Set()
  readonly #definition: CompiledDefinition
  readonly #journal: Journal
  readonly #options: CoreOptions
  readonly #timeAfter: (last: string) => string
  readonly #keys: Keys
  /** The state that everyone sees. */
  #durable: StateAt = EMPTY
  /** The state that the next dispatch is decided on: the durable one with all that waits. */
  #tentative: StateAt = EMPTY
  /** Sent to the journal. */
  #group: PendingCommit[] = []
  /** Sent next. */
  #queue: PendingCommit[] = []
  /** Others have appended, or may have: their records come before any of ours. Changed here only. */
  isBehind = false
  /** A dispatch in the middle of a decision could only be a mistake. */
  #isDeciding = false
  #flushing: Promise<void> | undefined
  #following: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #stopped: StoreError | undefined

  constructor(definition: CompiledDefinition, journal: Journal, options: CoreOptions) {
    this.#definition = definition
    this.#journal = journal
    this.#options = options
    this.#keys = new Keys(definition.keys)
    this.#timeAfter = timeFrom(options.now ?? (() => Date.now()))
  }

  /** Replays the open journal; then it takes dispatches. Throws StoreError if the journal does not fit the definition. */
  async open(start: ReplayOrigin | undefined): Promise<this> {
    const options = { keys: this.#keys, start }
    const replayed = await replay(this.#definition, this.#journal, options)
    const { records, fallback, ...durable } = replayed
    this.#durable = durable
    this.#tentative = durable
    this.replayed = { records, fallback }
    this.#following = this.#journal.follow && this.#follow()
    return this
  }

  get durable(): StateAt {
    return this.#durable
  }

  /** How many dispatches wait to be durable. */
  get pending(): number {
    return this.#group.length + this.#queue.length
  }

  /** Why it takes no dispatches: `closed`, or what broke. */
  get stopped(): StoreError | undefined {
    return this.#stopped
  }

  /** Decides at once, and resolves when the record is durable. Rejects with what `decide` and the journal throw. */
  enqueue(run: Run, options: CommitOptions, given: readonly Input[]): Promise<CommitReceipt> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) throw this.#stopped
      const { receipt, record } = this.#decide({ run, options, given })
      // Not spread: V8 takes longer for that than for the reducer.
      this.#queue.push({ receipt, record, resolve, reject, run, options, given })
      this.#flushing ??= this.#flush()
    })
  }

  /** Steps 1 and 2, at once and on the tentative state: whatever is thrown here was never written. */
  #decide({ run, options, given }: CommitRequest): Decision {
    const { key, expectSeq } = options
    if (this.#isDeciding)
      throw new TypeError('dispatch inside apply, guard or run: use tx.dispatch')
    this.#isDeciding = true
    try {
      const first = key === undefined ? undefined : this.#keys.find(key, this.#tentative)
      if (first) return answer(this.#definition, first, options, given)
      const { seq } = this.#tentative
      if (expectSeq === undefined || expectSeq === seq) return this.#transact(run, options)
      const details = { expected: expectSeq, actual: seq }
      throw new Rejection('conflict', details, `the store is at seq ${seq}, not ${expectSeq}`)
    } catch (refusal) {
      if (!options.refusalWaits || !isRefusal(refusal)) throw refusal
      return { receipt: { ok: true, seq: this.#tentative.seq, at: '', duplicate: false, refusal } }
    } finally {
      this.#isDeciding = false
    }
  }

  #transact(run: Run, { key, command, input, metadata, watch }: CommitOptions): Decision {
    const { state: before, seq, at: last } = this.#tentative
    const at = this.#timeAfter(last)
    const meta = Object.freeze({ seq: seq + 1, at, ...(key !== undefined && { key }) })
    const done = transact(this.#definition, before, run, meta, metadata, watch)
    const { parts, state } = done
    const kept = keptValue(input, done.value)
    const { value } = kept
    const result = value === undefined ? {} : { value }
    const receipt = { ok: true, seq, at, duplicate: false, ...result } as const
    if (parts.length === 0 && input === undefined) return { receipt }
    const text = encode({ meta, command, input, value: kept, metadata, parts }, this.#journal)
    const record = { meta, command, input, value, metadata: metadata?.value, parts, state, text }
    this.#keys.addPending(record)
    this.#tentative = { state, seq: meta.seq, at }
    return { receipt: { ...receipt, seq: meta.seq }, record }
  }

  /** Steps 3 and 4. One flush is in flight at a time; dispatches that arrive in the meantime share the next one. */
  async #flush(): Promise<void> {
    // Lets the rest of this turn's dispatches share the first flush.
    await undefined
    this.#group = this.#queue
    this.#queue = []
    try {
      if (this.isBehind) await this.#catchUp()
      const { telemetry } = this.#options
      const appended = await append(this.#journal, this.#group, this.#durable.seq, telemetry)
      if (!appended.ok && appended.withdrawn) this.#withdraw(appended.withdrawn.cause)
      else this.isBehind ||= !appended.ok
      const rest = this.#group.findIndex(
        ({ receipt }) => !appended.ok || receipt.seq > appended.seq,
      )
      if (rest >= 0) this.#queue = [...this.#group.splice(rest), ...this.#queue]
      for (const { record, receipt, resolve } of this.#group.splice(0)) {
        if (record) this.#markDurable(record)
        resolve(receipt)
      }
    } catch (error) {
      this.#stop(error)
    }
    this.#flushing = this.#queue.length > 0 ? this.#flush() : undefined
  }

  #markDurable(record: AppliedRecord): void {
    const previous = this.#durable.state
    this.#durable = headOf(record)
    this.#keys.add(record)
    publish(this.listeners, record, previous, this.#options.onListenerError)
  }

  /**
   * The group has the outcome that the journal names, the rest was never written. Fail stop, unless the
   * journal comes back and can then be asked what became of it.
   */
  #stop(cause: unknown, isFinal = false): void {
    const broken = `the append to ${this.#journal.name} broke off: ${cause}`
    const error = cause instanceof StoreError ? cause : new StoreError('unknown', broken, { cause })
    const refused = refusal(this.#journal, error, this.#durable.seq)
    const sent = this.#group.findLast(({ record }) => record)?.receipt.seq ?? 0
    for (const pending of [...this.#group, ...this.#queue]) {
      const { record, receipt } = pending
      const isSent = (record || receipt.duplicate) && receipt.seq <= sent
      this.#settleRequest(pending, isSent ? error : refused)
    }
    this.#keys.clearPending()
    this.#group = []
    this.#queue = []
    this.#tentative = this.#durable
    this.isBehind = true
    if (this.#stopped || (!isFinal && isPassing(this.#journal, error))) return
    this.#stopped = refused
    for (const closer of [...this.closers]) closer()
    this.#options.onStop?.(error)
  }

  /** What only waited for records that are durable has its answer anyway. */
  #settleRequest({ receipt, resolve, reject }: PendingCommit, error: StoreError): void {
    if (this.isBehind || receipt.seq > this.#durable.seq) reject(error)
    else resolve(receipt)
  }

  /** Reads what others append, when they do. A store that follows no more would not see it, so it stops. */
  async #follow(): Promise<void> {
    const ending = new AbortController()
    this.closers.add(() => ending.abort())
    try {
      for await (const each of this.#journal.follow?.(this.#durable.seq, ending.signal) ?? []) {
        // Ours come back as well. And while some are in flight, a conflict tells what others did.
        const isNews = () => (each.at(-1)?.seq ?? 0) > this.#durable.seq
        while (isNews() && this.#flushing !== undefined) await this.#flushing
        if (!isNews()) continue
        this.#rebase(decodeBehind(this.#definition, this.#journal, each, this.#durable.seq))
      }
    } catch (error) {
      await this.#idle()
      this.#stop(error, true)
    }
  }

  /** Reads all that is durable by now. Throws StoreError as the journal and `decode` do. */
  async #catchUp(): Promise<void> {
    // First: a call that asks for it again during this reading may mean records that the reading does not meet.
    this.isBehind = false
    const { seq } = this.#durable
    try {
      for await (const records of readDecoded(this.#definition, this.#journal, undefined, seq))
        this.#rebase(records)
    } catch (error) {
      this.isBehind = true
      throw error
    }
  }

  /** In one go, so that the tentative state is at any time what the durable records and then ours give. */
  #rebase(records: Iterable<Decoded>): void {
    const theirs: AppliedRecord[] = []
    try {
      for (const record of advance(this.#durable, records)) theirs.push(record)
    } finally {
      // What comes before a record that does not fit is durable anyway.
      if (theirs.length > 0) this.#insert(theirs)
    }
  }

  #insert(theirs: readonly AppliedRecord[]): void {
    for (const record of theirs) {
      this.#keys.add(record)
      this.#tentative = headOf(record)
    }
    this.#options.telemetry?.followed(theirs, this.pending)
    this.#decideAllAgain()
    for (const record of theirs) this.#markDurable(record)
  }

  /** The first record of the group has failed alone: all that was decided on top of it is decided again. */
  #withdraw(cause: unknown): void {
    const first = this.#group.findIndex(({ record }) => record)
    for (const { reject } of this.#group.splice(first, 1)) reject(cause)
    this.#tentative = this.#durable
    this.#decideAllAgain()
  }

  #decideAllAgain(): void {
    this.#keys.clearPending()
    this.#group = this.#group.filter((pending) => this.#decideAgain(pending))
    this.#queue = this.#queue.filter((pending) => this.#decideAgain(pending))
  }

  /** Whether it still waits: what is refused on the newer state has its answer. */
  #decideAgain(pending: PendingCommit): boolean {
    try {
      Object.assign(pending, { record: undefined, ...this.#decide(pending) })
      return true
    } catch (error) {
      pending.reject(error)
      return false
    }
  }

  /** Resolves when all that others had appended by now is in the state. */
  async refresh(): Promise<void> {
    this.isBehind ||= this.#journal.follow !== undefined
    await this.enqueue(() => undefined, {}, [])
  }

  /** The durable state and its keys, which do not change with later records. Throws StoreError if the store has stopped. */
  captureSnapshot(): Snapshot {
    if (this.#stopped) throw this.#stopped
    return { ...this.#durable, keys: this.#keys.upTo(this.#durable.seq) }
  }

  /** Waits for dispatches in flight, and closes the journal. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopped = new StoreError('closed', `${this.#journal.name} was closed: open it again`)
    await this.#idle()
    for (const closer of [...this.closers]) closer()
    await this.#following
    await this.#journal.close()
  }

  async #idle(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }
}
