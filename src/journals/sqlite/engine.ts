// The engine in SQLite: which transaction answers which call, and what its answer means.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type AppendResult, StoreError, type StoreErrorCode } from '../../index.ts'
import type { Engine, EngineEntry, EngineInfo, EngineLook } from '../shared/index.ts'
import { Changes } from './changes.ts'
import { Busy, Database, type Row } from './database.ts'
import { loadDriver, type SqliteDriver } from './driver.ts'
import { Place } from './place.ts'
import * as sql from './statements.ts'

export interface SqliteOptions {
  /** The path of the database, or its `file:` URL. */
  file: string | URL
  /** The journal's: `[a-z0-9][a-z0-9_-]{0,62}`. A database can hold many. */
  name: string
  /**
   * `DatabaseSync` of node:sqlite or of @photostructure/sqlite, or the class of better-sqlite3. Default: the first of them that there is. If your program opens
   * the same file too, give the driver that it uses.
   */
  driver?: SqliteDriver | undefined
  /** In milliseconds. A call waits at most half of it for the lock, so that it can be made again. Default 10,000. */
  timeout?: number | undefined
}

/** What one transaction takes or gives. An entry is never too large for it, nor for a file's line. */
const MOST = {
  append: 4096,
  read: 2048,
  remove: 10_000,
  names: 1000,
  bytes: 2 ** 23,
  entryBytes: 2 ** 24 - 256,
}
/** In milliseconds, on average: how long it waits for the lock before it looks again. A commit takes about one. */
const WAIT = { first: 1, longest: 16 }
/** In milliseconds: how long a follower waits after the database could not be read. */
const BACK_OFF = 100

/** The journal `name` in a SQLite database. Nothing is touched before `open`. Throws TypeError. */
export function sqliteEngine(options: SqliteOptions): Engine {
  const { name, timeout = 10_000, driver } = options
  const file = readFile(options.file)
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
    throw new TypeError(`name: must match [a-z0-9][a-z0-9_-]{0,62}, got ${JSON.stringify(name)}`)
  }
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new TypeError(`timeout: must be milliseconds, got ${String(timeout)}`)
  }
  if (driver !== undefined && typeof driver !== 'function') {
    throw new TypeError(
      'driver: must be DatabaseSync of node:sqlite or @photostructure/sqlite, or the class of better-sqlite3',
    )
  }
  return new SqliteEngine(file, name, timeout / 2, driver)
}

/** SQLite would make a database in memory of an empty path and of some others, which no one can share. */
function readFile(file: unknown): string {
  const refused = (what: string) =>
    new TypeError(`file: ${what}; give the path of a database file, such as data/app.db`)
  if (Object.prototype.toString.call(file) === '[object URL]') {
    const url = String(file)
    if (!url.startsWith('file:')) throw refused(`is a URL that begins with ${url.split(':', 1)}:`)
    return fileURLToPath(url)
  }
  if (file === undefined || file === null || file === '')
    throw refused(
      `is ${file === '' ? 'an empty string' : file}. Is the variable set that should hold it?`,
    )
  if (typeof file !== 'string') throw refused(`is a ${typeof file}`)
  if (file.startsWith(':memory:')) throw refused('is a database in memory, which cannot be shared')
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(file)) throw refused('is a URL as a string')
  if (file.includes('\0')) throw refused('has a NUL byte')
  return file
}

class SqliteEngine implements Engine {
  readonly name: string
  readonly maxEntryBytes = MOST.entryBytes
  readonly #file: string
  readonly #journal: string
  readonly #timeout: number
  #driver: SqliteDriver | undefined
  #access: 'read' | 'write' = 'write'
  /** Since `open`: it remembers which files they were. */
  #place: Place | undefined
  #database: Database | undefined
  #changes: Changes | undefined
  #closing = new AbortController()
  #known = { epoch: '', head: 0 }
  /**
   * The last record that this engine has shown or appended. Each append and each read compares it, in the same
   * transaction: if another record is in its place, that is another history.
   */
  #last = { seq: 0, id: '' }

  constructor(file: string, name: string, timeout: number, driver: SqliteDriver | undefined) {
    this.name = `sqlite:${file}#${name}`
    this.#file = file
    this.#journal = name
    this.#timeout = timeout
    this.#driver = driver
  }

