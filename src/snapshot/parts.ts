// A state as JSON lines: each small, all together of any size, read and written as a stream.
import type { Path } from '../json/chunks.ts'
import type { KeptKey, Snapshot } from '../port/snapshots.ts'
import { isTable, type Table } from '../table/index.ts'
import { makeTable } from '../table/places.ts'
import { entriesOf, isBare, LINE_CHARACTERS, measure } from './measure.ts'

/** One line without its checksum. `at` leads to a container that is there already. */
interface Part {
  readonly at: Path
  /** Of an object or a table: its next keys, in order. */
  readonly put?: Readonly<Record<string, unknown>>
  /** Of a list: its next items. */
  readonly push?: readonly unknown[]
  /** Of a string: how it goes on. */
  readonly text?: string
  /** Where below `at` an object stands for a table. */
  readonly tables?: readonly Path[]
  /** Where below `at` null stands for undefined. */
  readonly absent?: readonly Path[]
  /** Where below `at` an object has no prototype. */
  readonly bare?: readonly Path[]
}

/**
 * The state and the keys as JSON texts of about a line each. What is larger than a line is put
 * there empty, and filled by the lines after it. Throws StoreError `invalid_state`.
 */
export function* partsOf({
  state,
  keys,
  initial,
}: Omit<Snapshot, 'seq' | 'at'>): Generator<string> {
  yield* fill([], [['state', state]], false)
  if (initial !== undefined) yield* fill([], [['initial', initial]], false)
  yield '{"at":[],"put":{"keys":[]}}'
  yield* fill(['keys'], numbered(keys), true)
}

function* numbered(keys: Iterable<KeptKey>): Generator<[number, KeptKey]> {
  let index = 0
  for (const key of keys) {
    yield [index, key]
    index += 1
  }
}

function* fill(
  at: Path,
  entries: Iterable<[string | number, unknown]>,
  isList: boolean,
): Generator<string> {
  let texts: string[] = []
  let tables: Path[] = []
  let absent: Path[] = []
  let bare: Path[] = []
  let size = 0
  const take = () => {
    const content = isList ? `"push":[${texts.join()}]` : `"put":{${texts.join()}}`
    const more = listed('tables', tables) + listed('absent', absent) + listed('bare', bare)
    ;[texts, tables, absent, bare, size] = [[], [], [], [], 0]
    return `{"at":${JSON.stringify(at)},${content}${more}}`
  }
  for (const [key, value] of entries) {
    const label = isList ? '' : `${JSON.stringify(key)}:`
    if (value === undefined && !isList) {
      texts.push(`${label}null`)
      absent.push([key])
      size += label.length + 4
      continue
    }
    const small = measure(value, [...at, key])
    if (small) {
      if (size > 0 && size + small.size + label.length > LINE_CHARACTERS) yield take()
      texts.push(label + textOf(value, small.absent.length > 0))
      for (const path of small.tables) tables.push([key, ...path])
      for (const path of small.absent) absent.push([key, ...path])
      for (const path of small.bare) bare.push([key, ...path])
      size += small.size + label.length
      continue
    }
    texts.push(label + (typeof value === 'string' ? '""' : Array.isArray(value) ? '[]' : '{}'))
    if (isTable(value)) tables.push([key])
    else if (typeof value === 'object' && value !== null && isBare(value)) bare.push([key])
    yield take()
    const inner = [...at, key]
    if (typeof value === 'string') yield* pieces(inner, value)
    else yield* fill(inner, entriesOf(value as object, inner), Array.isArray(value))
  }
  if (texts.length > 0) yield take()
}

const listed = (name: string, paths: readonly Path[]): string =>
  paths.length === 0 ? '' : `,"${name}":${JSON.stringify(paths)}`

const textOf = (value: unknown, hasAbsent: boolean): string =>
  hasAbsent
    ? JSON.stringify(value, (_, inner) => (inner === undefined ? null : inner))
    : JSON.stringify(value)

