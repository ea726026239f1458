// Writing that is over when it is over, on any file system.
import { dirname } from 'node:path'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import { isMissing, systemCode } from './system-error.ts'

/** All of it, or a thrown error: a short write is a failure whose reason the system swallowed. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  const written = await file.write(bytes, position)
  if (written === bytes.length) return
  throw new Error(`short write, ${written} of ${bytes.length} bytes at byte ${position}`)
}

/** Throws an Error if the file ends before. */
export async function readAll(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const read = await file.read(bytes, position)
  if (read === length) return bytes
  throw new Error(`short read, ${read} of ${length} bytes at byte ${position}`)
}

/** Into a new file, never over one that is there: that may be someone's own. Durable when it resolves. */
export async function save(
  fs: FileSystem,
  path: string,
  bytes: Uint8Array,
  copy = 1,
): Promise<string> {
  const free = copy === 1 ? path : `${path}.${copy}`
  try {
    await writeFile(fs, free, bytes)
    await fs.syncDir(dirname(free))
    return free
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
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
export async function discard(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.unlink(path)
  } catch {}
}

/** Undefined if there is no such file. */
export async function openIfThere(
  fs: FileSystem,
  path: string,
  flags: 'r' | 'r+',
): Promise<OpenFile | undefined> {
  try {
    return await fs.open(path, flags)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Also what this process may not read. */
export async function exists(fs: FileSystem, path: string): Promise<boolean> {
  try {
    const file = await fs.open(path, 'r')
    await file.close()
    return true
  } catch (error) {
    return !isMissing(error)
  }
}

/**
 * Creates a file to write and to read, under a name that is this journal's own: what a crash left
 * of it is removed.
 */
export async function createBeside(fs: FileSystem, path: string): Promise<OpenFile> {
  try {
    await fs.unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  const created = await fs.open(path, 'wx')
  try {
    await created.close()
    return await fs.open(path, 'r+')
  } catch (error) {
    await discard(fs, path)
    throw error
  }
}
