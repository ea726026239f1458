// What changed between two states. What they share is not walked, so the cost is that of the change.
import { createTwoFilesPatch } from 'diff'
import { isTable } from '../table/index.ts'
import { changedKeys } from '../table/table.ts'
import type { Change } from './change.ts'

/** Deep equality of two JSON values, a table being a plain object; a property that is undefined is a property that is not there. */
export function isSame(before: unknown, after: unknown): boolean {
  if (Object.is(before, after)) return true
  if (!isContainer(before) || !isContainer(after)) return false
  if (Array.isArray(before) && Array.isArray(after)) return isSameArray(before, after)
  if (Array.isArray(before) || Array.isArray(after)) return false
  const isSameAt = (key: string) => isSame(valueAt(before, key), valueAt(after, key))
  if (isTable(before) && isTable(after)) return changedKeys(before, after).every(isSameAt)
  const isThere = (key: string) => hasKey(before, key) || valueAt(after, key) === undefined
  return ownKeys(before).every(isSameAt) && ownKeys(after).every(isThere)
}

function isSameArray(before: readonly unknown[], after: readonly unknown[]): boolean {
  if (before.length !== after.length) return false
  // Not with `every`, which leaves out what was never set.
  return before.findIndex((each, index) => !isSame(each, after[index])) < 0
}

/**
 * What turns `before` into `after`, as operations of RFC 6902 (JSON patch) in the order in which
 * they apply, each with what was there before.
 */
export function changes(before: unknown, after: unknown, path = ''): Change[] {
  if (Object.is(before, after)) return []
  const replaced: Change[] = [{ op: 'replace', path, value: after, before }]
  if (!isContainer(before) || !isContainer(after)) return replaced
  if (Array.isArray(before) && Array.isArray(after)) return arrayChanges(before, after, path)
  if (Array.isArray(before) || Array.isArray(after)) return replaced
  const found: Change[] = []
  const isKnown = isTable(before) && isTable(after)
  for (const key of isKnown ? changedKeys(before, after) : keysOf(before, after)) {
    const [old, value] = [valueAt(before, key), valueAt(after, key)]
    if (Object.is(old, value)) continue
    const at = `${path}/${escapeKey(key)}`
    if (value === undefined) found.push({ op: 'remove', path: at, before: old })
    else if (old === undefined) found.push({ op: 'add', path: at, value })
    else for (const each of changes(old, value, at)) found.push(each)
  }
  return found
}

/** Equal ends are set aside, so that an item taken from the front is one change, not all of them. */
function arrayChanges(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): Change[] {
  const { first, last, lastAfter } = changedRange(before, after)
  const both = Math.min(last, lastAfter)
  const found: Change[] = []
  for (let at = first; at < both; at++) {
    for (const each of changes(before[at], after[at], `${path}/${at}`)) found.push(each)
  }
  for (let at = last - 1; at >= both; at--) {
    found.push({ op: 'remove', path: `${path}/${at}`, before: before[at] })
  }
  for (let at = both; at < lastAfter; at++) {
    found.push({ op: 'add', path: `${path}/${at}`, value: after[at] })
  }
  return found
}

/** From `first`, up to but without `last` in one and `lastAfter` in the other. */
function changedRange(before: readonly unknown[], after: readonly unknown[]) {
  let [first, last, lastAfter] = [0, before.length, after.length]
  while (first < Math.min(last, lastAfter) && isSame(before[first], after[first])) first++
  while (last > first && lastAfter > first && isSame(before[last - 1], after[lastAfter - 1])) {
    last--
    lastAfter--
  }
  return { first, last, lastAfter }
}

/** How many unchanged things are shown around what changed. */
const CONTEXT = 3
/** Containers up to this size are shown with all their keys. */
const SHOWN_KEYS = 20
/** How much of what changed is shown. */
const SHOWN_VALUES = 500
/** Of a text, and how many of them come before a difference. */
const SHOWN_CHARACTERS = 500
const SHOWN_BEFORE = 40

/**
 * A unified diff of the two values as indented JSON, of what is around the changes only: the rest is
 * an ellipsis, so that a state of any size has a diff that can be read. Empty if they are equal.
 */
export function unifiedDiff(
  before: unknown,
  after: unknown,
  [from, to]: readonly [string, string] = ['before', 'after'],
): string {
  if (isSame(before, after)) return ''
  const [old = '', next = ''] = new Outline()
    .of(before, after)
    .map((value) => `${JSON.stringify(value, undefined, 2)}\n`)
  return createTwoFilesPatch(from, to, old, next, undefined, undefined, { context: CONTEXT })
    .split('\n')
    .filter((line) => !line.startsWith('====') && !line.startsWith('\\'))
    .join('\n')
}

type Pair = readonly [before: unknown, after: unknown]

/** Two values without what they share, as far as that is not needed to find one's way. */
class Outline {
  #left = SHOWN_VALUES