  open(store: string, features = '{}'): Promise<EngineInfo> {
    return this.#opening('write', (place) => {
      if (!place.exists) place.create()
      return this.#locked((database) => {
        const found = this.#row(database)
        const row = found ?? database.write(() => this.#create(database, store, features))
        if (row['store'] !== store) {
          const whose = `is the journal of ${JSON.stringify(row['store'])}, not of ${JSON.stringify(store)}`
          throw this.#error('wrong_store', whose)
        }
        return { ...this.#begin(row), created: !found }
      })
    })
  }

  look(): Promise<EngineLook | undefined> {
    return this.#opening('read', async (place) => {
      const found =
        place.exists &&
        (await this.#locked((database) => {
          const row = database.hasTables && this.#row(database)
          return row && { ...this.#begin(row), store: String(row['store']), created: false }
        }))
      if (found) return found
      await this.close()
      return undefined
    })
  }

  similar(): Promise<readonly string[]> {
    return this.#opening('read', async (place) => {
      const rows = place.exists
        ? await this.#locked((database) =>
            database.hasTables ? database.all(sql.SIMILAR, this.#journal, MOST.names) : [],
          )
        : []
      await this.close()
      return rows.map(({ name }) => String(name))
    })
  }

  append(
    batch: readonly Pick<EngineEntry, 'id' | 'text'>[],
    expected: number,
  ): Promise<AppendResult> {
    return this.#locked(
      (database) => {
        const taken = this.#take(batch)
        const result = database.write(
          () => this.#conflict(database, expected) ?? this.#insert(database, taken, expected),
        )
        if (result.ok) this.#remember({ seq: result.seq, id: taken.at(-1)?.id ?? '' })
        return result
      },
      // Who holds the lock may not be the first who had it meanwhile.
      (database) => database.read(() => this.#conflict(database, expected)),
    )
  }

  async *read(
    after: number,
    { to = Number.MAX_SAFE_INTEGER }: { to?: number | undefined } = {},
  ): AsyncGenerator<readonly EngineEntry[]> {
    let last = after
    let end = to
    while (last < end) {
      const { head, batch } = this.#readOne(last, to)
      // Later appends are for the next call.
      if (last === after) end = Math.min(to, head)
      if (batch.length === 0) return
      last += batch.length
      yield batch
    }
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly EngineEntry[]> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    for (let last = after; !end.aborted; ) {
      const found = this.#attempt(() => {
        const database = this.#live()
        // Before the read: what is committed after it is news.
        const { version } = database
        return { ...this.#readOne(last, Number.MAX_SAFE_INTEGER), database, version }
      })
      if (!found) {
        await pause(BACK_OFF, end)
        continue
      }
      const { head, batch, database, version } = found
      if (head < last) throw this.#lost(head, last)
      if (batch.length > 0) {
        last += batch.length
        yield batch
        // There may be more than fits into one.
        if (last < head) continue
      }
      // What this process appends it knows; reading it back at once would slow the next append down.
      const hasNews = () => this.#live() !== database || database.version !== version
      if (!end.aborted) await this.#news().until(() => this.#attempt(hasNews) ?? true, end)
    }
  }

  async truncate(upTo: number): Promise<void> {
    const first = await this.#locked((database) =>
      database.write(() => {
        const { head, first: was } = this.#learn(this.#row(database))
        const next = Math.max(was, Math.min(upTo, head) + 1)
        database.run(sql.SET_FIRST, next, this.#journal)
        // The last record stays: it says what the head is.
        return Math.min(next, head)
      }),
    )
    // In parts, since others wait for the lock. What is left over by a failure is removed by the next.
    while (await this.#locked((database) => database.write(() => this.#remove(database, first))));
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#changes?.close()
    this.#database?.close()
    this.#changes = undefined
    this.#database = undefined
    this.#place = undefined
  }

  async #opening<R>(access: 'read' | 'write', run: (place: Place) => Promise<R>): Promise<R> {
    await this.close()
    this.#driver ??= await loadDriver(this.name)
    this.#access = access
    this.#closing = new AbortController()
    this.#known = { epoch: '', head: 0 }
    this.#last = { seq: 0, id: '' }
    try {
      this.#place = new Place(this.name, this.#file, access)
      return await run(this.#place)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** The connection; a new one after a failure. */
  #live(): Database {
    const [place, driver] = [this.#place, this.#driver]
    if (!place || !driver) throw this.#error('closed', 'is closed: open it again')
    if (this.#database?.isOpen) return this.#database
    this.#changes?.close()
    this.#changes = undefined
    this.#database = new Database({ name: this.name, place, driver, access: this.#access })
    return this.#database
  }

  #news(): Changes {
    this.#changes ??= new Changes(`${this.#place?.path}-wal`)
    return this.#changes
  }

  /**
   * Runs it when the lock is free. Each who waits looks again after a random time, so no one is always first. `meanwhile`: whether there is
   * an answer without the lock.
   */
  async #locked<R>(
    run: (database: Database) => R,
    meanwhile?: (database: Database) => R | undefined,
  ): Promise<R> {
    const until = performance.now() + this.#timeout
    const { signal } = this.#closing
    for (let wait = WAIT.first; ; wait = Math.min(wait * 2, WAIT.longest)) {
      try {
        return run(this.#live())
      } catch (error) {
        if (!(error instanceof Busy) || performance.now() > until) throw error
      }
      await pause(wait * (0.5 + Math.random()), signal)
      const answer = meanwhile && this.#attempt(() => meanwhile(this.#live()))
      if (answer) return answer
    }
  }

  /** Returns undefined if it may be tried again. */
  #attempt<R>(run: () => R): R | undefined {
    try {
      return run()
    } catch (error) {
      if (error instanceof StoreError && error.code === 'unavailable') return undefined
      throw error
    }
  }

  #row(database: Database): Row | undefined {
    const row = database.get(sql.LOOK, this.#last.seq, this.#journal)
    if (row) database.assertVersion(row['version'])
    return row
  }

  #create(database: Database, store: string, features: string): Row {
    const row = this.#row(database)
    if (row) return row
    database.run(sql.INSERT_JOURNAL, this.#journal, store, randomUUID(), features)
    return this.#row(database) ?? {}
  }

  #begin(row: Row): Omit<EngineInfo, 'created'> {
    const epoch = String(row['epoch'])
    this.#known = { epoch, head: 0 }
    const bounds = this.#learn(row)
    if (typeof row['last'] === 'string') this.#last = { seq: bounds.head, id: row['last'] }
    return { epoch, ...bounds, features: String(row['features']) }
  }

  #conflict(database: Database, expected: number): AppendResult | undefined {
    const { head } = this.#learn(this.#row(database))
    return head === expected ? undefined : { ok: false, head }
  }

  #insert(database: Database, taken: readonly Unsent[], expected: number): AppendResult {
    let seq = expected
    for (const { id, text } of taken) {
      seq += 1
      database.run(sql.INSERT, this.#journal, seq, id, text)
    }
    return { ok: true, seq }
  }

  /** As many of the first as fit into one transaction. */
  #take(batch: readonly Unsent[]): readonly Unsent[] {
    const sizes = batch.map(({ text }) => Buffer.byteLength(text))
    const largest = Math.max(0, ...sizes)
    if (largest > MOST.entryBytes) {
      const limit = `an entry of ${largest} bytes, more than the ${MOST.entryBytes} that it may have`
      throw this.#error('too_large', limit)
    }
    let [count, bytes] = [0, 0]
    for (const size of sizes.slice(0, MOST.append)) {
      bytes += size
      if (bytes > MOST.bytes && count > 0) break
      count += 1
    }
    return batch.slice(0, count)
  }

  /** Returns whether there are more. */
  #remove(database: Database, first: number): boolean {
    const low = Number(database.get(sql.LOWEST, this.#journal)?.['low'] ?? first)
    if (low >= first) return false
    const high = Math.min(first, low + MOST.remove)
    database.run(sql.REMOVE, this.#journal, low, high)
    return high < first
  }

  #readOne(after: number, to: number): { head: number; batch: EngineEntry[] } {
    const database = this.#live()
    return database.read(() => {
      const { head, first } = this.#learn(this.#row(database))
      if (after >= Math.min(to, head)) return { head, batch: [] }
      if (after + 1 < first) {
        const where = `record ${after + 1} was truncated away: the first one is ${first}`
        throw this.#error('compacted', where, after + 1)
      }
      const count = this.#fitting(database, after, to)
      const rows = database.all(sql.READ, MOST.entryBytes, this.#journal, after, to, count)
      const batch = this.#entriesOf(rows, after)
      this.#remember(batch.at(-1))
      return { head, batch }
    })
  }

  /** How many records fit into a batch; one does, however large. */
  #fitting(database: Database, after: number, to: number): number {
    for (let count = MOST.read; count > 1; count = Math.floor(count / 2)) {
      const row = database.get(sql.MEASURE, this.#journal, after, to, count)
      if (Number(row?.['bytes']) <= MOST.bytes) return count
    }
    return 1
  }

  /** The rows themselves: a copy of each would take a tenth of the time of reading them. */
  #entriesOf(rows: readonly Row[], after: number): EngineEntry[] {
    let expected = after
    for (const { seq, text } of rows) {
      expected += 1
      if (seq !== expected) throw this.#damaged(expected, 'is missing')
      if (typeof text !== 'string')
        throw this.#damaged(expected, `has more than ${MOST.entryBytes} bytes`)
    }
    if (expected === after) throw this.#damaged(after + 1, 'is missing')
    return rows as readonly unknown[] as EngineEntry[]
  }

  #remember(entry: Pick<EngineEntry, 'seq' | 'id'> | undefined): void {
    if (!entry || entry.seq <= this.#last.seq) return
    this.#last = { seq: entry.seq, id: entry.id }
    this.#known.head = Math.max(this.#known.head, entry.seq)
  }

  /** What a row says of the journal. Throws if it is not the one that was known. */
  #learn(row: Row | undefined): { head: number; first: number } {
    const [head, first] = [Number(row?.['head']), Number(row?.['first'])]
    if (row?.['epoch'] !== this.#known.epoch) {
      throw this.#error('rewound', 'this journal was removed or replaced: open the store again')
    }
    if (head < this.#known.head) throw this.#lost(head, this.#known.head)
    const { seq, id } = this.#last
    if (seq > 0 && seq >= first && row['known'] !== id) {
      throw typeof row['known'] === 'string'
        ? this.#otherHistory(seq)
        : this.#damaged(seq, 'is missing')
    }
    this.#known.head = head
    return { head, first }
  }

  #damaged(seq: number, what: string): StoreError {
    return this.#error('corrupt', `record ${seq} ${what}: restore a backup of the database`, seq)
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

type Unsent = Pick<EngineEntry, 'id' | 'text'>

/** Resolves after so many milliseconds, or when the signal aborts. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined)
