// A place in the state, as it is written on the command line.

import { didYouMean } from '../cli/terminal/suggest.ts'
import { isTable } from '../table/index.ts'

/** How many names are told where none is near. */
const TOLD = 8

export interface StatePath {
  readonly keys: readonly string[]
  /** As a JSON pointer (RFC 6901). */
  readonly pointer: string
}

/** `/topics/orders` is a JSON pointer, `topics.orders` the same; the empty text is the whole state. */
export function parsePath(text: string): StatePath {
  const keys = text.startsWith('/')
    ? text.slice(1).split('/').map(unescapeKey)
    : text.split('.').slice(text === '' ? 1 : 0)
  return { keys, pointer: pointerTo(keys) }
}

/** Undefined if there is nothing. */
export function valueAt(state: unknown, { keys }: StatePath): unknown {
  let value = state
  for (const key of keys) value = childOf(value, key)
  return value
}

/** Why there is nothing at this path, and what was probably meant. */
export function whyNothing(state: unknown, { keys }: StatePath): string {
  let [value, depth] = [state, 0]
  for (const key of keys) {
    const child = childOf(value, key)
    if (child === undefined) break
    value = child
    depth += 1
  }
  const parent = depth === 0 ? 'the state' : pointerTo(keys.slice(0, depth))
  return `${parent} ${whatItHas(value, keys[depth] ?? '')}`
}

function whatItHas(value: unknown, key: string): string {
  if (Array.isArray(value)) return `has ${value.length} items`
  if (typeof value !== 'object' || value === null) return `is ${JSON.stringify(value)}`
  const names = isTable(value) ? [...value.keys()] : Object.keys(value)
  if (names.length === 0) return 'is empty'
  const near = didYouMean(key, names)
  if (near) return `has no ${JSON.stringify(key)}${near}`
  const others = names.length > TOLD ? ` and ${names.length - TOLD} more` : ''
  return `has ${names.slice(0, TOLD).join(', ')}${others}`
}

function childOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (isTable(value)) return value.get(key)
  if (!Object.hasOwn(value, key)) return undefined
  // An array's length is its own, and no part of the state.
  return Array.isArray(value) && !/^\d+$/.test(key) ? undefined : Reflect.get(value, key)
}

const pointerTo = (keys: readonly string[]) => keys.map((key) => `/${escapeKey(key)}`).join('')

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

const unescapeKey = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~')
