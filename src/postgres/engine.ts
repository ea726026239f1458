// The engine in PostgreSQL: which statement answers which call, and what its answer means.
import { type AppendResult, StoreError, type StoreErrorCode } from '../index.ts'
import type { Engine, EngineEntry, EngineInfo, EngineLook } from '../shared/index.ts'
import { type PostgresConnection, readAddress } from './address.ts'
import { Connection, closed, type Row, type Server } from './connection.ts'
import { findTables, greet, prepareTables } from './schema.ts'
import { Signals } from './signals.ts'
import * as sql from './statements.ts'

export interface PostgresOptions {
  /** As `pg` takes it: a connection string, or its options, with TLS and passwords. */
  connection: PostgresConnection
  /** The journal's: `[a-z0-9][a-z0-9_-]{0,62}`. */
  name: string
  /** In milliseconds. One call to the server takes at most half of it, so that it can be made again. Default 10,000. */
  timeout?: number | undefined
}

/** What one statement takes or gives. An entry is never too large for it, nor for a file's line. */
const MOST = { append: 4096, read: 2048, remove: 10_000, bytes: 2 ** 23, entryBytes: 2 ** 24 - 128 }
/** In milliseconds: how long a follower waits for a hint, and after it found no server. */
const POLL = 1000
const BACK_OFF = 250

/** The journal `name` in a PostgreSQL database. Nothing is touched before `open`. */
export function postgresEngine(options: PostgresOptions): Engine {
  const { name, timeout = 10_000 } = options
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    throw new TypeError(`name: must match [a-z0-9][a-z0-9_-]{0,62}, got ${JSON.stringify(name)}`)
  }
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError(`timeout: must be milliseconds, got ${String(timeout)}`)
  }
  const { config, shown, redact } = readAddress(options.connection)
  const server = { name: `${shown}#${name}`, config, redact, timeout: Math.ceil(timeout / 2) }
  return new PostgresEngine(server, name)
}

/** Since `open`. What is read, and what others say, does not wait for an append. */
interface Links {
  readonly epoch: string
  readonly writer: Connection
  readonly reader: Connection
  readonly signals: Signals
  readonly closing: AbortController
}

class PostgresEngine implements Engine {
  readonly name: string
  readonly maxEntryBytes = MOST.entryBytes
  readonly #server: Server
  readonly #journal: string
  /** From the beginning of `open` on. */
  #writer: Connection | undefined
  #links: Links | undefined
  /** The last epoch, and the highest head of it that the server has told of. */
  #known = { epoch: '', head: 0 }
  /**
   * The last record that this engine has shown or appended. Each append and each read compares it, in the same
   * statement: if another record is in its place, that is another history.
   */
  #last = { seq: 0, id: '' }
  /**
   * How often something may have come to be there that is not durable yet: an append of unknown outcome,
   * or, with each new connection, what a server that crashed had not shown while it waited for its standby.
   */
  #doubts = 0
  #settled = 0
  /** Who only looks may not be allowed to write, which it takes to settle. */
  #isLooking = false

  constructor(server: Server, journal: string) {
    this.name = server.name
    this.#server = server
    this.#journal = journal
  }

  open(store: string): Promise<EngineInfo> {
    this.#isLooking = false
    return this.#opening(async (writer) => {
      await prepareTables(this.#server, writer)
      const [row] = await this.#commit(writer, sql.OPEN, [this.#journal, store])
      if (row?.['store'] !== store) {
        const whose = `is the journal of ${JSON.stringify(row?.['store'])}, not of ${JSON.stringify(store)}`
        throw this.#error('wrong_store', whose)
      }
      this.#settled = this.#doubts
      return { ...this.#begin(row, writer), created: row['created'] === 'true' }
    })
  }

  look(): Promise<EngineLook | undefined> {
    this.#isLooking = true
    return this.#opening(async (connection) => {
      const isThere = await findTables(this.#server, connection)
      const row = isThere ? await this.#find(connection) : undefined
      if (row) return { ...this.#begin(row, connection), store: row['store'] ?? '', created: false }
      await connection.close()
      return undefined
    })
  }

