// The default journal: one file, one writer, fsync before anything counts.
import { dirname } from 'node:path'
import type { FileOpenOptions } from '../../define/store-definition.ts'
import { StoreError, type StoreErrorCode } from '../../errors.ts'
import type { FileSystem, OpenFile } from '../../port/file-system.ts'
import type {
  AppendResult,
  Awaitable,
  Journal,
  JournalInfo,
  NewEntry,
  TornTail,
} from '../../port/journal.ts'
import type { ChainOption } from '../chain/features.ts'
import {
  type CompactableFile,
  FileSnapshots,
  findSnapshot,
  type Recovered,
  recover,
  type SnapshotCandidate,
} from './compaction/index.ts'
import { createFile, createInPlace } from './disk/create.ts'
import { toFilePath } from './disk/file-path.ts'
import { nodeFileSystem } from './disk/index.ts'
import { assertInPlace, assertNamesFit, takeLock } from './disk/place.ts'
import { Readers } from './disk/readers.ts'
import { cutTornTail, rewriteGroup } from './disk/tail.ts'
import { openIfThere, writeAll } from './disk/write.ts'
import { type FileHeader, NO_HEADER, readHeader } from './format/header.ts'
import { areSealed, encodeGroup, MAX_LINE_BYTES, textOf } from './format/line.ts'
import { type FilePosition, scan } from './format/scan.ts'
import { moved, SeekIndex } from './format/seek-index.ts'

export interface FileJournalOptions
  extends Pick<FileOpenOptions, 'sync' | 'durability' | 'lock' | 'readOnly'> {
  /** As for `open`. A string: what the chain begins with, for a copy of a journal that has one. */
  chain?: ChainOption
  /** The way to the disk; default: the real one. */
  fileSystem?: FileSystem | undefined
}

/**
 * A journal in a file at `path`, in the format of docs/JOURNAL.md. Nothing is touched before `open`.
 * Throws TypeError if `path` is not the path or the `file:` URL of a file.
 */
export const fileJournal = (path: string | URL, options: FileJournalOptions = {}): Journal =>
  new FileJournal(toFilePath(path), options)

class FileJournal implements Journal, CompactableFile {
  readonly name: string
  // Leaves room for seq, b, hash and crc on the line.
  readonly maxEntryBytes = MAX_LINE_BYTES - 256
  /** Where `name` led when it was opened. */
  path = ''
  readonly fs: FileSystem
  readonly snapshots: FileSnapshots = new FileSnapshots(this)
  syncDuration: number | undefined
  header: FileHeader = NO_HEADER
  kept: SnapshotCandidate | undefined
  end: FilePosition = NO_HEADER.begin
  marks = new SeekIndex(NO_HEADER.begin)
  readonly #options: FileJournalOptions
  readonly #readers = new Readers()
  #file: OpenFile | undefined
  #unlock: (() => Awaitable<void>) | undefined
  #failed: StoreError | undefined
  #last: Promise<unknown> = Promise.resolve()
  /** The hash of the last durable record; undefined without a hash chain. */
  #hash: string | undefined

  constructor(path: string, options: FileJournalOptions) {
    this.name = path
    this.#options = options
    this.fs = options.fileSystem ?? nodeFileSystem(options.sync)
  }

  /** A file system that was given exists in this thread only. */
  get location(): string | undefined {
    return this.#options.fileSystem ? undefined : this.path
  }