  of(before: unknown, after: unknown): Pair {
    this.#left -= 1
    if (typeof before === 'string' && typeof after === 'string') return differing(before, after)
    if (
      !isContainer(before) ||
      !isContainer(after) ||
      Array.isArray(before) !== Array.isArray(after)
    )
      return [this.#whole(before), this.#whole(after)]
    if (Array.isArray(before) && Array.isArray(after)) return this.#ofArrays(before, after)
    return this.#ofObjects(before, after)
  }

  #ofObjects(before: object, after: object): Pair {
    const isThere = (key: string) =>
      valueAt(before, key) !== undefined || valueAt(after, key) !== undefined
    const isChanged = (key: string) => !isSame(valueAt(before, key), valueAt(after, key))
    const keys = keysOf(before, after).filter(isThere)
    const isKnown = isTable(before) && isTable(after)
    const changed = new Set((isKnown ? changedKeys(before, after) : keys).filter(isChanged))
    const candidates = keys.length <= SHOWN_KEYS ? keys : [...changed]
    const shown: [key: string, pair: Pair][] = []
    for (const key of candidates.toSorted()) {
      const [mine, theirs] = [valueAt(before, key), valueAt(after, key)]
      if (!changed.has(key)) shown.push([key, [elided(mine), elided(mine)]])
      else if (this.#left > 0) shown.push([key, this.of(mine, theirs)])
    }
    const hidden = keys.length - shown.length
    if (hidden > 0) shown.push(['…', [`${hidden} more`, `${hidden} more`]])
    const side = (index: 0 | 1) =>
      Object.fromEntries(shown.map(([key, pair]) => [key, pair[index]]))
    return [side(0), side(1)]
  }

  #ofArrays(before: readonly unknown[], after: readonly unknown[]): Pair {
    const { first, last, lastAfter } = changedRange(before, after)
    const start = Math.max(0, first - CONTEXT)
    const head = [...more(start), ...before.slice(start, first).map(elided)]
    const end = Math.min(before.length, last + CONTEXT)
    const tail = [...before.slice(last, end).map(elided), ...more(before.length - end)]
    const [old, next]: [unknown[], unknown[]] = [[], []]
    let at = first
    for (; at < Math.max(last, lastAfter) && this.#left > 0; at++) {
      const mine = at < last ? before[at] : undefined
      const theirs = at < lastAfter ? after[at] : undefined
      const isSameItem = at < last && at < lastAfter && isSame(mine, theirs)
      const pair = isSameItem ? [elided(mine), elided(mine)] : this.of(mine, theirs)
      if (at < last) old.push(pair[0])
      if (at < lastAfter) next.push(pair[1])
    }
    return [
      [...head, ...old, ...more(last - at), ...tail],
      [...head, ...next, ...more(lastAfter - at), ...tail],
    ]
  }

  /** All of a value that is on one side only, as far as there is room. */
  #whole(value: unknown): unknown {
    this.#left -= 1
    if (!isContainer(value)) return scalar(value)
    const keys = ownKeys(value).filter((key) => valueAt(value, key) !== undefined)
    const shown: [key: string, inner: unknown][] = []
    for (const key of keys) {
      if (this.#left <= 0) break
      shown.push([key, this.#whole(valueAt(value, key))])
    }
    const hidden = keys.length - shown.length
    if (Array.isArray(value)) return [...shown.map(([, inner]) => inner), ...more(hidden)]
    return Object.fromEntries(hidden > 0 ? [...shown, ['…', `${hidden} more`]] : shown)
  }
}

const more = (count: number): string[] => (count > 0 ? [`… ${count} more`] : [])

function elided(value: unknown): unknown {
  if (!isContainer(value)) return scalar(value)
  if (ownKeys(value).length === 0) return value
  return Array.isArray(value) ? ['…'] : { '…': '…' }
}

/** What JSON has no word for is a string, so that it can be seen. */
function scalar(value: unknown): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  return typeof value === 'function' || typeof value === 'symbol' ? typeof value : value
}

/** Long texts are shown from a little before where they part. */
function differing(before: string, after: string): Pair {
  if (Math.max(before.length, after.length) <= SHOWN_CHARACTERS) return [before, after]
  let at = 0
  while (at < before.length && before[at] === after[at]) at++
  const from = Math.max(0, at - SHOWN_BEFORE)
  return [cut(before, from), cut(after, from)]
}

function cut(text: string, from = 0): string {
  const end = from + SHOWN_CHARACTERS
  return `${from > 0 ? '…' : ''}${text.slice(from, end)}${end < text.length ? '…' : ''}`
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

const keysOf = (before: object, after: object): string[] => [
  ...ownKeys(before),
  ...ownKeys(after).filter((key) => !hasKey(before, key)),
]

// A table is the plain object that it is as JSON.
const ownKeys = (container: object): string[] =>
  isTable(container) ? [...container.keys()] : Object.keys(container)

const hasKey = (container: object, key: string): boolean =>
  isTable(container) ? container.has(key) : Object.hasOwn(container, key)

function valueAt(container: object, key: string): unknown {
  if (isTable(container)) return container.get(key)
  return Object.hasOwn(container, key) ? Reflect.get(container, key) : undefined
}

const escapeKey = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')
