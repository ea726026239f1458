// Keeps the snapshots of one journal file, and compacts it. Everything new is written beside what is
// there, synced, and only then takes its name: a crash at any step leaves the one or the other.
import { dirname } from 'node:path'
import { StoreError } from '../../../errors.ts'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { Awaitable } from '../../../port/journal.ts'
import type {
  CompactOptions,
  CompactReceipt,
  Snapshot,
  SnapshotReceipt,
  Snapshots,
} from '../../../port/snapshots.ts'
import { featuresOf } from '../../chain/features.ts'
import { createBeside, discard, exists, writeAll } from '../disk/write.ts'
import type { FileHeader } from '../format/header.ts'
import { type Base, encodeHeader, lineHash, WIDEST } from '../format/line.ts'
import { type FilePosition, scan } from '../format/scan.ts'
import type { SeekIndex } from '../format/seek-index.ts'
import { assertOneName, keepArchive, replaceFile } from './archive.ts'
import { type Body, readBody, writeBody } from './body.ts'
import { copyRecords } from './copy.ts'
import { encodeSnapshotHeader, NO_DIGEST, type SnapshotHeader } from './header.ts'
import { type SnapshotCandidate, snapshotPath } from './opening.ts'

/** What the keeper needs of its journal, which is open. */
export interface CompactableFile {
  readonly name: string
  readonly path: string
  readonly fs: FileSystem
  readonly file: OpenFile
  readonly header: FileHeader
  /** The snapshot that opening found. */
  readonly kept: SnapshotCandidate | undefined
  /** Where the durable records end. */
  readonly end: FilePosition
  /** From where its records may be read. */
  readonly marks: SeekIndex
  /** Throws StoreError if nothing may be written any more. */
  assertWritable(): Promise<void>
  /** What was appended without a sync, if it was opened like that: a snapshot is of durable records. */
  makeDurable(): Promise<void>
  /** Runs it while nothing is appended. */
  withAppendsPaused<R>(run: () => Promise<R>): Promise<R>
  /** Takes the file's lock, as far as this journal takes locks. */
  lock(file: OpenFile): Promise<void>
  /** Goes on in this file, in which the records after `from` follow its header's base. */
  switchToFile(file: OpenFile, header: FileHeader, from: FilePosition): Promise<void>
  /** Lets nothing be appended any more. */
  fail(cause: unknown): void
}

export class FileSnapshots implements Snapshots {
  readonly #site: CompactableFile
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(site: CompactableFile) {
    this.#site = site
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#last
  }

  async readBase(): Promise<Snapshot | undefined> {
    const { file, name, header } = this.#site
    const { base, seed, length } = header
    if (!base) return undefined
    try {
      return await readBody(file, { path: name, seed, offset: length, line: 2 }, base)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      throw new StoreError('io', `${name} cannot be read: ${cause}`, { path: name, cause })
    }
  }

  async read(): Promise<Snapshot | undefined> {
    const { fs, path, header, kept } = this.#site
    if (!kept?.header || 'used' in kept.info) return undefined
    const at = snapshotPath(path)
    const file = await fs.open(at, 'r')
    try {
      const { length, bytes } = kept.header
      const size = await file.size()
      if (size !== length + bytes)
        throw new StoreError('corrupt', `${at} has ${size} bytes instead of ${length + bytes}`)
      const place = { path: at, seed: header.seed, offset: length, line: 2 }
      return await readBody(file, place, kept.header)
    } finally {
      await file.close()
    }
  }

  save(snapshot: Snapshot, definition: Awaitable<string>): Promise<SnapshotReceipt> {
    return this.#next('no snapshot was written', async () => this.#save(snapshot, await definition))
  }

  compact(snapshot: Snapshot, options: CompactOptions): Promise<CompactReceipt> {
    return this.#next('it was not compacted', () => this.#compact(snapshot, options))
  }

