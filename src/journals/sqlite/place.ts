// The files of a database: which ones may be used, and whether the open ones are still those at the path.
import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StoreError, type StoreErrorCode } from '../../index.ts'

/** By the magic numbers of Linux (statfs(2)). WAL needs memory that all processes share, so one machine. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
])

/** Absent, or the file's identity. */
type Identity = string | undefined

export class Place {
  /** The absolute path that SQLite opens: no link is in its last place. */
  readonly path: string
  readonly #name: string
  #database: Identity
  #log: Identity

  /** Throws StoreError `config` if there cannot be a database that processes share. Changes nothing. */
  constructor(name: string, file: string, access: 'read' | 'write') {
    this.#name = name
    this.path = realPath(file)
    if (!statOf(dirname(this.path))?.isDirectory()) {
      const what = `the directory ${dirname(this.path)} does not exist`
      throw this.#error('config', `${what}: make it first, or check the path`)
    }
    const stats = statOf(this.path)
    if (stats?.isDirectory()) throw this.#error('config', 'is a directory: name a file in it')
    if (stats && !stats.isFile()) throw this.#error('config', 'is not a file')
    if (stats && stats.nlink > 1n) {
      const what = 'has a second name (a hard link), and SQLite would keep two logs for it'
      throw this.#error('config', `${what}: remove the other name`)
    }
    this.#refuseNetwork()
    this.#assertAllowed(stats !== undefined, access)
  }

  get exists(): boolean {
    return statOf(this.path) !== undefined
  }

  /** Creates an empty file that only this user can read. SQLite gives its rights to the files beside it. */
  create(): void {
    try {
      fs.closeSync(fs.openSync(this.path, 'wx', 0o600))
    } catch (error) {
      // Another process was first.
      if ((error as { code?: unknown }).code === 'EEXIST' && this.exists) return
      throw this.#error('config', `cannot be created: ${(error as Error).message}`)
    }
    this.#syncDirectory()
  }

  /**
   * For a new connection: the database has to be the one of the last. Its log may be another: the last process that closes the
   * database removes it. Throws `rewound`.
   */
  begin(): void {
    this.#log = undefined
    this.#assertSame(identityOf(this.path), undefined)
  }

  /** Throws `rewound` if a file of the database was removed or replaced: what is written to it is lost. */
  assertSame(): void {
    this.#assertSame(identityOf(this.path), identityOf(`${this.path}-wal`))
  }

  /**
   * Makes what a reader sees durable. After a crash of the last process, SQLite reads a log that no one has
   * synced. It takes any descriptor to sync a file, and the log has no lock that closing this one would drop.
   */
  syncLog(): void {
    let file: number
    try {
      file = fs.openSync(`${this.path}-wal`, 'r')
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return
      throw this.#error(
        'config',
        `the log of the database cannot be opened: ${(error as Error).message}`,
      )
    }
    try {
      fs.fsyncSync(file)
    } catch (error) {
      throw this.#error(
        'io',
        `the log of the database cannot be synced: ${(error as Error).message}`,
      )
    } finally {
      fs.closeSync(file)
    }
  }

  #assertSame(database: Identity, log: Identity): void {
    if (this.#database !== undefined && this.#database !== database) throw this.#moved(this.path)
    if (this.#log !== undefined && this.#log !== log) throw this.#moved(`${this.path}-wal`)
    this.#database = database
    this.#log = log
  }

  #refuseNetwork(): void {
    if (process.platform !== 'linux') return
    const { type } = fs.statfsSync(dirname(this.path))
    const network = NETWORK.get(type >>> 0)
    if (network === undefined) return
    const what = `is on ${network}, where processes of two machines would destroy the database`
    throw this.#error('config', `${what}: use a local disk, or PostgreSQL or NATS`)
  }

  #assertAllowed(exists: boolean, access: 'read' | 'write'): void {
    if (!exists) return
    const mode = access === 'read' ? fs.constants.R_OK : fs.constants.R_OK | fs.constants.W_OK
    try {
      fs.accessSync(this.path, mode)
    } catch (error) {
      const next =
        access === 'read'
          ? 'give this process the right to read it'
          : 'give this process the right to write it, or open with { readOnly: true }'
      throw this.#error('config', `${(error as Error).message}; ${next}`)
    }
  }

  #syncDirectory(): void {
    // Windows cannot open a directory, and journals its names by itself.
    if (process.platform === 'win32') return
    const directory = fs.openSync(dirname(this.path), 'r')
    try {
      fs.fsyncSync(directory)
    } finally {
      fs.closeSync(directory)
    }
  }

  #moved(path: string): StoreError {
    const what = `another process removed or replaced ${path}, so what is written is lost`
    return this.#error('rewound', `${what}: open the store again`)
  }

  #error(code: StoreErrorCode, what: string): StoreError {
    return new StoreError(code, `${this.#name}: ${what}`, { path: this.#name })
  }
}

/** Where SQLite would put the file: it follows links, also one in the last place. */
function realPath(file: string): string {
  const path = resolve(file)
  try {
    return fs.realpathSync(path)
  } catch {
    // There is no file yet, or no directory, which opening tells.
    return path
  }
}

const statOf = (path: string) => fs.statSync(path, { bigint: true, throwIfNoEntry: false })

function identityOf(path: string): Identity {
  const stats = statOf(path)
  return stats && `${stats.dev}:${stats.ino}`
}
