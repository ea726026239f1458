// The engine in PostgreSQL: which statement answers which call, and what its answer means.
import { setTimeout as sleep } from 'node:timers/promises'
import { type AppendResult, type Replica, StoreError, type StoreErrorCode } from '../../index.ts'
import type {
  Engine,
  EngineEntry,
  EngineInfo,
  EngineLook,
  NewEngineEntry,
} from '../shared/index.ts'
import { type Address, type PostgresConnection, readAddress } from './address.ts'
import {
  type Answer,
  borrowDatabase,
  type Caller,
  closed,
  type Database,
  type Row,
} from './database.ts'
import type { Lost } from './failure.ts'
import { findTables, prepareTables } from './schema.ts'
import type { Hints } from './signals.ts'
import * as sql from './statements.ts'
import { type AnswerWithin, appendWithin } from './within.ts'

export interface PostgresOptions {
  /**
   * As `pg` takes it: a connection string, or its options, with TLS and passwords; or a `pg.Pool` of your own, which
   * stays yours to end. Journals with the same connection share at most `max` connections, 5 by default.
   */
  connection: PostgresConnection
  /** The journal's: `[a-z0-9][a-z0-9_-]{0,62}`. */
  name: string
  /** In milliseconds. One call to the server takes at most half of it, so that it can be made again. Default 10,000. */
  timeout?: number | undefined
  /**
   * `false`: take no connection for LISTEN, and look for new records four times a second. So it is by itself if the
   * pool has one connection, or a pooler keeps no sessions. Default `true`.
   */
  listen?: boolean | undefined
}

/** What one statement takes or gives. An entry is never too large for it, nor for a file's line. */
const MOST = {
  append: 4096,
  read: 2048,
  remove: 10_000,
  names: 10_000,
  bytes: 2 ** 23,
  entryBytes: 2 ** 24 - 256,
}
/** How long a follower waits after it found no server, in milliseconds. */
const BACK_OFF = 250

/** The journal `name` in a PostgreSQL database. Nothing is touched before `open`. */
export function postgresEngine(options: PostgresOptions): Engine {
  const { name, timeout = 10_000, listen = true } = options
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    throw new TypeError(`name: must match [a-z0-9][a-z0-9_-]{0,62}, got ${JSON.stringify(name)}`)
  }
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError(`timeout: must be milliseconds, got ${String(timeout)}`)
  }
  return new PostgresEngine(readAddress(options.connection), name, Math.ceil(timeout / 2), listen)
}

interface Taken {
  readonly ids: string[]
  readonly texts: string[]
  readonly within: NewEngineEntry['within']
}
/** From the beginning of `open` on. */
interface Link {
  readonly database: Database
  readonly closing: AbortController
  /** What waits for the server. */
  readonly calls: Set<Promise<unknown>>
}
/** Since `open`. */
interface Opened {
  readonly epoch: string
  readonly hints: Hints
}

class PostgresEngine implements Engine {
  readonly name: string
  readonly maxEntryBytes = MOST.entryBytes
  readonly hasTransactions = true
  readonly #address: Address
  readonly #journal: string
  readonly #timeout: number
  readonly #listen: boolean
  #link: Link | undefined
  #opened: Opened | undefined
  /** The last epoch, and the highest head of it that the server has told of. */
  #known = { epoch: '', head: 0 }
  /**
   * The last record that this engine has shown or appended. Each append and each read compares it, in the same
   * statement: if another record is in its place, that is another history.
   */
  #last = { seq: 0, id: '' }
  /**
   * How often an append had an unknown outcome: something may be there that is not durable yet. So it is with each
   * new session of the server: what it had not shown, when it crashed, while it waited for its standby.
   */
  #unknown = 0
  #settled = 0
  /** Who only looks may not be allowed to write, which it takes to settle. */
  #isLooking = false
  /** Whether a standby answered last, which may lag. */
  #isOnStandby = false

  constructor(address: Address, journal: string, timeout: number, listen: boolean) {
    this.name = `${address.shown}#${journal}`
    this.#address = address
    this.#journal = journal
    this.#timeout = timeout
    this.#listen = listen
  }

