// A state as JSON lines: each small, all together of any size, read and written as a stream.
import type { KeptKey, Snapshot } from '../types.ts'
import { entriesOf, LINE_CHARACTERS, measure, type Path } from './measure.ts'

/** One line without its checksum. `at` leads to a container that is there already. */
interface Part {
  readonly at: Path
  /** Of an object: its next keys, in order. */
  readonly put?: Readonly<Record<string, unknown>>
  /** Of a list: its next items. */
  readonly push?: readonly unknown[]
  /** Of a string: how it goes on. */
  readonly text?: string
  /** Where below `at` null stands for undefined. */
  readonly absent?: readonly Path[]
}

/**
 * The state and the keys as JSON texts of about a line each. What is larger than a line is put
 * there empty, and filled by the lines behind it. Throws StoreError `invalid_state`.
 */
export function* partsOf({ state, keys }: Omit<Snapshot, 'seq'>): Generator<string> {
  yield* fill([], [['state', state]], false)
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
  let absent: Path[] = []
  let size = 0
  const take = () => {
    const content = isList ? `"push":[${texts.join()}]` : `"put":{${texts.join()}}`
    const gone = absent.length === 0 ? '' : `,"absent":${JSON.stringify(absent)}`
    ;[texts, absent, size] = [[], [], 0]
    return `{"at":${JSON.stringify(at)},${content}${gone}}`
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
      for (const path of small.absent) absent.push([key, ...path])
      size += small.size + label.length
      continue
    }
    texts.push(label + (typeof value === 'string' ? '""' : Array.isArray(value) ? '[]' : '{}'))
    yield take()
    const inner = [...at, key]
    if (typeof value === 'string') yield* pieces(inner, value)
    else yield* fill(inner, entriesOf(value as object, inner), Array.isArray(value))
  }
  if (texts.length > 0) yield take()
}

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

type Container = Record<string | number, unknown>

/** Puts the parts together again, in the order in which they were written. */
export class Assembly {
  readonly #root: Container = {}

  /** Throws an Error that says what is wrong with the part. */
  add(json: string): void {
    const part: Part = JSON.parse(json)
    if (!Array.isArray(part?.at)) throw new Error('it is no part of a state')
    if (SUSPICIOUS.test(json)) refuseProto(part)
    const { at, put, push, text, absent = [] } = part
    if (text !== undefined) {
      this.#extend(at, text)
      return
    }
    const target = containerAt(this.#root, at)
    if (put && !Array.isArray(target)) for (const key of Object.keys(put)) target[key] = put[key]
    else if (push && Array.isArray(target)) for (const item of push) target.push(item)
    else throw new Error('it does not fit what is there')
    for (const path of absent) {
      const [holder, key] = placeIn(target, path)
      holder[key] = undefined
    }
  }

  #extend(at: Path, text: string): void {
    const [holder, key] = placeIn(this.#root, at)
    const before = holder[key]
    if (typeof before !== 'string' || typeof text !== 'string')
      throw new Error('there is no text to go on with')
    holder[key] = before + text
  }

  /** Throws an Error where the parts were not all of a state. */
  end(): Pick<Snapshot, 'state'> & { readonly keys: readonly KeptKey[] } {
    const { state, keys } = this.#root
    if (typeof state !== 'object' || state === null) throw new Error('there is no state in it')
    if (!Array.isArray(keys) || !keys.every(isKey)) throw new Error('there are no keys in it')
    return { state, keys }
  }
}

function containerAt(root: Container, path: Path): Container {
  let found: unknown = root
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key))
      throw new Error(`there is no ${path.join('.')} to fill`)
    found = Reflect.get(found, key)
  }
  if (typeof found === 'object' && found !== null) return found as Container
  throw new Error(`there is no ${path.join('.')} to fill`)
}

function placeIn(root: Container, path: Path): [Container, string | number] {
  const key = path.at(-1)
  const holder = containerAt(root, path.slice(0, -1))
  if (key !== undefined && Object.hasOwn(holder, key)) return [holder, key]
  throw new Error(`there is no ${path.join('.')}`)
}

function refuseProto(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new Error('it has the key __proto__')
    refuseProto(Reflect.get(value, key))
  }
}

const isKey = (value: unknown): value is KeptKey =>
  Array.isArray(value) &&
  ['string', 'number', 'string', 'string'].every((type, index) => typeof value[index] === type) &&
  value.length === 4
