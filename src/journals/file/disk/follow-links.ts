// Which file a path names: a link is followed once, so that a file that is replaced is replaced where
// it is, and the link stays a link.
import * as fs from 'node:fs'
import { dirname, isAbsolute, sep } from 'node:path'
import { systemError } from './system-error.ts'

/** As many as Linux follows. */
const MAX_LINKS = 40

/**
 * The absolute path of the file that `path` names. Only a link in the last place is followed, also one
 * that leads to no file yet: the kernel follows links to directories better, since it knows about mounts.
 * Throws `ELOOP`, and `ENOENT` if a link leads to a missing directory.
 */
export function followLinks(path: string): string {
  let at = absolute(path)
  for (let links = 0; links <= MAX_LINKS; links++) {
    const target = linkTarget(at)
    if (target === undefined) return at
    const next = isAbsolute(target) ? target : `${dirname(at)}${sep}${target}`
    assertSameFile(at, next)
    at = next
  }
  throw systemError('ELOOP', `${path} leads through more than ${MAX_LINKS} links`)
}

/** Not normalized: the kernel goes up from where a link leads, not from where it is. */
function absolute(path: string): string {
  if (isAbsolute(path)) return path
  const directory = process.cwd()
  // Node remembers the name of a working directory that was removed.
  if (!isSame(fs.statSync('.'), statOf(directory)))
    throw systemError('ENOENT', 'the working directory was removed')
  return `${directory}${sep}${path}`
}

function linkTarget(path: string): string | undefined {
  try {
    return fs.readlinkSync(path)
  } catch (error) {
    const { code } = error as { code?: unknown }
    // Not a link, or not there. Windows has `UNKNOWN` for what is not a link.
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'ENOTDIR' || code === 'UNKNOWN')
      return undefined
    throw error
  }
}

function assertSameFile(link: string, target: string): void {
  const there = statOf(link)
  if (there) {
    // Links below /proc lead to another place than their text, such as into another container.
    if (isSame(there, statOf(target))) return
    throw systemError('EXDEV', `${link} is a link that only the kernel can follow: name the file`)
  }
  if (statOf(dirname(target))) return
  const what = `${link} is a link to ${target}, and the directory ${dirname(target)} does not exist`
  throw systemError('ENOENT', `${what}. Is its volume mounted? Otherwise make the directory first`)
}

const statOf = (path: string) => fs.statSync(path, { throwIfNoEntry: false })

const isSame = (one: fs.Stats, other: fs.Stats | undefined): boolean =>
  one.ino === other?.ino && one.dev === other.dev
