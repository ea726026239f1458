// Syncing a file that was opened for reading, which not every system allows.
import * as fs from 'node:fs'
import { systemCode, systemError } from './system-error.ts'

/** The handle was opened for reading: Windows wants one that may write. */
const WANTS_WRITER = new Set<unknown>(['EPERM', 'EACCES', 'EBADF'])
/** The file system has no sync at all, such as squashfs and erofs. */
const HAS_NO_SYNC = new Set<unknown>(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Makes durable what a writer may not have synced yet. `sync` is tried on `fd`, and on a handle that may
 * write if the system wants one. A file system that is mounted read-only and has no sync has no writer.
 */
export async function syncForReader(
  fd: number,
  path: string,
  sync: (fd: number) => unknown,
): Promise<void> {
  try {
    await sync(fd)
  } catch (error) {
    const code = systemCode(error)
    if (HAS_NO_SYNC.has(code) && isReadOnly(path)) return
    if (WANTS_WRITER.has(code) && (await syncAsWriter(fd, path, sync))) return
    const what = `${path} cannot be synced, which makes durable what a writer has just written`
    const next = `open with { readOnly: true, durability: 'os' } to read without it`
    throw Object.assign(systemError(String(code), `${what}: ${next}`), { cause: error })
  }
}

/** Whether it was done; a file on a file system that is mounted read-only needs none. */
async function syncAsWriter(
  fd: number,
  path: string,
  sync: (fd: number) => unknown,
): Promise<boolean> {
  let writer: number
  try {
    writer = fs.openSync(path, 'r+')
  } catch (error) {
    return systemCode(error) === 'EROFS'
  }
  try {
    if (fs.fstatSync(writer).ino !== fs.fstatSync(fd).ino) return false
    await sync(writer)
    return true
  } catch {
    return false
  } finally {
    fs.closeSync(writer)
  }
}

function isReadOnly(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK)
    return false
  } catch (error) {
    return systemCode(error) === 'EROFS'
  }
}
