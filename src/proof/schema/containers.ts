// Narrowings of arrays and objects, each with the path to it.
import type { Arrays, Objects } from './alternatives.ts'
import type { SchemaNode } from './lock.ts'
import { itemAt } from './meet.ts'
import type { Comparison, Narrowing } from './narrowing.ts'
import { lengthNarrowings, matches } from './scalars.ts'

export function arrayNarrowings(was: Arrays, is: Arrays, { compare }: Comparison): Narrowing[] {
  const most = Math.min(was.max, is.max)
  const places = Math.min(most, Math.max(was.first.length, is.first.length))
  const items = Array.from({ length: places }, (_, index) =>
    at(`[${index}]`, compare(itemAt(was, index), itemAt(is, index))),
  )
  const rest = most > places ? at('[]', compare(was.rest, is.rest)) : []
  return [...lengthNarrowings(was, is, 'Items'), ...items.flat(), ...rest]
}

export function objectNarrowings(was: Objects, is: Objects, comparison: Comparison): Narrowing[] {
  const names = new Set([...was.properties.keys(), ...is.properties.keys()])
  return [
    ...missing(was, is),
    ...[...names].flatMap((name) => propertyNarrowings(name, was, is, comparison)),
    ...otherNarrowings(was, is, comparison),
  ]
}

const missing = (was: Objects, is: Objects): Narrowing[] =>
  [...is.required].flatMap((name) => {
    if (was.required.has(name)) return []
    const change = was.properties.has(name) ? 'required where it was optional' : 'new and required'
    return [{ path: keyPath(name), change, isMissing: true }]
  })

function propertyNarrowings(
  name: string,
  was: Objects,
  is: Objects,
  { compare, locked, now }: Comparison,
): Narrowing[] {
  const before = propertyOf(was, name)
  if (locked(before).length === 0) return []
  const matching = [...is.patterns].flatMap(([pattern, node]) =>
    matches(pattern, name) ? [node] : [],
  )
  const named = is.properties.get(name) ?? (matching.length > 0 ? true : is.others)
  const isGone = now(named).length === 0
  if (isGone) return [{ path: keyPath(name), change: 'gone: what records have of it is dropped' }]
  const isKey = compare({ const: name }, is.keys).length === 0
  return [
    ...(isKey ? [] : [{ path: keyPath(name), change: 'not a key any more' }]),
    ...[named, ...matching].flatMap((node) => at(keyPath(name), compare(before, node))),
  ]
}

/** What a property may be, or more than that. */
export const propertyOf = ({ properties, patterns, others }: Objects, name: string): SchemaNode =>
  properties.get(name) ?? (patterns.size > 0 ? true : others)

/** The keys that neither names. */
function otherNarrowings(
  was: Objects,
  is: Objects,
  { compare, locked, now }: Comparison,
): Narrowing[] {
  const open = [was.others, ...was.patterns.values()].filter((node) => locked(node).length > 0)
  if (open.length === 0) return []
  const matched = [...is.patterns].flatMap(([pattern, node]) => {
    const before = was.patterns.get(pattern)
    return (before === undefined ? open : [before]).flatMap((each) => compare(each, node))
  })
  const unmatched = [...was.patterns].flatMap(([key, node]) => (is.patterns.has(key) ? [] : [node]))
  const rest = [was.others, ...unmatched].filter((node) => open.includes(node))
  const keys = compare(was.keys === true ? { type: 'string' } : was.keys, is.keys)
  const isClosed = rest.length > 0 && now(is.others).length === 0
  return [
    ...at('[*] (the key)', keys),
    ...at('[*]', matched),
    ...(isClosed
      ? [{ path: '[*]', change: 'gone: what records have under other keys is dropped' }]
      : at(
          '[*]',
          rest.flatMap((node) => compare(node, is.others)),
        )),
  ]
}

export const at = (path: string, found: readonly Narrowing[]): Narrowing[] =>
  found.map((each) => ({ ...each, path: path + each.path }))

const keyPath = (name: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
