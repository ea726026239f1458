// The file journal's only way to the disk, small enough to be simulated with all its faults.
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { FileSystem } from '../types.ts'
import { lock, tryLockFile } from './lock.ts'

const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const read = promisify(fs.read)
const write = promisify(fs.write)

/** From here on a copy takes longer than handing it to another thread. */
const LARGE_BYTES = 2 ** 17

/** The real one. `blocking`: also the syncs run on the main thread. */
export function nodeFileSystem(sync: 'async' | 'blocking' = 'async'): FileSystem {
  const blocking = sync === 'blocking'
  return {
    open(path, flags) {
      // Before it is opened: opening a pipe would wait for its other end.
      const there = fs.statSync(path, { throwIfNoEntry: false })
      if (there && !there.isFile()) {
        const what = there.isDirectory() ? 'is a directory' : 'is not a regular file'
        throw Object.assign(new Error(`${path} ${what}`), { code: 'EISDIR' })
      }
      // Numbers, not FileHandles: those are closed, with a warning, when they are collected.
      let fd = fs.openSync(path, flags, 0o600)
      const stat = fs.fstatSync(fd)
      return {
        size: () => fs.fstatSync(fd).size,
        async read(into, position) {
          if (blocking) return fs.readSync(fd, into, 0, into.length, position)
          return (await read(fd, into, 0, into.length, position)).bytesRead
        },
        async write(bytes, position) {
          if (!blocking && bytes.length >= LARGE_BYTES)
            return (await write(fd, bytes, 0, bytes.length, position)).bytesWritten
          return fs.writeSync(fd, bytes, 0, bytes.length, position)
        },
        truncate: (size) => fs.ftruncateSync(fd, size),
        datasync: () => (blocking ? fs.fdatasyncSync(fd) : fdatasync(fd)),
        sync: () => (blocking ? fs.fsyncSync(fd) : fsync(fd)),
        sizeAt(path) {
          const there = fs.statSync(path, { throwIfNoEntry: false })
          return there?.ino === stat.ino && there.dev === stat.dev ? there.size : undefined
        },
        tryLock: () => tryLockFile(fd),
        close() {
          // Its number is soon another file's: nothing that comes late may go there.
          const open = fd
          fd = -1
          if (open >= 0) fs.closeSync(open)
        },
      }
    },
    mkdir(path) {
      const first = fs.mkdirSync(path, { recursive: true })
      if (first === undefined) return
      for (let made = path; made.length >= first.length; made = dirname(made))
        syncDir(dirname(made))
    },
    rename: (from, to) => fs.renameSync(from, to),
    link: (from, to) => fs.linkSync(from, to),
    unlink: (path) => fs.unlinkSync(path),
    syncDir,
    lock,
  }
}

function syncDir(path: string): void {
  // Windows cannot open a directory, and journals its names by itself.
  if (process.platform === 'win32') return
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
