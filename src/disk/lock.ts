// One writer: an operating-system lock, which the kernel releases however the process ends.
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { StoreError } from '../errors.ts'

const BEGIN = '{"pid":'

/**
 * Takes the lock file at `path`, creating it; it is never removed, since whoever still has it open
 * would then hold a lock on nothing. Throws StoreError `locked`, naming the holder.
 */
export async function lock(path: string): Promise<() => void> {
  const tryLock = await loadLocks(path)
  for (;;) {
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    let held = false
    try {
      if (!tryLock(fd))
        throw new StoreError('locked', `${path} is held by ${holder(path)}`, { path })
      // Removed by hand between open and lock: then this is a lock on a file that nobody will find.
      if (fs.fstatSync(fd).ino !== fs.statSync(path, { throwIfNoEntry: false })?.ino) continue
      sign(fd)
      held = true
      return () => fs.closeSync(fd)
    } finally {
      if (!held) fs.closeSync(fd)
    }
  }
}

/** Locks the open file itself, wherever it was found. */
export async function tryLockFile(fd: number, path: string): Promise<boolean> {
  return (await loadLocks(path))(fd)
}

/** Not over what is somebody's own, such as yarn's lock file beside a journal named "yarn". */
function sign(fd: number): void {
  const begin = Buffer.alloc(BEGIN.length)
  if (fs.readSync(fd, begin, 0, begin.length, 0) > 0 && begin.toString() !== BEGIN) return
  const me = { pid: process.pid, host: hostname(), since: new Date().toISOString() }
  // Written before it is cut, so that a full disk has room for it.
  fs.ftruncateSync(fd, fs.writeSync(fd, `${JSON.stringify(me)}\n`, 0))
}

/** For the message only: who holds the lock is the kernel's knowledge. */
function holder(path: string): string {
  try {
    const { pid, host, since } = JSON.parse(fs.readFileSync(path, 'utf8'))
    return `process ${pid} on ${host}, since ${since}: close that store first, or open with { readOnly: true }`
  } catch {
    return 'another process: close that store first, or open with { readOnly: true }'
  }
}

async function loadLocks(path: string): Promise<(fd: number) => boolean> {
  // The addon ends these processes when it is loaded.
  if ('Bun' in globalThis || 'Deno' in globalThis) {
    const what =
      'no file locks on this runtime: see that there is one writer and pass { lock: false }'
    throw new StoreError('locked', `${path}: ${what}`, { path })
  }
  // @ts-expect-error: it ships no types
  const { tryLock } = await import('fs-native-extensions')
  // One byte far behind the end: on Windows, nobody else can read or write what is locked.
  return (fd) => tryLock(fd, 2 ** 40, 1)
}