  /** Where record `seq` begins and ends, and its hash if it has one; both are where the records begin, if there is no such record. */
  async #find(seq: number): Promise<{
    readonly begin: FilePosition
    readonly end: FilePosition
    readonly hash?: string | undefined
  }> {
    const { file, name: path, header, marks, end } = this.#site
    const { begin, seed } = header
    if (seq === begin.seq) return { begin, end: begin }
    for await (const lines of scan(file, { path, seed }, marks.before(seq), end.offset)) {
      const found = lines.find((line) => line.seq === seq)
      if (!found) continue
      const { offset, bytes, line } = found
      const after = { seq, offset: offset + bytes.length + 1, line }
      return { begin: { seq: seq - 1, offset, line: line - 1 }, end: after, hash: lineHash(bytes) }
    }
    throw new StoreError('corrupt', `${path} does not have record ${seq}, which it had`, { path })
  }

  /** Waits for the one before. What is not a StoreError becomes `io`. */
  #next<R>(failure: string, run: () => Promise<R>): Promise<R> {
    const told = async () => {
      try {
        return await run()
      } catch (cause) {
        if (cause instanceof StoreError) throw cause
        const { name: path } = this.#site
        const what = `${path}: ${failure}, and the store goes on: ${cause}`
        throw new StoreError('io', what, { path, cause })
      }
    }
    const next = this.#last.then(told)
    this.#last = next.catch(() => undefined)
    return next
  }

  async #save(snapshot: Snapshot, definition: string): Promise<SnapshotReceipt> {
    const { fs, path, header } = this.#site
    const { seq, at } = snapshot
    await this.#site.assertWritable()
    const { offset, line } = (await this.#find(seq)).begin
    const { seed, epoch, store, begin } = header
    const described: Omit<SnapshotHeader, keyof Body> = {
      ...({ format: 'ministore-snapshot', version: 1, journal: epoch } as const),
      ...{ store, definition, base: begin.seq, seq, at, record: { offset, line: line + 1 } },
    }
    const final = snapshotPath(path)
    const bytes = await this.#write(`${final}.new`, async (file) => {
      await this.#copySnapshotAccess(file, final)
      const room = encodeSnapshotHeader({ ...described, digest: NO_DIGEST, ...WIDEST }, seed)
      const body = await writeBody(file, room.length, snapshot, seed)
      const first: SnapshotHeader = { ...described, ...body }
      await writeAll(file, encodeSnapshotHeader(first, seed), 0)
      await file.sync()
      await this.#site.makeDurable()
      await fs.rename(`${final}.new`, final)
      return room.length + body.bytes
    })
    await fs.syncDir(dirname(path))
    return { seq, bytes, path: final }
  }

  /**
   * As the snapshot has that it replaces, or else the journal. It can be made again at any time, so where
   * this process may not set that, it is its own.
   */
  async #copySnapshotAccess(file: OpenFile, final: string): Promise<void> {
    const { fs, path } = this.#site
    try {
      await file.copyAccess((await exists(fs, final)) ? final : path)
    } catch {}
  }

  /** Under a name of this journal's own, so that what a crash left of it is written over. */
  async #write<R>(path: string, run: (file: OpenFile) => Promise<R>): Promise<R> {
    const { fs } = this.#site
    const file = await createBeside(fs, path)
    try {
      return await run(file)
    } catch (error) {
      await discard(fs, path)
      throw error
    } finally {
      await file.close()
    }
  }

  async #compact(snapshot: Snapshot, { archive = true }: CompactOptions): Promise<CompactReceipt> {
    const { path, fs, header } = this.#site
    const { seq } = snapshot
    await this.#site.assertWritable()
    const before = this.#site.end.offset
    if (seq === header.begin.seq) return { seq, before, bytes: before }
    const { end: from, hash } = await this.#find(seq)
    await assertOneName(this.#site)
    const temporary = `${path}.compact.new`
    const file = await createBeside(fs, temporary)
    let isMoved = false
    try {
      // Refused before anything happens, where this process may not do it.
      await file.copyAccess(path)
      const next = await writeStart(file, header, snapshot, hash)
      const copied = await copyRecords(this.#site, file, { from, to: next.begin })
      // So that what others wait for below is short.
      await file.sync()
      return await this.#site.withAppendsPaused(async () => {
        await this.#site.assertWritable()
        const { file: journal, end } = this.#site
        if ((await journal.sizeAt(path)) !== end.offset)
          throw new Error('another writer appended to it')
        await copyRecords(this.#site, file, { from, to: next.begin }, copied)
        await file.sync()
        await this.#site.lock(file)
        const kept = archive ? await keepArchive(this.#site, seq) : undefined
        try {
          await replaceFile(fs, temporary, path)
        } catch (error) {
          if (kept !== undefined) await discard(fs, kept)
          throw error
        }
        isMoved = true
        await this.#site.switchToFile(file, next, from)
        await this.#settleNames()
        const { offset: bytes } = this.#site.end
        return { seq, before, bytes, ...(kept !== undefined && { archive: kept }) }
      })
    } catch (error) {
      if (!isMoved) {
        await discard(fs, temporary)
        await file.close()
      }
      throw error
    }
  }

  /** A record appended to a file whose new name is not durable could be lost with it. */
  async #settleNames(): Promise<void> {
    const { fs, path, name } = this.#site
    try {
      // Its name too, where a directory cannot be synced.
      await this.#site.file.sync()
      await fs.syncDir(dirname(path))
    } catch (cause) {
      this.#site.fail(cause)
      const what = `${name} was compacted, which may not outlive a power cut: ${cause}`
      const next = 'No record is lost either way; open it again to go on'
      throw new StoreError('unknown', `${what}. ${next}`, { path: name, cause })
    }
    // Taken before the journal was compacted, it is of no use any more.
    await discard(fs, snapshotPath(path))
  }
}

/** The header of the compacted journal and the state below it. */
async function writeStart(
  file: OpenFile,
  { epoch, seed, store, created, chain }: FileHeader,
  snapshot: Snapshot,
  hash: string | undefined,
): Promise<FileHeader> {
  const described = { format: 'ministore', version: 1, journal: epoch, store, created } as const
  const encode = (base: Base) =>
    Buffer.from(encodeHeader({ ...described, ...featuresOf(chain), base }))
  const { seq, at } = snapshot
  const hashed = hash === undefined ? {} : { hash }
  const { length } = encode({ seq, at, digest: NO_DIGEST, ...hashed, ...WIDEST })
  const { lines, bytes, digest } = await writeBody(file, length, snapshot, seed)
  const base = { seq, at, digest, ...hashed, lines, bytes }
  await writeAll(file, encode(base), 0)
  const begin = { seq, offset: length + bytes, line: 1 + lines }
  return { epoch, seed, store, created, chain, length, base, begin }
}
