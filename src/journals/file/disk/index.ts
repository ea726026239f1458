// The file journal's only way to the disk, small enough to be simulated with all its faults.
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import { copyAccess } from './access.ts'
import { makeDirectory, syncDirectory } from './directories.ts'
import { followLinks } from './follow-links.ts'
import { lock, tryLockFile } from './lock.ts'
import { syncsOf } from './sync.ts'
import { syncForReader } from './sync-reader.ts'
import { systemError } from './system-error.ts'

const read = promisify(fs.read)
const write = promisify(fs.write)

/** From here on a copy takes longer than handing it to another thread. */
const LARGE_BYTES = 2 ** 17

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_EXCL } = fs.constants
// Without it, reading some files of /proc never ends. Windows has no such flag.
const O_NONBLOCK = fs.constants.O_NONBLOCK ?? 0
const FLAGS = {
  r: O_RDONLY | O_NONBLOCK,
  'r+': O_RDWR | O_NONBLOCK,
  wx: O_WRONLY | O_CREAT | O_EXCL,
}

/** The real one. `blocking`: also the syncs run on the main thread. */
export function nodeFileSystem(sync: 'async' | 'blocking' = 'async'): FileSystem {
  const isBlocking = sync === 'blocking'
  return {
    resolve: followLinks,
    open: (path, flags) => openFile(path, flags, isBlocking),
    mkdir: makeDirectory,
    rename: (from, to) => fs.renameSync(from, to),
    link: (from, to) => fs.linkSync(from, to),
    unlink: (path) => fs.unlinkSync(path),
    list: (path) => fs.readdirSync(path),
    syncDir: syncDirectory,
    lock,
  }
}

async function openFile(
  path: string,
  flags: 'r' | 'r+' | 'wx',
  isBlocking: boolean,
): Promise<OpenFile> {
  // Before it is opened: opening a pipe would wait for its other end.
  const there = fs.statSync(path, { throwIfNoEntry: false })
  if (there && !there.isFile()) {
    const what = there.isDirectory() ? 'is a directory' : 'is not a regular file'
    throw systemError('EISDIR', `${path} ${what}`)
  }
  // Numbers, not FileHandles: those are closed, with a warning, when they are collected.
  let fd = fs.openSync(path, FLAGS[flags], 0o600)
  const stat = fs.fstatSync(fd)
  const syncs = await syncsOf(fd, path, {
    flags: flags === 'r' ? 'r' : 'r+',
    isBlocking,
  }).catch((error: unknown) => {
    fs.closeSync(fd)
    throw error
  })
  return {
    size: () => fs.fstatSync(fd).size,
    async read(into, position) {
      if (isBlocking) return fs.readSync(fd, into, 0, into.length, position)
      return (await read(fd, into, 0, into.length, position)).bytesRead
    },
    async write(bytes, position) {
      if (!isBlocking && bytes.length >= LARGE_BYTES)
        return (await write(fd, bytes, 0, bytes.length, position)).bytesWritten
      return fs.writeSync(fd, bytes, 0, bytes.length, position)
    },
    truncate: (size) => fs.ftruncateSync(fd, size),
    datasync: () => (flags === 'r' ? syncForReader(fd, path, syncs.datasync) : syncs.datasync(fd)),
    sync: () => syncs.sync(fd),
    sizeAt(path) {
      const there = fs.statSync(path, { throwIfNoEntry: false })
      return there?.ino === stat.ino && there.dev === stat.dev ? there.size : undefined
    },
    links: () => fs.fstatSync(fd).nlink,
    copyAccess: (path) => copyAccess(fd, path),
    tryLock: () => tryLockFile(fd),
    async close() {
      // Its number is soon another file's: nothing that comes late may go there.
      const open = fd
      fd = -1
      if (open < 0) return
      fs.closeSync(open)
      await syncs.close()
    },
  }
}
