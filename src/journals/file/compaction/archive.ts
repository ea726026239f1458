// The archive: the journal as it was before it was compacted, under a name of its own.
import { basename, dirname, join } from 'node:path'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import { systemCode } from '../disk/system-error.ts'
import { createBeside, discard, exists } from '../disk/write.ts'
import type { FileHeader } from '../format/header.ts'
import type { FilePosition } from '../format/scan.ts'
import { copyJournal } from './copy.ts'

interface Archived {
  readonly name: string
  readonly path: string
  readonly fs: FileSystem
  readonly file: OpenFile
  readonly header: FileHeader
  readonly end: FilePosition
}

/** What systems say that have no hard links, such as exFAT and many of FUSE, or allow none here. */
const NO_LINKS = new Set<unknown>(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** What systems say of a file that is mounted by itself. */
const IS_MOUNTED = new Set<unknown>(['EBUSY', 'EXDEV'])

/** Keeps the journal as it is, durable before the journal becomes another. Returns the archive's path. */
export async function keepArchive(journal: Archived, seq: number, copy = 1): Promise<string> {
  const { fs, path } = journal
  const free = `${path}.${seq}.archive${copy === 1 ? '' : `.${copy}`}`
  try {
    await fs.link(path, free)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return keepArchive(journal, seq, copy + 1)
    if (!NO_LINKS.has(code)) throw explainMount(error, path)
    if (await exists(fs, free)) return keepArchive(journal, seq, copy + 1)
    await copyTo(journal, free)
  }
  try {
    await fs.syncDir(dirname(path))
  } catch (error) {
    await discard(fs, free)
    throw error
  }
  return free
}

/** Takes its name when it is whole, as everything here. */
async function copyTo(journal: Archived, archive: string): Promise<void> {
  const { fs, path } = journal
  const temporary = `${path}.archive.new`
  const copy = await createBeside(fs, temporary)
  try {
    await copy.copyAccess(path)
    await copyJournal(journal, copy)
    await copy.sync()
    await fs.rename(temporary, archive)
    await copy.sync()
  } catch (error) {
    await discard(fs, temporary)
    throw error
  } finally {
    await copy.close()
  }
}

/** Puts the new file in the place of the journal. */
export async function replaceFile(fs: FileSystem, from: string, path: string): Promise<void> {
  try {
    await fs.rename(from, path)
  } catch (error) {
    throw explainMount(error, path)
  }
}

function explainMount(error: unknown, path: string): unknown {
  if (!IS_MOUNTED.has(systemCode(error))) return error
  const what = `${path} is mounted by itself, so no other file can take its place`
  const next =
    'Mount its directory instead, such as -v ./data:/app/data in place of -v ./data/journal.jsonl:/app/data/journal.jsonl'
  return new Error(`${what}. ${next} (${(error as Error).message})`, { cause: error })
}

/**
 * Refuses a journal that has another name (hard link), which would stay the journal as it was, and
 * could be opened by a second writer. An archive that a crash left before the journal was compacted
 * is removed: it is the journal itself.
 */
export async function assertOneName({ fs, path, file }: Archived): Promise<void> {
  if ((await file.links()) <= 1) return
  const directory = dirname(path)
  for (const name of await fs.list(directory)) {
    const rest = name.startsWith(basename(path)) ? name.slice(basename(path).length) : ''
    if (!/^\.\d+\.archive(\.\d+)?$/.test(rest)) continue
    const other = join(directory, name)
    if ((await file.sizeAt(other)) !== undefined) await fs.unlink(other)
  }
  const names = await file.links()
  if (names <= 1) return
  const what = `${path} has ${names} names (hard links), and the others would stay what it was`
  const find = `find <directory> -samefile ${path}`
  throw new Error(`${what}. Remove them, or make them symbolic links; "${find}" shows them`)
}