  open(store: string, features = '{}'): Promise<EngineInfo> {
    this.#isLooking = false
    return this.#opening(async (link) => {
      await prepareTables(this.name, (...asked) => this.#ask(...asked))
      const doubts = this.#doubts(link)
      const [row] = await this.#commit(sql.OPEN, [this.#journal, store, features])
      if (row?.['store'] !== store) {
        const whose = `is the journal of ${JSON.stringify(row?.['store'])}, not of ${JSON.stringify(store)}`
        throw this.#error('wrong_store', whose)
      }
      this.#settled = doubts
      return { ...this.#begin(row, link), created: row['created'] === 'true' }
    })
  }

  look(): Promise<EngineLook | undefined> {
    this.#isLooking = true
    return this.#opening(async (link) => {
      const isThere = await findTables(this.name, (...asked) => this.#ask(...asked), true)
      const row = isThere ? await this.#find() : undefined
      if (row) {
        const replica = await this.replica()
        const store = row['store'] ?? ''
        return { ...this.#begin(row, link), store, created: false, ...(replica && { replica }) }
      }
      await this.close()
      return undefined
    })
  }

  similar(): Promise<readonly string[]> {
    this.#isLooking = true
    return this.#opening(async () => {
      const rows = await this.#ask(sql.SIMILAR, [this.#journal, MOST.names])
      await this.close()
      return rows.map(({ name }) => name ?? '')
    })
  }

  async replica(): Promise<Replica | undefined> {
    const [row] = await this.#ask(sql.LAG)
    if (row?.['standby'] !== 'true') return undefined
    return row['lag'] === null ? {} : { lag: Number(row['lag']) }
  }

  async #opening<R>(run: (link: Link) => Promise<R>): Promise<R> {
    await this.close()
    const database = borrowDatabase(this.#address, this.#timeout, this.#listen)
    const link = { database, closing: new AbortController(), calls: new Set<Promise<unknown>>() }
    this.#link = link
    try {
      return await run(link)
    } catch (error) {
      if (this.#link === link) await this.close()
      throw error
    }
  }

  #begin(row: Row, { database }: Link): Omit<EngineInfo, 'created'> {
    const epoch = row['epoch'] ?? ''
    if (this.#known.epoch !== epoch) this.#known = { epoch, head: 0 }
    this.#last = { seq: 0, id: '' }
    const bounds = this.#learn(row, this.#known.head)
    if (row['last']) this.#last = { seq: bounds.head, id: row['last'] }
    this.#opened = { epoch, hints: database.signals.join(epoch) }
    return { epoch, ...bounds, features: row['features'] ?? '' }
  }

  async append(batch: readonly NewEngineEntry[], expected: number): Promise<AppendResult> {
    const { epoch, hints } = this.#live()
    const seen = this.#known.head
    const { ids, texts, within } = this.#take(batch)
    const { seq: last, id } = this.#last
    const values = [this.#journal, expected, epoch, ids, texts, last, id]
    const sent: Promise<AnswerWithin> = within
      ? this.#track((database, caller) => appendWithin(database, caller, values, within))
      : this.#run(sql.APPEND, values, 'unknown')
    const answer = await sent.catch((error: StoreError) => {
      if (error.code === 'unknown') this.#unknown += 1
      throw error
    })
    if (answer.hasWarned) {
      this.#unknown += 1
      throw this.#error('unknown', NOT_REPLICATED)
    }
    const [row] = answer.rows
    if (answer.withdrawn) return { ok: false, head: expected, withdrawn: answer.withdrawn }
    if (!row) {
      await this.#settle()
      return { ok: false, head: (await this.#look(seen)).head }
    }
    const seq = Number(row['head'])
    this.#known.head = Math.max(this.#known.head, seq)
    this.#remember({ seq, id: ids.at(-1) ?? '' })
    hints.tell()
    return { ok: true, seq }
  }

  async *read(
    after: number,
    { to = Number.MAX_SAFE_INTEGER }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly EngineEntry[]> {
    if (after >= to) return
    const first = await this.#readOne(after, to)
    const end = Math.min(to, first.head)
    let { batch } = first
    for (let last = after; batch.length > 0; ) {
      last += batch.length
      // The server works on the next ones while the caller is busy with these.
      const next = last < end ? this.#readOne(last, to) : undefined
      // The waiting caller gets the error. If the caller has stopped, nothing waits for it.
      next?.catch(() => undefined)
      yield batch
      batch = (await next)?.batch ?? []
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    const { hints } = this.#live()
    const end = AbortSignal.any([signal, this.#linked().closing.signal])
    for (let last = after; !end.aborted; ) {
      const { count } = hints
      const found = await aborted(this.#readOne(last, Number.MAX_SAFE_INTEGER), end).catch(
        (error: StoreError) => {
          if (error.code !== 'unavailable') throw error
        },
      )
      if (end.aborted) return
      if (found && found.head < last) throw this.#lost(found.head, last)
      if (found && found.batch.length > 0) {
        last += found.batch.length
        yield found.batch
        // There may be more than fits into one.
        if (last < found.head) continue
      }
      if (found) await hints.wait(count, end)
      else await sleep(BACK_OFF, undefined, { signal: end }).catch(() => undefined)
    }
  }

  async truncate(upTo: number): Promise<void> {
    const { epoch } = this.#live()
    await this.#look(this.#known.head)
    const [row] = await this.#ask(sql.TRUNCATE, [this.#journal, upTo, epoch])
    if (!row) return void (await this.#look(this.#known.head))
    const first = Number(row['first'])
    // In parts, since each has to be done in time. What is left over by a failure is removed by the next.
    for (let low = Number(row['low'] ?? first); low < first; low += MOST.remove) {
      const high = Math.min(first, low + MOST.remove)
      await this.#ask(sql.REMOVE, [this.#journal, low, high])
    }
  }

  async close(): Promise<void> {
    const [link, opened] = [this.#link, this.#opened]
    this.#link = undefined
    this.#opened = undefined
    if (!link) return
    link.closing.abort()
    await Promise.allSettled(link.calls)
    opened?.hints.close()
    await link.database.release()
  }

  #live(): Opened {
    if (!this.#opened) throw closed(this.name)
    return this.#opened
  }

  #linked(): Link {
    if (!this.#link) throw closed(this.name)
    return this.#link
  }

  #doubts({ database }: Link): number {
    return this.#unknown + database.sessions
  }

  /** As many of the first as fit into one statement. One with a `within` goes alone. */
  #take(batch: readonly NewEngineEntry[]): Taken {
    for (const { text } of batch) {
      const size = Buffer.byteLength(text)
      if (size <= MOST.entryBytes) continue
      const limit = `an entry of ${size} bytes, more than the ${MOST.entryBytes} that it may have`
      throw this.#error('too_large', limit)
    }
    const taken: Taken = { ids: [], texts: [], within: batch[0]?.within }
    let bytes = 0
    for (const { id, text, within } of batch.slice(0, taken.within ? 1 : MOST.append)) {
      bytes += Buffer.byteLength(text)
      if ((within || bytes > MOST.bytes) && taken.ids.length > 0) break
      taken.ids.push(id)
      taken.texts.push(text)
    }
    return taken
  }

  #entryOf({ seq, id, data }: Row, expected: number): EngineEntry {
    if (Number(seq) !== expected) throw this.#damaged(expected, 'is missing')
    if (typeof data !== 'string')
      throw this.#damaged(expected, `has more than ${MOST.entryBytes} bytes`)
    return { seq: expected, id: id ?? '', text: data }
  }

  async #readOne(after: number, to: number): Promise<{ head: number; batch: EngineEntry[] }> {
    this.#live()
    const values = [this.#journal, after, to, MOST.read, MOST.bytes, MOST.entryBytes]
    let seen: number
    let last: { seq: number; id: string }
    let rows: readonly Row[]
    do {
      await this.#settle()
      seen = this.#known.head
      last = this.#last
      rows = await this.#ask(sql.READ, [...values, last.seq, last.id])
    } while (!this.#isSettled)
    const { head, first } = this.#learn(rows[0], seen)
    if (rows[0]?.['other'] === 'true') throw this.#otherHistory(last.seq)
    if (after >= Math.min(to, head)) return { head, batch: [] }
    if (after + 1 < first) {
      const where = `record ${after + 1} was truncated away: the first one is ${first}`
      throw this.#error('compacted', where, after + 1)
    }
    const batch = rows.map((row, index) => this.#entryOf(row, after + 1 + index))
    this.#remember(batch.at(-1))
    return { head, batch }
  }

  get #isSettled(): boolean {
    return this.#isLooking || this.#settled === this.#doubts(this.#linked())
  }

  /** What may be there and not be durable is made durable before it is shown. */
  async #settle(): Promise<void> {
    while (!this.#isSettled) {
      const doubts = this.#doubts(this.#linked())
      await this.#commit(sql.SYNC, [this.#journal])
      this.#settled = doubts
    }
  }

  #remember(entry: Pick<EngineEntry, 'seq' | 'id'> | undefined): void {
    if (entry && entry.seq > this.#last.seq) this.#last = { seq: entry.seq, id: entry.id }
  }

  /** After a failover, the address may lead to a standby, which will be the primary or make room for it. */
  #track<R>(send: (database: Database, caller: Caller) => Promise<R>): Promise<R> {
    const { database, closing, calls } = this.#linked()
    const whileOpen = this.#known.epoch === '' ? 'config' : 'unavailable'
    const caller = {
      ...{ name: this.name, redact: this.#address.redact, timeout: this.#timeout },
      signal: closing.signal,
      standby: this.#isLooking ? undefined : whileOpen,
    } as const
    const answer = send(database, caller)
    calls.add(answer)
    const done = () => void calls.delete(answer)
    answer.then(done, done)
    return answer
  }

  async #run(statement: sql.Statement, values: readonly unknown[], lost?: Lost): Promise<Answer> {
    const answer = await this.#track((database, caller) =>
      database.run(caller, statement, values, lost),
    )
    this.#isOnStandby = answer.isStandby
    return answer
  }

  async #ask(statement: sql.Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return (await this.#run(statement, values)).rows
  }

  /** What has to be durable when it is done, and may be done twice. */
  async #commit(statement: sql.Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    const { rows, hasWarned } = await this.#run(statement, values)
    if (hasWarned) throw this.#error('unavailable', NOT_REPLICATED)
    return rows
  }

  async #find(seq = 0): Promise<Row | undefined> {
    return (await this.#ask(sql.LOOK, [this.#journal, seq]))[0]
  }

  /** What the journal is now. Throws if it is not the one that was known. `seen`: as for `#learn`. */
  async #look(seen: number): Promise<{ head: number; first: number }> {
    const { seq, id } = this.#last
    const row = await this.#find(seq)
    const bounds = this.#learn(row, seen)
    const known = row?.['known']
    if (seq === 0 || known === id || bounds.first > seq) return bounds
    throw typeof known === 'string' ? this.#otherHistory(seq) : this.#damaged(seq, 'is missing')
  }

  /** What a row says of the journal. `seen`: the head that was known before it was asked for. */
  #learn(row: Row | undefined, seen: number): { head: number; first: number } {
    const [head, first] = [Number(row?.['head']), Number(row?.['first'])]
    if (row?.['epoch'] !== this.#known.epoch) {
      throw this.#error('rewound', 'this journal was removed or replaced: open the store again')
    }
    // Of several standbys at one address, each lags on its own.
    if (head < seen && this.#isOnStandby) {
      const what = `a standby answered that has records up to seq ${head} by now, not up to ${seen}`
      throw this.#error('unavailable', what)
    }
    if (head < seen) throw this.#lost(head, seen)
    this.#known.head = Math.max(this.#known.head, head)
    return { head, first }
  }

  #damaged(seq: number, what: string): StoreError {
    return this.#error('corrupt', `record ${seq} ${what}: restore both tables from one backup`, seq)
  }

  #otherHistory(seq: number): StoreError {
    const what = `record ${seq} was replaced: an older state was restored`
    return this.#error('rewound', `${what}; open the store again`, seq)
  }

  #lost(head: number, seen: number): StoreError {
    const lost = `the journal ends with record ${head} although ${seen} was durable`
    return this.#error('rewound', `${lost}: an older state was restored; open the store again`)
  }

  #error(code: StoreErrorCode, what: string, seq?: number): StoreError {
    return new StoreError(code, `${this.name}: ${what}`, { path: this.name, seq })
  }
}

const NOT_REPLICATED =
  'the server warned that it did not wait for its standby, so a record may not be durable: see its log'

/** Resolves to undefined as soon as the signal aborts. */
function aborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(undefined)
    if (signal.aborted) end()
    signal.addEventListener('abort', end)
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
