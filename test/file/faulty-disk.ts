import type { FileSystem, OpenFile } from 'ministore-ts/file'
import { nodeFileSystem } from 'ministore-ts/file'

export interface Call {
  readonly operation: keyof FileSystem | keyof OpenFile
  readonly path: string
  /** Which opening of a file it went through, counted from 1; 0 for calls without one. */
  readonly descriptor: number
  /** How many bytes it is to read or write. */
  readonly bytes: number
}
/**
 * What becomes of a call: nothing special, an error instead of it, or only that many bytes written;
 * below 0, that many bytes less.
 */
export type Fault = (call: Call) => Error | number | undefined

/** A file system that counts and fails on command. */
export interface FaultyDisk {
  readonly fileSystem: FileSystem
  /** All calls so far, the failed ones too. */
  readonly calls: Call[]
  /** Asked before every call. */
  fault: Fault | undefined
  /** How many syncs are in the air. */
  readonly syncing: number
  count(operation: Call['operation'], path?: string): number
}

export function faultyDisk(real: FileSystem = nodeFileSystem()): FaultyDisk {
  const calls: Call[] = []
  let descriptors = 0
  let syncing = 0
  const disk: FaultyDisk & { fault: Fault | undefined } = {
    fault: undefined,
    calls,
    get syncing() {
      return syncing
    },
    count: (operation, path) =>
      calls.filter((call) => call.operation === operation && (!path || call.path === path)).length,
    fileSystem: {
      resolve: (path) => pass({ operation: 'resolve', path }, () => real.resolve(path)),
      list: (path) => pass({ operation: 'list', path }, () => real.list(path)),
      async open(path, flags) {
        ask({ operation: 'open', path })
        const file = await real.open(path, flags)
        descriptors += 1
        return watch(file, path, descriptors)
      },
      mkdir: (path) => pass({ operation: 'mkdir', path }, () => real.mkdir(path)),
      rename: (from, to) => pass({ operation: 'rename', path: to }, () => real.rename(from, to)),
      link: (from, to) => pass({ operation: 'link', path: to }, () => real.link(from, to)),
      unlink: (path) => pass({ operation: 'unlink', path }, () => real.unlink(path)),
      syncDir: (path) => pass({ operation: 'syncDir', path }, () => real.syncDir(path)),
      lock: (path) => pass({ operation: 'lock', path }, () => real.lock(path)),
    },
  }

  function ask(call: Pick<Call, 'operation' | 'path'> & Partial<Call>): number | undefined {
    const whole = { descriptor: 0, bytes: 0, ...call }
    calls.push(whole)
    const fate = disk.fault?.(whole)
    if (fate instanceof Error) throw fate
    return fate
  }

  function pass<T>(call: Parameters<typeof ask>[0], run: () => T): T {
    ask(call)
    return run()
  }

  function watch(file: OpenFile, path: string, descriptor: number): OpenFile {
    const at = { path, descriptor }
    const inTheAir = async (run: () => unknown) => {
      syncing += 1
      try {
        await run()
      } finally {
        syncing -= 1
      }
    }
    return {
      size: () => pass({ operation: 'size', ...at }, () => file.size()),
      async read(into, position) {
        ask({ operation: 'read', bytes: into.length, ...at })
        return file.read(into, position)
      },
      write(bytes, position) {
        const fate = ask({ operation: 'write', bytes: bytes.length, ...at })
        return file.write(fate === undefined ? bytes : bytes.subarray(0, fate), position)
      },
      truncate: (size) => pass({ operation: 'truncate', ...at }, () => file.truncate(size)),
      datasync: () => pass({ operation: 'datasync', ...at }, () => inTheAir(() => file.datasync())),
      sync: () => pass({ operation: 'sync', ...at }, () => inTheAir(() => file.sync())),
      sizeAt: (name) => pass({ operation: 'sizeAt', ...at }, () => file.sizeAt(name)),
      links: () => pass({ operation: 'links', ...at }, () => file.links()),
      copyAccess: (path) => pass({ operation: 'copyAccess', ...at }, () => file.copyAccess(path)),
      tryLock: () => pass({ operation: 'tryLock', ...at }, () => file.tryLock()),
      async close() {
        // As on Linux, a descriptor whose close fails is gone all the same.
        try {
          ask({ operation: 'close', ...at })
        } finally {
          await file.close()
        }
      },
    }
  }
  return disk
}
