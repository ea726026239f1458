// One connection to a database file: its settings, its transactions, and what their failures mean.
import { StoreError, type StoreErrorCode } from '../../index.ts'
import {
  connect,
  type SqliteConnection,
  type SqliteDriver,
  type SqliteStatement,
  type SqliteValue,
} from './driver.ts'
import { failure, isBusy } from './failure.ts'
import type { Place } from './place.ts'
import { CREATE, DATA_VERSION, SCHEMA_VERSION, TABLES, VERSION } from './statements.ts'

export type Row = Readonly<Record<string, string | number | null | undefined>>

/** The lock of the database is taken. Nothing was done. */
export class Busy extends StoreError {}

/** Where the database is, and who opens it. */
export interface Site {
  /** For messages. */
  readonly name: string
  readonly place: Place
  readonly driver: SqliteDriver
  readonly access: 'read' | 'write'
}

/** Every call is synchronous: no other call of this process comes between its statements. */
export class Database {
  readonly #site: Site
  readonly #connection: SqliteConnection
  readonly #statements = new Map<string, SqliteStatement>()
  #isOpen = true

  /** The file has to exist; with access to write, the tables exist afterwards. Throws StoreError. */
  constructor(site: Site) {
    this.#site = site
    const { name, place, access, driver } = site
    place.begin()
    try {
      this.#connection = connect(driver, place.path, access)
    } catch (error) {
      throw failure(name, error, 'work')
    }
    try {
      this.#prepare()
      place.assertSame()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** False after a failure that leaves the connection in doubt. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Changes with each commit of another connection, also of another process. */
  get version(): number {
    return Number(this.get(DATA_VERSION)?.['data_version'])
  }

  get hasTables(): boolean {
    const { tables } = this.get(TABLES) ?? {}
    if (tables !== 3) return false
    this.assertVersion(this.get(VERSION)?.['version'])
    return true
  }

  get(sql: string, ...values: SqliteValue[]): Row | undefined {
    return this.#try(() => this.#statement(sql).get(...values) as Row | undefined)
  }

  all(sql: string, ...values: SqliteValue[]): Row[] {
    return this.#try(() => this.#statement(sql).all(...values) as Row[])
  }

  run(sql: string, ...values: SqliteValue[]): void {
    this.#try(() => this.#statement(sql).run(...values))
  }

  /** What `run` reads is of one moment, and durable. */
  read<R>(run: () => R): R {
    return this.#transaction('BEGIN', run)
  }

  /** Throws Busy if another connection writes. What `run` writes is durable when this returns. */
  write<R>(run: () => R): R {
    return this.#transaction('BEGIN IMMEDIATE', run)
  }

  /** Never fails. */
  close(): void {
    this.#isOpen = false
    // A driver may close the file only when the last statement is gone, and an open transaction would keep the lock until then.
    this.#rollBackOpen()
    try {
      this.#connection.close()
    } catch {
      // It was closed before, or its last checkpoint failed, which the next opening makes up for.
    }
  }

  assertVersion(version: unknown): void {
    if (version === SCHEMA_VERSION) return
    const what = `its tables have version ${version ?? 'none'}, not ${SCHEMA_VERSION}`
    throw this.#error('config', `${what}: update ministore`)
  }

  #prepare(): void {
    const { access, place } = this.#site
    this.#assertSafeSqlite()
    if (access === 'write') {
      this.#useLog()
      if (!this.hasTables) this.write(() => this.#exec(CREATE))
      if (!this.hasTables) throw this.#error('config', 'a table of ministore is missing')
    }
    // It makes SQLite recover a log, which then has to be durable before anyone sees what is in it.
    void this.get(TABLES)
    place.syncLog()
  }

  /**
   * In WAL mode, `FULL` syncs the log before each commit returns, and `EXTRA` does the same. In the other modes, in which
   * the file may still be, `EXTRA` syncs the directory as well. better-sqlite3 would choose NORMAL, which loses commits.
   */
  #useLog(): void {
    this.#exec('PRAGMA synchronous = EXTRA')
    const mode = this.get('PRAGMA journal_mode = WAL')?.['journal_mode']
    if (mode !== 'wal') {
      const what = `the database stays in journal mode ${mode}, and processes can only share it in WAL mode`
      throw this.#error('config', `${what}: use a local disk`)
    }
    const synchronous = this.get('PRAGMA synchronous')?.['synchronous']
    if (synchronous !== 3)
      throw this.#error('config', `synchronous is ${synchronous}, and records would be lost`)
  }

  /** Before these versions, a log that was begun again at a bad moment lost commits: sqlite.org/wal.html#walresetbug */
  #assertSafeSqlite(): void {
    const version = String(this.get('SELECT sqlite_version() AS version')?.['version'])
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
    const isFixed =
      major > 3 ||
      minor > 51 ||
      (minor === 51 && patch >= 3) ||
      (minor === 50 && patch >= 7) ||
      (minor === 44 && patch >= 6)
    if (isFixed) return
    const what = `SQLite ${version} can lose commits if two processes write (its WAL-reset bug)`
    throw this.#error('config', `${what}: use a driver with SQLite 3.51.3 or newer`)
  }

  #transaction<R>(begin: string, run: () => R): R {
    this.#exec(begin)
    let result: R
    try {
      result = run()
    } catch (error) {
      this.#rollBack()
      throw error
    }
    this.#try(() => this.#connection.exec('COMMIT'), 'commit')
    this.#site.place.assertSame()
    return result
  }

  #rollBack(): void {
    try {
      if (this.#isOpen) this.#connection.exec('ROLLBACK')
    } catch {
      this.close()
    }
  }

  #rollBackOpen(): void {
    try {
      this.#connection.exec('ROLLBACK')
    } catch {
      // No transaction is open, or the connection was closed before.
    }
  }

  #exec(sql: string): void {
    this.#try(() => this.#connection.exec(sql))
  }

  #statement(sql: string): SqliteStatement {
    const known = this.#statements.get(sql)
    if (known) return known
    const made = this.#connection.prepare(sql)
    this.#statements.set(sql, made)
    return made
  }

  #try<R>(run: () => R, stage: 'work' | 'commit' = 'work'): R {
    try {
      return run()
    } catch (error) {
      const { name } = this.#site
      const told = failure(name, error, stage)
      if (isBusy(error)) throw new Busy(told.code, told.message, { cause: error, path: name })
      // SQLite may have ended the transaction, or not: a new connection knows.
      this.close()
      throw told
    }
  }

  #error(code: StoreErrorCode, what: string): StoreError {
    const { name } = this.#site
    return new StoreError(code, `${name}: ${what}`, { path: name })
  }
}
