// Directories: made one by one, and synced.
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { syncsOf } from './sync.ts'
import { systemCode, systemError } from './system-error.ts'

/**
 * Makes `path` with its missing parents, and syncs what it made. One by one, since Node's own
 * recursion never ends below a link that leads nowhere, in /proc, and in a directory that was removed.
 * Makes nothing if a link leads: its volume may not be mounted yet.
 */
export async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = []
  for (let at = path; !fs.existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.push(at)
  for (const each of missing.reverse()) {
    makeOne(each)
    await syncDirectory(dirname(each))
  }
}

function makeOne(path: string): void {
  try {
    fs.mkdirSync(path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    // Another process made it meanwhile.
    if (fs.existsSync(path)) return
    const what = `${path} is a link to ${fs.readlinkSync(path)}, which does not exist`
    throw systemError(
      'ENOENT',
      `${what}. Is its volume mounted? Otherwise make the directory first`,
    )
  }
}

/** A directory that this process may not read cannot be opened, and so not be synced. */
const NOT_OPENED = new Set<unknown>(['EACCES', 'EISDIR'])
/** What file systems say whose directories cannot be synced: vboxsf, 9p, drvfs, old cifs, some of FUSE. */
const NOT_SYNCED = new Set<unknown>(['EINVAL', 'EBADF', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Does nothing if the file system cannot do it; PostgreSQL ignores the same errors. Then the sync of
 * the file, which follows each change of a name, is what makes its name durable.
 */
export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory, and journals its names by itself.
  if (process.platform === 'win32') return
  const fd = openUnless(NOT_OPENED, path)
  if (fd === undefined) return
  try {
    const syncs = await syncsOf(fd, path, { flags: 'r', isBlocking: true })
    await Promise.resolve(syncs.sync(fd)).finally(syncs.close)
  } catch (error) {
    if (!NOT_SYNCED.has(systemCode(error))) throw error
  } finally {
    fs.closeSync(fd)
  }
}

function openUnless(codes: ReadonlySet<unknown>, path: string): number | undefined {
  try {
    return fs.openSync(path, 'r')
  } catch (error) {
    if (codes.has(systemCode(error))) return undefined
    throw error
  }
}
