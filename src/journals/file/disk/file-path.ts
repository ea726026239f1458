// What a caller gives as the path of a journal: a string, or a `file:` URL.
import { fileURLToPath } from 'node:url'

/** Of two letters at least: one letter is a drive of Windows. */
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i

/**
 * The path of the file that was given. Throws TypeError if it cannot be one; of a URL the message
 * shows the scheme only, since the rest may hold a password.
 */
export function toFilePath(given: unknown): string {
  const path = isUrl(given) && schemeOf(given) === 'file' ? fileURLToPath(String(given)) : given
  if (typeof path !== 'string') throw refused(describe(path))
  const scheme = schemeOf(path)
  if (scheme === 'file') throw refused('a URL as a string: give it as new URL(…)')
  if (scheme !== undefined)
    throw refused(`a URL that begins with ${scheme}://. A file of that name is ./${scheme}:/…`)
  if (path === '') throw refused('an empty string')
  if (path.includes('\0')) throw refused('a string with a NUL byte')
  if (/(^|[\\/])\.{0,2}$/.test(path))
    throw refused(`${JSON.stringify(path)}, which names a directory`)
  return path
}

/** Also of a URL of another realm, which is not an instance of ours. */
const schemeOf = (given: unknown): string | undefined =>
  typeof given === 'string' || isUrl(given)
    ? SCHEME.exec(String(given))?.[1]?.toLowerCase()
    : undefined

const isUrl = (given: unknown): boolean => Object.prototype.toString.call(given) === '[object URL]'

function describe(given: unknown): string {
  if (isUrl(given)) return `a URL that begins with ${String(given).split(':', 1)}:`
  if (given === null || given === undefined)
    return `${given}. Is the variable set that should hold it?`
  return `a value of type ${typeof given}`
}

const refused = (what: string): TypeError =>
  new TypeError(`the path of a journal is a string or a file: URL, and this is ${what}`)
