// Opening: what the scan found is put right on disk, before any of it is shown.
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { TornTail } from '../../../port/journal.ts'
import { readAll, save, writeAll } from './write.ts'

/** Ends the file after its last whole record, and keeps what is cut off in `saveAs`. */
export async function cutTornTail(
  fs: FileSystem,
  file: OpenFile,
  { kind, offset, bytes }: TornTail,
  saveAs: string,
): Promise<TornTail> {
  if (kind === 'lost_newline') {
    await writeAll(file, Buffer.from('\n'), offset)
    await file.truncate(offset + 1)
    return { kind, offset, bytes }
  }
  const savedTo = await save(fs, saveAs, await readAll(file, offset, bytes))
  await (offset === 0 ? emptyOut(file) : file.truncate(offset))
  return { kind, offset, bytes, savedTo }
}

/**
 * Removes a torn header. Its first byte is kept until the rest is durably gone: a power cut may take the
 * truncation's NULs and not its size, and a file of NULs is refused, because it could be a damaged journal.
 */
export async function emptyOut(file: OpenFile): Promise<void> {
  if ((await file.size()) > 1) {
    await file.truncate(1)
    await file.sync()
  }
  await file.truncate(0)
}

/**
 * Writes the bytes from `begin` to `end` again, as they are. After a failed sync the kernel takes
 * pages for clean that never reached the disk; where a kill came before the rollback, syncing them
 * once more would prove nothing. Throws an Error if the bytes are not whole when they are read: a disk
 * that gives back a wrong sector once must not make it permanent.
 */
export async function rewriteGroup(
  file: OpenFile,
  begin: number,
  end: number,
  isWhole: (bytes: Buffer) => boolean,
): Promise<void> {
  const bytes = await readAll(file, begin, end - begin)
  if (!isWhole(bytes)) throw new Error('the disk returned other bytes than a moment before')
  await writeAll(file, bytes, begin)
}
