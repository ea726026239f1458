// A state's tables as plain objects, and back: where they were is reported beside the JSON, not in it.
import { isTable } from './brand.ts'
import { table } from './table.ts'

/**
 * Where in `state` there are tables, as JSON pointers (RFC 6901). Together with the state's JSON, in
 * which a table is a plain object, they are the whole of it.
 */
export function tablePaths(state: unknown): string[] {
  const found: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (isTable(value)) found.push(path)
    for (const [key, inner] of isTable(value) ? value.entries() : Object.entries(value)) {
      if (typeof inner === 'object') visit(inner, `${path}/${escapeKey(key)}`)
    }
  }
  visit(state, '')
  return found
}

/**
 * `json` with tables where `paths` say that there were some. `json` itself is changed. Throws
 * TypeError where a path does not lead to a plain object.
 */
export function restoreTables(json: unknown, paths: readonly string[]): unknown {
  const root = { '': json }
  // What is deeper comes first: it may be inside of another table.
  for (const path of [...paths].sort((one, other) => depthOf(other) - depthOf(one))) {
    if (makeTable(root, path.split('/').map(unescapeKey))) continue
    throw new TypeError(`there is no object at ${JSON.stringify(path)}`)
  }
  return root['']
}

/** Puts a table in the place of the plain object at `path`; false if there is no object. */
export function makeTable(root: object, path: readonly (string | number)[]): boolean {
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1).reduce<unknown>(childOf, root)
  const content = childOf(parent, last)
  if (!isPlain(content)) return false
  // Its own key already, so that not even `__proto__` is anything but a key.
  return Reflect.set(parent as object, last, table(Object.entries(content)))
}

const depthOf = (path: string) => path.split('/').length

function childOf(parent: unknown, key: string | number): unknown {
  if (typeof parent !== 'object' || parent === null || isTable(parent)) return undefined
  return Object.hasOwn(parent, key) ? Reflect.get(parent, key) : undefined
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isTable(value)

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')
const unescapeKey = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~')
