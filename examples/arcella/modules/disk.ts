// The way to the module directory. Each is a step between which a crash may come; tests let it come.
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import type { Awaitable } from 'ministore-ts'
import { nodeFileSystem } from 'ministore-ts/file'

export interface ModuleDisk {
  /** With missing parents; nothing if it is there. */
  mkdir(path: string): Awaitable<void>
  /** A new file; its bytes are durable when it resolves. */
  write(path: string, bytes: Uint8Array): Awaitable<void>
  rename(from: string, to: string): Awaitable<void>
  /** Makes durable what was made, renamed or removed in it. */
  syncDir(path: string): Awaitable<void>
  /** A directory with all that is in it. Nothing if it is not there. */
  remove(path: string): Awaitable<void>
  /** The names of directories in it. */
  directories(path: string): Awaitable<readonly string[]>
}

export function nodeDisk(): ModuleDisk {
  return {
    mkdir: async (path) => void (await mkdir(path, { recursive: true, mode: 0o700 })),
    async write(path, bytes) {
      const file = await open(path, 'wx', 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
    },
    rename,
    syncDir: nodeFileSystem().syncDir,
    remove: (path) => rm(path, { recursive: true, force: true }),
    async directories(path) {
      const entries = await readdir(path, { withFileTypes: true })
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    },
  }
}
