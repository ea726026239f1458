// A state's tables as plain objects, and back: where they were is told beside the JSON, not in it.
import { isTable } from './brand.ts'
import { table } from './table.ts'

/**
 * Where in `state` there are tables, as JSON pointers (RFC 6901). Together with the state's JSON, in
 * which a table is a plain object, they are the whole of it.
 */
export function tablePaths(state: unknown, path = ''): string[] {
  if (typeof state !== 'object' || state === null) return []
  const found = isTable(state) ? [path] : []
  for (const [key, value] of isTable(state) ? state.entries() : Object.entries(state)) {
    if (typeof value === 'object') found.push(...tablePaths(value, `${path}/${escapeKey(key)}`))
  }
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
    const keys = path.split('/').map(unescapeKey)
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>(childOf, root)
    const content = childOf(parent, last)
    if (!isPlain(content)) throw new TypeError(`there is no object at ${JSON.stringify(path)}`)
    // Its own key already, so that not even `__proto__` is anything but a key.
    Reflect.set(parent as object, last, table(Object.entries(content)))
  }
  return root['']
}

const depthOf = (path: string) => path.split('/').length

function childOf(parent: unknown, key: string): unknown {
  if (typeof parent !== 'object' || parent === null || isTable(parent)) return undefined
  return Object.hasOwn(parent, key) ? Reflect.get(parent, key) : undefined
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isTable(value)

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')
const unescapeKey = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~')
