// The place of a journal: the names beside it, its lock file, and whether the open file is still there.

import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { Awaitable } from '../../../port/journal.ts'
import { isMissing, systemCode, systemError } from './system-error.ts'

/** The longest suffix that a journal's name ever gets; archives and torn writes have the largest numbers. */
const LONGEST_ENDING = `.${Number.MAX_SAFE_INTEGER}.archive.99`

/**
 * Refuses a name that would be too long later, when a crash or compacting needs a file beside the
 * journal. The file system says how long that is. Throws `ENAMETOOLONG`.
 */
export async function assertNamesFit(fs: FileSystem, path: string): Promise<void> {
  try {
    const file = await fs.open(`${path}${LONGEST_ENDING}`, 'r')
    await file.close()
  } catch (error) {
    if (isMissing(error)) return
    if (systemCode(error) !== 'ENAMETOOLONG') throw error
    const what = `files beside it, such as ${LONGEST_ENDING}, would have too long a name`
    const next = `use a name that is ${LONGEST_ENDING.length} bytes shorter than the longest`
    throw systemError('ENAMETOOLONG', `${what}: ${next}`)
  }
}

const IS_DENIED = new Set<unknown>(['EACCES', 'EPERM', 'EROFS'])

/**
 * Takes the lock file of the journal at `path`. A journal that exists is locked by itself as well: it
 * needs no lock file if this process may not make or open one, as beside a mounted file. Then returns
 * undefined.
 */
export async function takeLock(
  fs: FileSystem,
  path: string,
): Promise<(() => Awaitable<void>) | undefined> {
  try {
    return await fs.lock(`${path}.lock`)
  } catch (error) {
    const code = systemCode(error)
    if (IS_DENIED.has(code) && (await isLockable(fs, path))) return undefined
    if (code !== 'EROFS') throw error
    const what = `${path} is on a file system that is mounted read-only`
    throw systemError('EROFS', `${what}: open with { readOnly: true }`)
  }
}

/** Whether there is a journal of which a second lock is refused; false if this process may not write it. */
async function isLockable(fs: FileSystem, path: string): Promise<boolean> {
  const files: OpenFile[] = []
  const tryLock = async () => {
    const file = await fs.open(path, 'r+')
    files.push(file)
    return file.tryLock()
  }
  try {
    if (await hasClaims(fs, path)) return false
    return !((await tryLock()) && (await tryLock()))
  } catch {
    return false
  } finally {
    for (const file of files) await file.close()
  }
}

/** Of writers without the native addon: their locks of the journal and ours do not see each other. */
async function hasClaims(fs: FileSystem, path: string): Promise<boolean> {
  try {
    return (await fs.list(`${path}.lock.d`)).length > 0
  } catch (error) {
    return !isMissing(error)
  }
}

/** The open file must be the one that everyone finds at `path`: records in another one would be lost. */
export async function assertInPlace(file: OpenFile, path: string): Promise<void> {
  if ((await file.links()) === 0) {
    const what = `${path} was removed or replaced where it was mounted from`
    throw systemError('ENOENT', `${what}: mount it again, or better its directory`)
  }
  if ((await file.sizeAt(path)) === undefined)
    throw systemError('ENOENT', `another process replaced ${path} meanwhile: open it again`)
}
