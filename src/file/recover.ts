// Opening: what the scan found is put right on disk, before any of it is shown.
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { encodeHeader } from '../format/line.ts'
import type { FileSystem, Found, OpenFile } from '../types.ts'

/** All of it, or a thrown error: a short write is a failure whose reason the system swallowed. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  const written = await file.write(bytes, position)
  if (written === bytes.length) return
  throw new Error(`short write, ${written} of ${bytes.length} bytes at byte ${position}`)
}

/**
 * Creates a journal without records, under a free name first, so that no crash leaves half a
 * header. Durable when it resolves.
 */
export async function createFile(fs: FileSystem, path: string, store: string): Promise<void> {
  const created = new Date().toISOString()
  const header = { format: 'ministore', version: 1, journal: randomUUID(), store, created } as const
  const temporary = await save(fs, `${path}.new`, Buffer.from(encodeHeader(header)))
  try {
    await fs.rename(temporary, path)
  } catch (error) {
    await discard(fs, temporary)
    throw error
  }
  await fs.syncDir(dirname(path))
}

/** Ends the file behind its last whole record; what is cut off is kept in `saveAs`. */
export async function mend(
  fs: FileSystem,
  file: OpenFile,
  { kind, offset, bytes }: Found,
  saveAs: string,
): Promise<Found> {
  if (kind === 'lost_newline') {
    await writeAll(file, Buffer.from('\n'), offset)
    await file.truncate(offset + 1)
    return { kind, offset, bytes }
  }
  const savedTo = await save(fs, saveAs, await readAll(file, offset, bytes))
  await file.truncate(offset)
  return { kind, offset, bytes, savedTo }
}

/**
 * Writes the bytes from `begin` to `end` again, as they are. After a failed sync the kernel takes
 * pages for clean that never reached the disk; where a kill came before the rollback, syncing them
 * once more would prove nothing.
 */
export async function rewrite(file: OpenFile, begin: number, end: number): Promise<void> {
  await writeAll(file, await readAll(file, begin, end - begin), begin)
}

async function readAll(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const read = await file.read(bytes, position)
  if (read === length) return bytes
  throw new Error(`short read, ${read} of ${length} bytes at byte ${position}`)
}

/** Into a new file, never over one that is there: that may be somebody's own. Durable when it resolves. */
async function save(fs: FileSystem, path: string, bytes: Uint8Array, copy = 1): Promise<string> {
  const free = copy === 1 ? path : `${path}.${copy}`
  try {
    await writeFile(fs, free, bytes)
    await fs.syncDir(dirname(free))
    return free
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    return save(fs, path, bytes, copy + 1)
  }
}

async function writeFile(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'wx')
  try {
    await writeAll(file, bytes, 0)
    await file.sync()
  } catch (error) {
    await discard(fs, path)
    throw error
  } finally {
    await file.close()
  }
}

/** As far as possible: what went wrong before says more than what goes wrong here. */
async function discard(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch {}
}
