// Syncs of an open file, also under Node's permission model.
import * as fs from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemError } from './system-error.ts'

const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)

export interface Syncs {
  datasync(fd: number): Promise<void> | void
  sync(fd: number): Promise<void> | void
  close(): Promise<void> | void
}

/** `--permission`: Node refuses to sync a descriptor then, and lets only a FileHandle do it. */
const isRestricted = (): boolean => (process as { permission?: unknown }).permission !== undefined

/**
 * The syncs of the file that `fd` has open. Under the permission model, a FileHandle of the same file is
 * opened beside it and kept, so that it learns of the same failures; it is never blocking.
 */
export async function syncsOf(
  fd: number,
  path: string,
  { flags, isBlocking = false }: { flags: 'r' | 'r+'; isBlocking?: boolean },
): Promise<Syncs> {
  if (isRestricted()) {
    const handle = await openSame(fd, path, flags)
    return {
      datasync: () => handle.datasync(),
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  }
  if (isBlocking) return { datasync: fs.fdatasyncSync, sync: fs.fsyncSync, close() {} }
  return { datasync: fdatasync, sync: fsync, close() {} }
}

async function openSame(fd: number, path: string, flags: 'r' | 'r+'): Promise<FileHandle> {
  const handle = await open(path, flags)
  const [one, other] = [fs.fstatSync(fd), await handle.stat()]
  if (one.ino === other.ino && one.dev === other.dev) return handle
  await handle.close()
  throw systemError('ENOENT', `${path} was replaced while it was opened`)
}
