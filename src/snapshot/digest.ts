// The digest of a state of any size: the canonical text of a large one is no single string.
import { createHash } from 'node:crypto'
import { canonicalText } from '../json/index.ts'
import { entriesOf, LINE_CHARACTERS, measure, type Path } from './measure.ts'

/** Yields how many characters are done, about every line's worth; returns what `digest` gives for the state. */
export function* digestSteps(state: unknown): Generator<number, string> {
  const hash = createHash('sha256')
  let text = ''
  let done = 0
  for (const piece of canonicalPieces(state, ['state'])) {
    text += piece
    if (text.length < LINE_CHARACTERS) continue
    hash.update(text)
    done += text.length
    text = ''
    yield done
  }
  return `sha256:${hash.update(text).digest('hex')}`
}

function* canonicalPieces(value: unknown, at: Path): Generator<string> {
  if (measure(value, at)) yield canonicalText(value) ?? ''
  else if (typeof value === 'string') yield* textPieces(value)
  else if (Array.isArray(value)) yield* listPieces(value, at)
  else yield* objectPieces(value as object, at)
}

function* listPieces(list: readonly unknown[], at: Path): Generator<string> {
  let separator = '['
  for (const [index, item] of entriesOf(list, at)) {
    yield separator
    yield* canonicalPieces(item, [...at, index])
    separator = ','
  }
  yield ']'
}

function* objectPieces(value: object, at: Path): Generator<string> {
  let separator = '{'
  for (const key of Object.keys(value).sort()) {
    const inner: unknown = Reflect.get(value, key)
    if (inner === undefined) continue
    yield `${separator}${JSON.stringify(key)}:`
    yield* canonicalPieces(inner, [...at, key])
    separator = ','
  }
  yield separator === '{' ? '{}' : '}'
}

function* textPieces(text: string): Generator<string> {
  yield '"'
  for (let from = 0; from < text.length; ) {
    let to = from + LINE_CHARACTERS
    // A surrogate pair that is cut would be written as two escapes.
    if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to += 1
    yield JSON.stringify(text.slice(from, to)).slice(1, -1)
    from = to
  }
  yield '"'
}
