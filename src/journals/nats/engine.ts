// The engine: the requests to one stream. What their answers prove is in known-stream.ts.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import { type AppendResult, StoreError } from '../../index.ts'
import type { Engine, EngineEntry, EngineInfo, EngineLook } from '../shared/index.ts'
import { readDirect, readFromLeader } from './direct.ts'
import { CODE, failureOf, isNamed, Refusal, reasonOf } from './failure.ts'
import { contiguous, Feed } from './feed.ts'
import { type Bounds, KnownStream } from './known-stream.ts'
import { Link } from './link.ts'
import { type NatsOptions, readOptions, type Settings } from './options.ts'
import { type Destination, firstOf, HEADER_BYTES, publish } from './publish.ts'
import * as stream from './stream.ts'

/** A record may be missing from the feed without a later one that shows it: so the head is asked for. */
const POLL_MS = 1_000
/** At first the leader may not know yet that someone subscribes. */
const FIRST_POLL_MS = 100
/** For how long, in milliseconds, a check of the stream holds: the next append after that checks it again. */
const FRESH_MS = 20
/** Records requested from the leader at once, if a replica lags. */
const MAX_FROM_LEADER = 64

/** The bare engine; `natsJournal` is what a store opens. */
export const natsEngine = (options: NatsOptions): Engine => new NatsEngine(readOptions(options))

class NatsEngine implements Engine {
  readonly name: string
  readonly #settings: Settings
  #link: Link
  /** What a stream that this makes is given: so it is known to be made here, also after a failure in between. */
  #ours = randomUUID()
  #known: KnownStream
  /** What a check found while an append was under way. It stays so until the journal is opened again. */
  #invalid: StoreError | undefined
  /** When the last check that found all well began, by `performance.now()`. */
  #checkedAt = Number.NEGATIVE_INFINITY
  constructor(settings: Settings) {
    this.#settings = settings
    this.name = settings.title
    this.#link = new Link(settings)
    this.#known = this.#knownOf('', 1)
  }

  get maxEntryBytes(): number {
    return this.#link.maxPayload - HEADER_BYTES
  }

  async open(store: string, features = '{}'): Promise<EngineInfo> {
    if (this.#link.ended.aborted) this.#link = new Link(this.#settings)
    return this.#translated(async () => {
      const info = (await this.#lookUp()) ?? (await this.#create(store, features))
      const { replicas } = this.#settings
      const identity = this.#identify(info, replicas)
      if (identity.store !== store)
        throw this.#error('wrong_store', `belongs to the store ${JSON.stringify(identity.store)}`)
      const begun = await this.#begin(info, identity, replicas)
      const created = identity.epoch === this.#ours
      this.#ours = randomUUID()
      return { ...begun, created }
    })
  }