  async open(store: string): Promise<JournalInfo> {
    if (this.#file) throw this.#error('locked', 'is open already, through this very object')
    try {
      this.path = await this.fs.resolve(this.name)
      return await (this.#options.readOnly ? this.#openToRead(store) : this.#openToWrite(store))
    } catch (cause) {
      // What closing adds to it says less.
      await this.close().catch(() => undefined)
      if (cause instanceof StoreError) throw cause
      throw this.#error('io', `cannot be opened: ${cause}`, cause)
    }
  }

  async #openToRead(store: string): Promise<JournalInfo> {
    this.#file = await this.fs.open(this.path, 'r')
    const header = await this.#readHeader(this.#file, store)
    if (!header) return { epoch: '', head: 0, created: false }
    const { found } = await this.#recover(header).catch(async (error: unknown) => {
      if ((await this.file.sizeAt(this.path)) !== undefined) throw error
      throw this.#error('io', 'was compacted by its writer while it was read: open it again', error)
    })
    // What a live writer has not synced yet is made durable before it is shown.
    if (this.#options.durability !== 'os') await this.#file.datasync()
    if ((await this.#file.size()) >= this.end.offset) return this.#info(found)
    throw this.#error('io', 'was cut back by its writer while it was read: open it again')
  }

  async #openToWrite(store: string): Promise<JournalInfo> {
    // Looked at before a lock file is made: a foreign file's directory stays as it was.
    const probe = await openIfThere(this.fs, this.path, 'r')
    if (probe) await this.#readHeader(probe, store).finally(() => probe.close())
    await this.fs.mkdir(dirname(this.path))
    await assertNamesFit(this.fs, this.path)
    if (this.#options.lock !== false) this.#unlock = await takeLock(this.fs, this.path)
    this.#file = await openIfThere(this.fs, this.path, 'r+')
    if (this.#file) await this.#lockInPlace()
    const header = this.#file && (await this.#readHeader(this.#file, store))
    const found = await (header ? this.#repair(header) : this.#create(store))
    // After a kill the tail may live in the page cache only: it is shown once it cannot be lost.
    await this.file.sync()
    await this.fs.syncDir(dirname(this.path))
    return { ...this.#info(found), created: !header }
  }

  async #repair(header: FileHeader): Promise<TornTail | undefined> {
    const { found, group } = await this.#recover(header)
    if (found) await this.#confirm(header, found)
    const saveAs = `${this.path}.torn-${this.end.seq + 1}`
    const repaired = found && (await cutTornTail(this.fs, this.file, found, saveAs))
    if (found?.kind === 'lost_newline') this.end = { ...this.end, offset: found.offset + 1 }
    await rewriteGroup(this.file, group, this.end.offset, (bytes) => areSealed(bytes, header.seed))
    return repaired
  }

  /** Reads it again before anything is cut off: a disk may return a wrong sector once. */
  async #confirm(header: FileHeader, { kind, offset, bytes }: TornTail): Promise<void> {
    const { found } = await this.#recover(header)
    if (found?.kind === kind && found.offset === offset && found.bytes === bytes) return
    const what = 'returned other bytes when it was read again, so nothing was changed'
    throw this.#error('io', `${what}. Check the disk, then open it again`)
  }

  /** For an empty file, or a header that a crash cut off: then there never was a record. */
  async #create(store: string): Promise<TornTail | undefined> {
    const wanted = { store, chain: this.#options.chain }
    let found: TornTail | undefined
    if (this.#file) found = await createInPlace(this.fs, this.#file, this.path, wanted)
    else {
      if (this.#options.lock !== false && !this.#unlock) throw new Error(`${this.path} was removed`)
      this.#file = await createFile(this.fs, this.path, wanted)
      await this.#lockInPlace()
    }
    const header = await this.#readHeader(this.file, store)
    if (!header) throw this.#error('io', 'has no header although it was just written')
    await this.#recover(header)
    return found
  }

  #readHeader(file: OpenFile, store: string): Promise<FileHeader | undefined> {
    return readHeader(file, this.name, store, this.#options.chain)
  }

  async #lockInPlace(): Promise<void> {
    await this.lock(this.file)
    await assertInPlace(this.file, this.path)
  }

  /** A process that used another name, or came after the lock file was removed, locks a different file. */
  async lock(file: OpenFile): Promise<void> {
    if (this.#options.lock === false || (await file.tryLock())) return
    const what = 'is open elsewhere, under another name or with its lock file removed'
    throw this.#error('locked', `${what}: close that store first, or open with { readOnly: true }`)
  }

  #info(found: TornTail | undefined): JournalInfo {
    const { epoch, base } = this.header
    return {
      ...{ epoch, head: this.end.seq, created: false, ...(found && { found }) },
      ...(base && { base }),
      ...(this.kept && { snapshot: this.kept.info }),
    }
  }

  /** From here on `end` is where its records end. */
  async #recover(header: FileHeader): Promise<Recovered> {
    this.header = header
    this.kept = await findSnapshot(this.fs, this.path, header)
    const recovered = await recover(this.file, this.name, header, this.kept)
    this.marks = recovered.marks
    this.end = recovered.end
    this.#hash = recovered.hash
    return recovered
  }

  append(batch: readonly NewEntry[], expected: number): Promise<AppendResult> {
    return this.withAppendsPaused(() => this.#append(batch, expected))
  }

  async #append(batch: readonly NewEntry[], expected: number): Promise<AppendResult> {
    const { seq, offset, line } = this.end
    const file = this.file
    if (this.#options.readOnly) throw this.#error('read_only', 'was opened for reading')
    if (this.#failed) throw this.#failed
    if (expected !== seq) return { ok: false, head: seq }
    const { bytes, count, last } = encodeGroup(batch, seq + 1, this.header.seed, this.#hash)
    try {
      // A writer that no lock kept out was here: its records must not be written over.
      // The next opening of the path must find the records acknowledged here, and no other bytes.
      const size = await file.sizeAt(this.path)
      if (size === undefined) throw new Error('the file was removed or replaced')
      if (size !== offset) return { ok: false, head: seq }
      await writeAll(file, bytes, offset)
      const written = performance.now()
      if (this.#options.durability !== 'os') await file.datasync()
      this.syncDuration = performance.now() - written
    } catch (cause) {
      this.#failed = await this.#rollBack(file, cause)
      throw this.#failed
    }
    this.end = { seq: seq + count, offset: offset + bytes.length, line: line + count }
    this.marks.add(this.end)
    this.#hash = last
    return { ok: true, seq: seq + count }
  }

  /**
   * After a failed sync the kernel may have dropped the pages, so a retry would prove nothing: what
   * was written is cut off again, and nothing more goes through this descriptor.
   */
  async #rollBack(file: OpenFile, cause: unknown): Promise<StoreError> {
    try {
      await file.truncate(this.end.offset)
      await file.sync()
      return this.#error('io', `could not be written, and was rolled back: ${cause}`, cause)
    } catch (error) {
      const what = `failed half-way (${cause}) and could not be rolled back (${error})`
      return this.#error('unknown', `${what}: open it again to see what it holds`, cause)
    }
  }

  async *read(after: number, { to = Number.POSITIVE_INFINITY }: { to?: number | undefined } = {}) {
    const last = Math.min(to, this.end.seq)
    const { base, seed } = this.header
    if (base && after < base.seq) throw this.#compacted(base.seq)
    if (after >= last) return
    const { file } = this
    this.#readers.add(file)
    try {
      const from = this.marks.before(after + 1)
      for await (const lines of scan(file, { path: this.name, seed }, from, this.end.offset)) {
        const wanted = lines.filter(({ seq }) => seq > after && seq <= last)
        if (wanted.length > 0)
          yield wanted.map((each) => ({ seq: each.seq, text: textOf(each), line: each.line }))
        if (lines.some(({ seq }) => seq >= last)) return
      }
    } catch (cause) {
      // Closed under the reader, its descriptor may already be another file's.
      if (!this.#file) throw this.#error('closed', 'was closed while it was read', cause)
      if (cause instanceof StoreError) throw cause
      throw this.#error('io', `cannot be read: ${cause}`, cause)
    } finally {
      await this.#readers.remove(file)
    }
    throw this.#error('corrupt', `ends before record ${last}, which it had`)
  }

  withAppendsPaused<R>(run: () => Promise<R>): Promise<R> {
    const next = this.#last.then(run)
    this.#last = next.catch(() => undefined)
    return next
  }

  async assertWritable(): Promise<void> {
    if (this.#options.readOnly) throw this.#error('read_only', 'was opened for reading')
    if (this.#failed) throw this.#failed
    if ((await this.file.sizeAt(this.path)) === undefined)
      throw this.#error('io', 'was removed or replaced')
  }

  async makeDurable(): Promise<void> {
    // Otherwise this could take away the error that a sync under way is to meet.
    if (this.#options.durability === 'os') await this.file.datasync()
  }

  async switchToFile(file: OpenFile, header: FileHeader, from: FilePosition): Promise<void> {
    const old = this.file
    this.#file = file
    this.header = header
    this.marks = this.marks.moved(from, header.begin)
    this.end = moved(this.end, from, header.begin)
    await this.#readers.close(old)
  }

  fail(cause: unknown): void {
    this.#failed = this.#error(
      'io',
      `no longer accepts writes. Close the store and open it again (${cause})`,
      cause,
    )
  }

  async close(): Promise<void> {
    await this.snapshots.settled()
    const [file, unlock] = [this.#file, this.#unlock]
    this.#file = undefined
    this.#unlock = undefined
    try {
      await file?.close()
    } finally {
      await unlock?.()
    }
  }

  get file(): OpenFile {
    if (this.#file) return this.#file
    throw this.#error('closed', 'is closed: open it again')
  }

  #compacted(seq: number): StoreError {
    const archive = `${this.path}.${seq}.archive, where it was kept`
    const what = `was compacted: its records begin after ${seq}; earlier ones are in ${archive}`
    return this.#error('compacted', what)
  }

  #error(code: StoreErrorCode, what: string, cause?: unknown): StoreError {
    return new StoreError(code, `${this.name} ${what}`, { path: this.name, cause })
  }
}
