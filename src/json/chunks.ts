// The canonical text of a value that may be too large for one string.
import stringify from 'fast-json-stable-stringify'
import { isTable } from '../table/index.ts'

export type Path = readonly (string | number)[]

/** Whether the text of `value`, which stands at `at`, is made at once. May throw, which ends it all. */
export type IsSmall = (value: unknown, at: Path) => boolean

/** About this many characters make a chunk. */
export const CHUNK_CHARACTERS: number = 2 ** 18

/** Joined, what `canonicalText` gives. No chunk ends within a surrogate pair. */
export function* canonicalChunks(
  value: unknown,
  isSmall: IsSmall = isShort,
  at: Path = [],
): Generator<string> {
  let text = ''
  for (const piece of pieces(value, isSmall, at)) {
    text += piece
    if (text.length < CHUNK_CHARACTERS) continue
    yield text
    text = ''
  }
  yield text
}

function* pieces(value: unknown, isSmall: IsSmall, at: Path): Generator<string> {
  if (isSmall(value, at)) yield stringify(value)
  else if (typeof value === 'string') yield* textPieces(value)
  else if (Array.isArray(value)) yield* listPieces(value, isSmall, at)
  else yield* objectPieces(value as object, isSmall, at)
}

function* listPieces(list: readonly unknown[], isSmall: IsSmall, at: Path): Generator<string> {
  let separator = '['
  for (const [index, item] of list.entries()) {
    yield separator
    yield* item === undefined ? ['null'] : pieces(item, isSmall, [...at, index])
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

function* objectPieces(value: object, isSmall: IsSmall, at: Path): Generator<string> {
  let separator = '{'
  // A table's are sorted.
  for (const key of isTable(value) ? value.keys() : Object.keys(value).sort()) {
    const inner: unknown = isTable(value) ? value.get(key) : Reflect.get(value, key)
    if (inner === undefined) continue
    yield `${separator}${JSON.stringify(key)}:`
    yield* pieces(inner, isSmall, [...at, key])
    separator = ','
  }
  yield separator === '{' ? '{}' : '}'
}

function* textPieces(text: string): Generator<string> {
  yield '"'
  for (let from = 0; from < text.length; ) {
    let to = from + CHUNK_CHARACTERS
    // A surrogate pair that is cut would be written as two escapes.
    if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to += 1
    yield JSON.stringify(text.slice(from, to)).slice(1, -1)
    from = to
  }
  yield '"'
}

/** By a look at no more of it than makes a chunk. */
function isShort(value: unknown): boolean {
  let left = CHUNK_CHARACTERS
  const visit = (value: unknown): void => {
    left -= typeof value === 'string' ? value.length + 2 : 2
    if (typeof value !== 'object' || value === null) return
    // To sort its keys would take long, and for nothing.
    if (isTable(value) && value.size > left) left = -1
    if (left < 0) return
    const isListed = isTable(value) || Array.isArray(value)
    for (const [key, inner] of isListed ? value.entries() : Object.entries(value)) {
      left -= String(key).length
      visit(inner)
      if (left < 0) return
    }
  }
  visit(value)
  return left >= 0
}
