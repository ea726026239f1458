// Creating a journal without records: as a new file, or in a file that exists.
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { TornTail } from '../../../port/journal.ts'
import { type NewJournal, newHeader } from '../format/new-header.ts'
import { cutTornTail, emptyOut } from './tail.ts'
import { discard, save, writeAll } from './write.ts'

/**
 * Creates a journal without records where no file is, under a free name first, so that no crash leaves
 * half a header. Returns it open; its name is not durable yet.
 */
export async function createFile(
  fs: FileSystem,
  path: string,
  wanted: NewJournal,
): Promise<OpenFile> {
  const temporary = await save(fs, `${path}.new`, newHeader(wanted))
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
 * stays the one that it is: it may be mounted by itself, and its mode, owner and group are someone's
 * choice. The first byte is made durable before the rest: only so can no crash leave what might also
 * be a damaged journal.
 */
export async function createInPlace(
  fs: FileSystem,
  file: OpenFile,
  path: string,
  wanted: NewJournal,
): Promise<TornTail | undefined> {
  const bytes = await file.size()
  const torn = { kind: 'torn_header', offset: 0, bytes } as const
  const found = bytes > 0 ? await cutTornTail(fs, file, torn, `${path}.torn-0`) : undefined
  const header = newHeader(wanted)
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
