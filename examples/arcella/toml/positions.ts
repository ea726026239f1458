// Where keys stand in a TOML text that is known to be valid. Keys of inline tables have no place of their own.

/** From 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** By path, as JSON. Elements of an array of tables are counted from 0. */
export function keyPositions(text: string): ReadonlyMap<string, Position> {
  const found = new Map<string, Position>()
  const elements = new Map<string, number>()
  let table: string[] = []
  const add = (path: readonly string[], position: Position) => {
    // Of `a.b.c`, `a` and `a.b` stand there as well, unless they were seen before.
    for (let length = 1; length <= path.length; length += 1) {
      const key = JSON.stringify(path.slice(0, length))
      if (!found.has(key)) found.set(key, position)
    }
  }
  for (const { header, path, position } of statements(text)) {
    if (header === 'none') {
      add([...table, ...path], position)
      continue
    }
    table = withElements(path, elements, header === 'element')
    add(table, position)
  }
  return found
}

/** `[[a]]` is `a.0` first, then `a.1`; a later `[a.b]` belongs to the last one. */
function withElements(
  path: readonly string[],
  elements: Map<string, number>,
  isElement: boolean,
): string[] {
  const whole: string[] = []
  for (const [index, key] of path.entries()) {
    whole.push(key)
    const array = JSON.stringify(whole)
    const isNew = isElement && index === path.length - 1
    const count = (elements.get(array) ?? 0) + (isNew ? 1 : 0)
    if (isNew) elements.set(array, count)
    if (count > 0) whole.push(String(count - 1))
  }
  return whole
}

interface Statement {
  readonly header: 'none' | 'table' | 'element'
  readonly path: string[]
  readonly position: Position
}

const SPACE = /[ \t]*/y
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y
const BARE = /[A-Za-z0-9_-]+/y
const STRING = /"""(?:\\[\s\S]|[^\\])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'/y

/** A line with a key, or the head of a table. */
function* statements(text: string): Generator<Statement> {
  const lines = new Lines(text)
  let at = 0
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const [matched = ''] = pattern.exec(text) ?? []
    at += matched.length
    return matched
  }
  const key = (): string[] => {
    const path: string[] = []
    do {
      take(SPACE)
      path.push(text[at] === '"' || text[at] === "'" ? unquoted(take(STRING)) : take(BARE))
      take(SPACE)
    } while (text[at] === '.' && ++at > 0)
    return path
  }
  for (take(BLANK); at < text.length; take(BLANK)) {
    const begin = at
    const header = text.startsWith('[[', at) ? 'element' : text[at] === '[' ? 'table' : 'none'
    at += { none: 0, table: 1, element: 2 }[header]
    const path = key()
    yield { header, path, position: lines.positionOf(begin) }
    at += { none: 1, table: 1, element: 2 }[header]
    if (header === 'none') skipValue()
    // Nothing that is valid comes here; it goes on anyway.
    if (at === begin) at += 1
  }

  /** Up to the end of its line: brackets may span several. */
  function skipValue(): void {
    for (let depth = 0; at < text.length; ) {
      const char = text[at]
      if (char === '"' || char === "'") {
        if (take(STRING) === '') at += 1
        continue
      }
      if (char === '#') {
        take(BLANK)
        if (depth === 0) return
        continue
      }
      if (char === '\n' && depth === 0) return
      if (char === '[' || char === '{') depth += 1
      if (char === ']' || char === '}') depth -= 1
      at += 1
    }
  }
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1)
  try {
    return JSON.parse(text)
  } catch {
    // An escape that only TOML has: the key has no place then.
    return text
  }
}

class Lines {
  readonly #text: string
  #line = 1
  #begin = 0
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Asked for in ascending order. */
  positionOf(offset: number): Position {
    for (; this.#at < offset; this.#at += 1) {
      if (this.#text[this.#at] !== '\n') continue
      this.#line += 1
      this.#begin = this.#at + 1
    }
    return { line: this.#line, column: offset - this.#begin + 1 }
  }
}
