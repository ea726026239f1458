// A file's path as tools want it that show findings beside the source.
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/** From `root`, with slashes; unchanged if the file is not below `root`, or is an address. */
export const pathFrom = (root: string, file: string): string => pathBelow(root, file) ?? file

/** Relative to `root` if the file is below it, otherwise absolute. */
export function uriFrom(root: string, file: string): { uri: string; isBelow: boolean } {
  const path = pathBelow(root, file)
  if (path !== undefined) {
    return { uri: path.split('/').map(encode(encodeURIComponent)).join('/'), isBelow: true }
  }
  const uri = isAddress(file) ? encode(encodeURI)(file) : pathToFileURL(resolve(file)).href
  return { uri, isBelow: false }
}

function pathBelow(root: string, file: string): string | undefined {
  if (isAddress(file)) return undefined
  const path = relative(root, resolve(file))
  // On Windows, it stays absolute on another drive.
  if (path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) return undefined
  return path.replaceAll(sep, '/')
}

/** A journal need not be a file: `postgres://…` */
const isAddress = (file: string) => /^[a-z][a-z\d+.-]+:\/\//i.test(file)

/** URIs are made of UTF-8, which has no lone surrogates. */
const encode = (encoder: (text: string) => string) => (text: string) =>
  encoder(text.replace(/\p{Cs}/gu, '\ufffd'))
