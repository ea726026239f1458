// The message plane's way to the disk: the file journal's own, and a listing. Tests put faults in between.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Awaitable } from 'ministore-ts'
import type { FileSystem, OpenFile } from 'ministore-ts/file'
import { nodeFileSystem } from 'ministore-ts/file'

export interface Disk extends FileSystem {
  /** Names; throws `ENOENT` where there is no such directory. */
  list(directory: string): Awaitable<readonly string[]>
}

/** The real one. Directories are made with mode 0700, files with 0600. */
export function nodeDisk(): Disk {
  const files = nodeFileSystem()
  // Synced also where it is there: a kill may have come between making and syncing it.
  async function mkdir(path: string): Promise<void> {
    if (!existsSync(path)) {
      await mkdir(dirname(path))
      mkdirSync(path, { recursive: true, mode: 0o700 })
    }
    await files.syncDir(dirname(path))
  }
  return { ...files, mkdir, list: (directory) => readdirSync(directory) }
}

/** All of it, or a thrown error: a short write is a failure whose reason the system swallowed. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  const written = await file.write(bytes, position)
  if (written === bytes.length) return
  throw new Error(`short write, ${written} of ${bytes.length} bytes at byte ${position}`)
}

/** Throws an Error if the file ends before. */
export async function readAll(file: OpenFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  const read = await file.read(bytes, position)
  if (read === length) return bytes
  throw new Error(`short read, ${read} of ${length} bytes at byte ${position}`)
}

/** Opens it for as long as `use` takes. */
export async function withFile<R>(
  disk: Disk,
  path: string,
  flags: 'r' | 'r+' | 'wx',
  use: (file: OpenFile) => Awaitable<R>,
): Promise<R> {
  const file = await disk.open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'