  async #opening<R>(run: (connection: Connection) => Promise<R>): Promise<R> {
    await this.close()
    const connection = this.#connection()
    this.#writer = connection
    try {
      return await run(connection)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  #begin(row: Row, writer: Connection): Omit<EngineInfo, 'created'> {
    const epoch = row['epoch'] ?? ''
    if (this.#known.epoch !== epoch) this.#known = { epoch, head: 0 }
    this.#last = { seq: 0, id: '' }
    const bounds = this.#learn(row, this.#known.head)
    if (row['last']) this.#last = { seq: bounds.head, id: row['last'] }
    const signals = new Signals(this.#server, epoch)
    const closing = new AbortController()
    this.#links = { epoch, writer, reader: this.#connection(), signals, closing }
    return { epoch, ...bounds }
  }

  async append(
    batch: readonly Pick<EngineEntry, 'id' | 'text'>[],
    expected: number,
  ): Promise<AppendResult> {
    const { epoch, writer, signals } = this.#live()
    const seen = this.#known.head
    const { ids, texts } = this.#take(batch)
    const { seq: last, id } = this.#last
    const values = [this.#journal, expected, epoch, ids, texts, last, id]
    const answer = await writer.run(sql.APPEND, values, 'unknown').catch((error: StoreError) => {
      if (error.code === 'unknown') this.#doubts += 1
      throw error
    })
    if (answer.hasWarned) {
      this.#doubts += 1
      throw this.#error('unknown', NOT_REPLICATED)
    }
    const [row] = answer.rows
    if (!row) {
      await this.#settle(writer)
      return { ok: false, head: (await this.#look(writer, seen)).head }
    }
    const seq = Number(row['head'])
    this.#known.head = Math.max(this.#known.head, seq)
    this.#remember({ seq, id: ids.at(-1) ?? '' })
    signals.tell()
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
      // Whoever waits for it is told; nobody does where the caller has stopped.
      next?.catch(() => undefined)
      yield batch
      batch = (await next)?.batch ?? []
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    const { signals, closing } = this.#live()
    const end = AbortSignal.any([signal, closing.signal])
    for (let last = after; !end.aborted; ) {
      const { count } = signals
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
      await signals.wait(count, found ? POLL : BACK_OFF, end)
    }
  }

  async truncate(upTo: number): Promise<void> {
    const { epoch, writer } = this.#live()
    await this.#look(writer, this.#known.head)
    const [row] = await this.#ask(writer, sql.TRUNCATE, [this.#journal, upTo, epoch])
    if (!row) return void (await this.#look(writer, this.#known.head))
    const first = Number(row['first'])
    // In parts, since each has to be done in time. What is left over by a failure is removed by the next.
    for (let low = Number(row['low'] ?? first); low < first; low += MOST.remove) {
      const high = Math.min(first, low + MOST.remove)
      await this.#ask(writer, sql.REMOVE, [this.#journal, low, high])
    }
  }

  async close(): Promise<void> {
    const [links, writer] = [this.#links, this.#writer]
    this.#links = undefined
    this.#writer = undefined
    links?.closing.abort()
    await Promise.all([writer?.close(), links?.reader.close(), links?.signals.close()])
  }

  #live(): Links {
    if (!this.#links) throw closed(this.name)
    return this.#links
  }

  /** After a failover it may lead to a standby, which will be the primary, or make room for it. */
  #connection(): Connection {
    return new Connection(this.#server, async (client) => {
      await greet(client, this.#server, this.#known.epoch === '' ? 'config' : 'unavailable')
      this.#doubts += 1
    })
  }

  /** As many of the first as fit into one statement. */
  #take(batch: readonly Pick<EngineEntry, 'id' | 'text'>[]): { ids: string[]; texts: string[] } {
    for (const { text } of batch) {
      const size = Buffer.byteLength(text)
      if (size <= MOST.entryBytes) continue
      const limit = `an entry of ${size} bytes, more than the ${MOST.entryBytes} that it may have`
      throw this.#error('too_large', limit)
    }
    const taken: { ids: string[]; texts: string[] } = { ids: [], texts: [] }
    let bytes = 0
    for (const { id, text } of batch.slice(0, MOST.append)) {
      bytes += Buffer.byteLength(text)
      if (bytes > MOST.bytes && taken.ids.length > 0) break
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
    const { reader } = this.#live()
    const values = [this.#journal, after, to, MOST.read, MOST.bytes, MOST.entryBytes]
    let seen: number
    let last: { seq: number; id: string }
    let rows: readonly Row[]
    do {
      await this.#settle(reader)
      seen = this.#known.head
      last = this.#last
      rows = await this.#ask(reader, sql.READ, [...values, last.seq, last.id])
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
    return this.#settled === this.#doubts || this.#isLooking
  }

  /** What may be there and not be durable is made durable before it is shown. */
  async #settle(connection: Connection): Promise<void> {
    while (!this.#isSettled) {
      const doubts = this.#doubts
      await this.#commit(connection, sql.SYNC, [this.#journal])
      this.#settled = doubts
    }
  }

  #remember(entry: Pick<EngineEntry, 'seq' | 'id'> | undefined): void {
    if (entry && entry.seq > this.#last.seq) this.#last = { seq: entry.seq, id: entry.id }
  }

  async #ask(
    connection: Connection,
    text: sql.Prepared | string,
    values: unknown[],
  ): Promise<readonly Row[]> {
    return (await connection.run(text, values)).rows
  }

  /** What has to be durable when it is done, and may be done twice. */
  async #commit(connection: Connection, text: string, values: unknown[]): Promise<readonly Row[]> {
    const { rows, hasWarned } = await connection.run(text, values)
    if (hasWarned) throw this.#error('unavailable', NOT_REPLICATED)
    return rows
  }

  async #find(connection: Connection, seq = 0): Promise<Row | undefined> {
    return (await this.#ask(connection, sql.LOOK, [this.#journal, seq]))[0]
  }

  /** What the journal is now. Throws if it is not the one that was known. `seen`: as for `#learn`. */
  async #look(connection: Connection, seen: number): Promise<{ head: number; first: number }> {
    const { seq, id } = this.#last
    const row = await this.#find(connection, seq)
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
    if (head < seen) throw this.#lost(head, seen)
    this.#known.head = Math.max(this.#known.head, head)
    return { head, first }
  }

  #damaged(seq: number, what: string): StoreError {
    return this.#error('corrupt', `record ${seq} ${what}: restore both tables from one backup`, seq)
  }

  #otherHistory(seq: number): StoreError {
    const what = `record ${seq} is another one than it was: an older state was restored`
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