  async look(): Promise<EngineLook | undefined> {
    if (this.#link.ended.aborted) this.#link = new Link(this.#settings)
    return this.#translated(async () => {
      const info = await this.#lookUp()
      if (!info) return undefined
      // How many keep it is for those to say who write to it.
      const replicas = 1
      const identity = this.#identify(info, replicas)
      const begun = await this.#begin(info, identity, replicas)
      return { ...begun, store: identity.store, created: false }
    })
  }

  #identify({ config }: stream.StreamInfo, replicas: number): stream.Identity {
    return stream.checkSettings(config, this.#settings.name, replicas, this.name)
  }

  async #begin(
    info: stream.StreamInfo,
    { epoch, features }: stream.Identity,
    replicas: number,
  ): Promise<Omit<EngineInfo, 'created'>> {
    this.#known = this.#knownOf(epoch, replicas)
    this.#invalid = undefined
    this.#checkedAt = Number.NEGATIVE_INFINITY
    const { head, first } = this.#known.accept(info, 0)
    if (head >= first) await this.#chunk(head, head)
    return { epoch, head, first, features }
  }

  #knownOf(epoch: string, replicas: number): KnownStream {
    const { name: journal, title } = this.#settings
    return new KnownStream(epoch, replicas, {
      ...{ journal, title },
      isClustered: () => this.#link.isClustered,
    })
  }

  async append(
    batch: readonly Pick<EngineEntry, 'id' | 'text'>[],
    expected: number,
  ): Promise<AppendResult> {
    this.#checkSizes(batch)
    if (this.#invalid) throw this.#invalid
    const connection = await this.#connected()
    const to = { connection, timeout: this.#settings.patience, subject: this.#known.subject }
    const part = firstOf(batch)
    // At the same time, so that it costs no time of its own.
    const checking = this.#check(expected)
    try {
      const seq = await this.#link.during(publish(to, part, expected))
      if (seq !== expected + part.length)
        throw this.#error('corrupt', `acknowledged seq ${seq} for ${expected + part.length}`)
      this.#invalid = await checking
      if (this.#invalid) throw this.#unacknowledged(seq, this.#invalid)
      this.#known.seen = Math.max(this.#known.seen, seq)
      this.#known.remember({ seq, id: part.at(-1)?.id ?? '' })
      return { ok: true, seq }
    } catch (error) {
      return this.#notAppended(error, to)
    }
  }

  async *read(
    after: number,
    { to = Number.POSITIVE_INFINITY }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly EngineEntry[]> {
    if (after >= to) return
    const { head, first } = await this.#bounds(after)
    const end = Math.min(to, head)
    if (after < end && first > after + 1) throw this.#known.compacted(after + 1, first)
    // The record that is known comes along, to be compared: even if nothing comes after it.
    let at = after === this.#known.last.seq && first <= after ? after - 1 : after
    if (at >= end) return
    let next = this.#chunk(at + 1, end)
    while (at < end) {
      const entries = await next
      at += entries.length
      // While the caller is busy with these.
      if (at < end) next = this.#chunk(at + 1, end)
      // The waiting caller gets the error. If the caller has stopped, nothing waits for it.
      next.catch(() => undefined)
      const asked = entries[0]?.seq === after ? entries.slice(1) : entries
      if (asked.length > 0) yield asked
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    const ended = AbortSignal.any([signal, this.#link.ended])
    let at = after
    for (let failures = 0; !ended.aborted; failures++) {
      try {
        for await (const entries of this.#followOnce(at, ended)) {
          failures = 0
          at += entries.length
          yield entries
        }
      } catch (error) {
        if (ended.aborted) break
        if (!(error instanceof StoreError) || error.code !== 'unavailable') throw error
      }
      const wait = Math.min(1_000, 50 * 2 ** failures) * (0.5 + Math.random() / 2)
      await sleep(wait, undefined, { signal: ended }).catch(() => undefined)
    }
    if (!signal.aborted) throw this.#error('closed', 'was closed')
  }

  async truncate(upTo: number): Promise<void> {
    const { head } = await this.#bounds(0)
    // The last record stays, to be compared. A stream without any was purged by another process.
    const keep = Math.min(upTo + 1, head)
    if (keep > 1) await this.#translated(() => this.#ask('STREAM.PURGE', { seq: keep }))
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  #checkSizes(batch: readonly Pick<EngineEntry, 'text'>[]): void {
    const { maxEntryBytes } = this
    const bytes = Math.max(0, ...batch.map(({ text }) => Buffer.byteLength(text)))
    if (bytes <= maxEntryBytes) return
    const what = `a record of ${bytes} bytes, but the server's max_payload leaves room for ${maxEntryBytes}`
    throw this.#error('too_large', what)
  }

  async #connected(): Promise<NatsConnection> {
    return this.#translated(() => this.#link.get())
  }

  /** A conflict is a value; else throws. */
  async #notAppended(error: unknown, to: Destination): Promise<AppendResult> {
    if (error instanceof Refusal) {
      if (error.code === CODE.wrongLastSequence) {
        const head = Number(/(\d+)$/.exec(error.message)?.[1])
        if (head >= this.#known.seen) return { ok: false, head }
      }
      if (error.code === CODE.wrongLastSequence || error.code === CODE.wrongLastSequenceUnknown)
        return { ok: false, head: (await this.#bounds(0)).head }
    }
    // What was under way when this was closed may have arrived.
    if (this.#link.ended.aborted)
      throw this.#error('unknown', 'was closed while records were being written')
    await this.#translated(() => this.#link.failed(to.connection, error))
    const failure = failureOf(error, this.name, true)
    // No one takes it: for now, or since the stream is another one.
    if (isNamed(reasonOf(error), 'NoResponders')) await this.#bounds(0)
    throw failure
  }

  /**
   * What makes the acknowledgement of an append worthless: other settings, other records, no records. Undefined if
   * all is well, or if no one can tell for now.
   */
  async #check(expected: number): Promise<StoreError | undefined> {
    const { seq, id } = this.#known.last
    const begin = performance.now()
    if (begin - this.#checkedAt < FRESH_MS) return undefined
    try {
      const [, there] = await Promise.all([this.#bounds(0), seq > 0 ? this.#chunk(seq, seq) : []])
      if (there[0] && there[0].id !== id) return this.#known.otherHistory(seq)
      this.#checkedAt = begin
      return undefined
    } catch (error) {
      const { code } = error as Partial<StoreError>
      // No truncation removes the last record.
      if (code === 'compacted' && seq === expected) return this.#known.purged(seq)
      return code === 'rewound' || code === 'config' ? (error as StoreError) : undefined
    }
  }

  /** Up to `to`, from `from`: at least one. */
  async #chunk(from: number, to: number): Promise<readonly EngineEntry[]> {
    return this.#translated(async () => {
      const { name: journal, patience } = this.#settings
      const found = await readDirect(this.#link, journal, { from, to, patience })
      if (found.length > 0) return this.#known.entriesOf(found)
      // The replica that answered lags, or the records were truncated just now.
      const seqs = Array.from(
        { length: Math.min(MAX_FROM_LEADER, to - from + 1) },
        (_, at) => from + at,
      )
      const got = await Promise.all(seqs.map((seq) => readFromLeader(this.#link, journal, seq)))
      const missing = got.indexOf(undefined)
      const there = got
        .slice(0, missing < 0 ? got.length : missing)
        .filter((it) => it !== undefined)
      if (there.length > 0) return this.#known.entriesOf(there)
      throw this.#known.missing(from, await this.#bounds(to))
    })
  }

  /** Until the connection breaks or something fails. */
  async *#followOnce(after: number, ended: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    const connection = await this.#connected()
    const subject = stream.republishedOf(this.#settings.name, this.#known.epoch)
    const feed = new Feed(connection, subject)
    try {
      if (!(await this.#link.isAlive(connection)))
        throw this.#error('unavailable', 'its server does not answer')
      let at = after
      for (let poll = FIRST_POLL_MS, isBehind = true; !ended.aborted && !feed.isOver; ) {
        if (isBehind) {
          for await (const entries of this.read(at)) {
            at += entries.length
            yield entries
            if (ended.aborted) return
          }
        }
        await feed.wait(poll, ended)
        const came = await this.#translated(async () => this.#known.entriesOf(feed.take()))
        const next = contiguous(came, at)
        // Nothing for a while, or something is missing, or older ones: then the head is asked for.
        isBehind = next.length === 0 || next.length < came.length
        if (came.length === 0) poll = POLL_MS
        at += next.length
        this.#known.seen = Math.max(this.#known.seen, at)
        if (next.length > 0) yield next
      }
    } finally {
      feed.close()
    }
  }

  async #bounds(least: number): Promise<Bounds> {
    const stream = this.#known
    // Before it is asked: what others learn meanwhile may be newer than its answer.
    const known = Math.max(stream.seen, least)
    if (this.#invalid) throw this.#invalid
    return this.#translated(async () => stream.accept(await this.#lookUp(), known))
  }

  async #lookUp(): Promise<stream.StreamInfo | undefined> {
    try {
      return await this.#ask<stream.StreamInfo>('STREAM.INFO')
    } catch (error) {
      if (error instanceof Refusal && error.code === CODE.streamNotFound) return undefined
      throw error
    }
  }

  async #create(store: string, features: string): Promise<stream.StreamInfo> {
    const { name: journal, replicas } = this.#settings
    const config = stream.streamConfig({
      ...{ journal, replicas, store, features },
      epoch: this.#ours,
    })
    try {
      await this.#ask('STREAM.CREATE', config)
    } catch (error) {
      // Another process was first.
      if (!(error instanceof Refusal) || error.code !== CODE.streamNameInUse) throw error
    }
    const info = await this.#lookUp()
    if (!info) throw this.#error('unavailable', 'its stream is being made')
    return info
  }

  #ask<T extends object>(what: string, request?: object): Promise<T> {
    return this.#link.ask(`$JS.API.${what}.${stream.streamName(this.#settings.name)}`, request)
  }

  async #translated<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw failureOf(error, this.name)
    }
  }

  /** It is there, but no one should rely on it. */
  #unacknowledged(seq: number, cause: StoreError): StoreError {
    const what = `wrote up to seq ${seq}, which may be lost: ${cause.message}`
    return new StoreError('unknown', `${this.name}: ${what}`, { path: this.name, cause })
  }

  #error(code: StoreError['code'], what: string): StoreError {
    return new StoreError(code, `${this.name}: ${what}`, { path: this.name })
  }
}
