// Creating a journal without records: as a new file, or in a file that exists.
import { randomUUID } from 'node:crypto'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { TornTail } from '../../../port/journal.ts'
import { encodeHeader } from '../format/line.ts'
import { cutTornTail, emptyOut } from './tail.ts'
import { discard, save, writeAll } from './write.ts'

/**
 * Creates a journal without records where no file is, under a free name first, so that no crash leaves
 * half a header. Returns it open; its name is not durable yet.
 */
export async function createFile(fs: FileSystem, path: string, store: string): Promise<OpenFile> {
  const temporary = await save(fs, `${path}.new`, newHeader(store))
  try {
    await fs.rename(temporary, path)
  } catch (error) {
    await discard(fs, temporary)
    throw error
  }
  return fs.open(path, 'r+')
}

/**
 * Makes a journal of a file that holds nothing, or a torn header, which is kept beside it. The file
 * stays the one that it is: it may be mounted by itself, and its mode, owner and group are somebody's
 * choice. The first byte is made durable before the rest: only so can no crash leave what might also
 * be a damaged journal.
 */
export async function createInPlace(
  fs: FileSystem,
  file: OpenFile,
  path: string,
  store: string,
): Promise<TornTail | undefined> {
  const bytes = await file.size()
  const torn = { kind: 'torn_header', offset: 0, bytes } as const
  const found = bytes > 0 ? await cutTornTail(fs, file, torn, `${path}.torn-0`) : undefined
  const header = newHeader(store)
  try {
    await writeAll(file, header.subarray(0, 1), 0)
    await file.sync()
    await writeAll(file, header, 0)
    await file.sync()
  } catch (error) {
    // As far as possible: the next opening takes a part of a header for nothing, too.
    await emptyOut(file).catch(() => undefined)
    throw error
  }
  return found
}

function newHeader(store: string): Buffer {
  const created = new Date().toISOString()
  const header = { format: 'ministore', version: 1, journal: randomUUID(), store, created } as const
  return Buffer.from(encodeHeader(header))
}