function* pieces(at: Path, text: string): Generator<string> {
  // Half a surrogate pair is written as an escape, so a pair may be cut anywhere.
  for (let from = 0; from < text.length; from += LINE_CHARACTERS)
    yield `{"at":${JSON.stringify(at)},"text":${JSON.stringify(text.slice(from, from + LINE_CHARACTERS))}}`
}

/** Only where one of these is in a line can it have the key `__proto__`: nothing of ours escapes letters. */
const SUSPICIOUS = /__proto__|\\u00[567]/i

type Plain = Record<string | number, unknown>
type Container = Plain | Table<unknown>

/** Puts the parts together again, in the order in which they were written. */
export class Assembly {
  readonly #root: Plain = {}

  /** Throws an Error that says what is wrong with the part. */
  add(json: string): void {
    const part: Part = JSON.parse(json)
    if (!Array.isArray(part?.at)) throw new Error('it is not a part of a state')
    const { at, put, push, text, tables = [], absent = [], bare = [] } = part
    if (text !== undefined) {
      this.#extend(at, text)
      return
    }
    const target = containerAt(this.#root, at)
    const there = Array.isArray(target) ? target.length : 0
    // A table inside of another one comes after it.
    for (const [key = '', ...rest] of tables.toReversed()) {
      const path = [typeof key === 'number' ? key - there : key, ...rest]
      if (!makeTable(put ?? push ?? {}, path)) throw new Error(`there is no table at ${key}`)
    }
    if (SUSPICIOUS.test(json)) refuseProto(put ?? push, isTable(target))
    if (put && !Array.isArray(target)) {
      for (const key of Object.keys(put)) setAt(target, key, put[key])
    } else if (push && Array.isArray(target)) for (const item of push) target.push(item)
    else throw new Error('it does not fit what is there')
    for (const path of absent) {
      const [holder, key] = placeIn(target, path)
      setAt(holder, key, undefined)
    }
    for (const path of bare) Object.setPrototypeOf(containerAt(target, path), null)
  }

  #extend(at: Path, text: string): void {
    const [holder, key] = placeIn(this.#root, at)
    const before = childOf(holder, key)
    if (typeof before !== 'string' || typeof text !== 'string')
      throw new Error('there is no text to go on with')
    setAt(holder, key, before + text)
  }

  /** Throws an Error if the parts were not all of a state. */
  end(): Omit<Snapshot, 'seq' | 'at'> & { readonly keys: readonly KeptKey[] } {
    const { state, keys, initial } = this.#root
    if (typeof state !== 'object' || state === null) throw new Error('there is no state in it')
    if (!Array.isArray(keys) || !keys.every(isKey)) throw new Error('there are no keys in it')
    return { state, keys, ...(initial !== undefined && { initial }) }
  }
}

/** Undefined if there is nothing. */
function childOf(container: Container, key: string | number): unknown {
  if (isTable(container)) return container.get(String(key))
  return Object.hasOwn(container, key) ? container[key] : undefined
}

function setAt(container: Container, key: string | number, value: unknown): void {
  if (isTable(container)) container.set(String(key), value)
  else container[key] = value
}

function containerAt(root: Container, path: Path): Container {
  let found = root
  for (const key of path) {
    const child = childOf(found, key)
    if (typeof child !== 'object' || child === null)
      throw new Error(`there is no ${path.join('.')} to fill`)
    found = child as Container
  }
  return found
}

function placeIn(root: Container, path: Path): [Container, string | number] {
  const key = path.at(-1)
  const holder = containerAt(root, path.slice(0, -1))
  if (key !== undefined && childOf(holder, key) !== undefined) return [holder, key]
  throw new Error(`there is no ${path.join('.')}`)
}

/** A table may have it. */
function refuseProto(value: unknown, isAllowed = isTable(value)): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of isTable(value) ? value : Object.entries(value)) {
    if (key === '__proto__' && !isAllowed) throw new Error('it has the key __proto__')
    refuseProto(inner)
  }
}

const isKey = (value: unknown): value is KeptKey =>
  Array.isArray(value) &&
  ['string', 'number', 'string', 'string'].every((type, index) => typeof value[index] === type) &&
  (value.length === 4 || value.length === 5)
