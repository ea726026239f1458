// The snapshot of a shared journal: a file of this process alone, of which the journal knows nothing.
import { dirname } from 'node:path'
import { StoreError } from '../../errors.ts'
import type { OpenFile } from '../../port/file-system.ts'
import type { Awaitable, JournalInfo } from '../../port/journal.ts'
import type { CompactReceipt, Snapshot, SnapshotReceipt, Snapshots } from '../../port/snapshots.ts'
import { readBody, writeBody } from '../file/compaction/body.ts'
import {
  encodeSnapshotHeader,
  NO_DIGEST,
  readSnapshotHeader,
  type SnapshotHeader,
} from '../file/compaction/header.ts'
import { nodeFileSystem } from '../file/disk/index.ts'
import { isMissing } from '../file/disk/system-error.ts'
import { discard, writeAll } from '../file/disk/write.ts'
import { seedOf, WIDEST } from '../file/format/line.ts'

/** What its journal says about itself when it is opened. */
interface Owner {
  readonly name: string
  readonly epoch: string
  readonly store: string
  readonly head: number
  readonly first: number
}

export class LocalSnapshots implements Snapshots {
  readonly #given: string
  /** Where it led when the journal was opened. */
  #path: string
  readonly #fs = nodeFileSystem()
  #owner: Owner | undefined
  #header: (SnapshotHeader & { readonly length: number }) | undefined
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#given = path
    this.#path = path
  }

  /** Before anything else. Throws StoreError `rewound` if it proves that the journal lost records. */
  async find(owner: Owner): Promise<JournalInfo['snapshot']> {
    this.#owner = owner
    this.#header = undefined
    const unused = (reason: string) => ({ used: false, reason }) as const
    const { epoch, head, first, name } = owner
    let file: OpenFile | undefined
    try {
      this.#path = await this.#fs.resolve(this.#given)
      file = await this.#fs.open(this.#path, 'r')
      const header = await readSnapshotHeader(file, { epoch, seed: seedOf(epoch) })
      if (typeof header === 'string') return unused(header)
      const { seq, definition } = header
      if (seq < first - 1) return unused(`the records from seq ${seq + 1} on were truncated since`)
      if (seq > head) throw lost(name, head, seq, this.#path)
      this.#header = header
      return { seq, definition }
    } catch (error) {
      if (error instanceof StoreError) throw error
      return isMissing(error) ? undefined : unused(`it cannot be read: ${error}`)
    } finally {
      await file?.close()
    }
  }

  async readBase(): Promise<undefined> {
    return undefined
  }

  async read(): Promise<Snapshot | undefined> {
    const header = this.#header
    if (!header) return undefined
    const file = await this.#fs.open(this.#path, 'r')
    try {
      const { length: offset, bytes } = header
      const size = await file.size()
      const whole = offset + bytes
      if (size !== whole)
        throw new StoreError('corrupt', `${this.#path} has ${size} bytes instead of ${whole}`)
      const place = { path: this.#path, seed: seedOf(header.journal), offset, line: 2 }
      return await readBody(file, place, header)
    } finally {
      await file.close()
    }
  }

  save(snapshot: Snapshot, definition: Awaitable<string>): Promise<SnapshotReceipt> {
    const saved = this.#last.then(async () => this.#save(snapshot, await definition))
    this.#last = saved.catch(() => undefined)
    return saved
  }

  compact(): Promise<CompactReceipt> {
    const what =
      'is shared, so compact() is not possible. Remove records for all processes with truncate(upTo)'
    return Promise.reject(new TypeError(`${this.#owner?.name} ${what}`))
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#last
  }

  async #save(snapshot: Snapshot, definition: string): Promise<SnapshotReceipt> {
    const { seq } = snapshot
    const temporary = `${this.#path}.new`
    try {
      await this.#fs.mkdir(dirname(this.#path))
      await discard(this.#fs, temporary)
      const file = await this.#fs.open(temporary, 'wx')
      // Who could read the one before, can read this one, as far as this process may allow it.
      await Promise.resolve(file.copyAccess(this.#path)).catch(() => undefined)
      const bytes = await this.#write(file, snapshot, definition).finally(() => file.close())
      await this.#fs.rename(temporary, this.#path)
      await this.#fs.syncDir(dirname(this.#path))
      return { seq, bytes, path: this.#path }
    } catch (cause) {
      await discard(this.#fs, temporary)
      if (cause instanceof StoreError) throw cause
      const what = `${this.#path}: no snapshot was written, and the store goes on: ${cause}`
      throw new StoreError('io', what, { path: this.#path, cause })
    }
  }

  async #write(file: OpenFile, snapshot: Snapshot, definition: string): Promise<number> {
    const { epoch = '', store = '' } = this.#owner ?? {}
    const seed = seedOf(epoch)
    const described = {
      ...({ format: 'ministore-snapshot', version: 1, journal: epoch } as const),
      // Its records have no place in a file.
      ...{
        store,
        definition,
        base: 0,
        seq: snapshot.seq,
        at: snapshot.at,
        record: { offset: 0, line: 0 },
      },
    }
    const room = encodeSnapshotHeader({ ...described, digest: NO_DIGEST, ...WIDEST }, seed)
    const body = await writeBody(file, room.length, snapshot, seed)
    await writeAll(file, encodeSnapshotHeader({ ...described, ...body }, seed), 0)
    await file.sync()
    return room.length + body.bytes
  }
}

function lost(name: string, head: number, seq: number, path: string): StoreError {
  const what = `${name} ends at seq ${head}, where ${path} proves that it had ${seq}: it lost records that were durable`
  const next = `Restore the lost records. If an older journal was restored on purpose, delete ${path}`
  return new StoreError('rewound', `${what}. ${next}`, { seq: head, path: name })
}
