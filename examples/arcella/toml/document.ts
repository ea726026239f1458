// A TOML file, and where in it each key stands: a schema says what is wrong, this says where.
import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from 'smol-toml'
import type { z } from 'zod'
import { describeIssue } from '../registry/refusals.ts'
import { keyPositions, type Position } from './positions.ts'

export const MAX_TOML_BYTES: number = 64 * 2 ** 10

/** Its message begins with file, line and column. */
export class TomlProblem extends Error {
  override readonly name = 'TomlProblem'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly isSyntax: boolean
  constructor(file: string, { line, column }: Position, what: string, isSyntax = false) {
    super(`${file}:${line}:${column}: ${what}`)
    this.file = file
    this.line = line
    this.column = column
    this.isSyntax = isSyntax
  }
}

export class TomlDocument {
  readonly file: string
  readonly value: TomlTable
  readonly #positions: ReadonlyMap<string, Position>

  /** Throws TomlProblem. */
  constructor(file: string, text: string) {
    this.file = file
    try {
      this.value = parse(text, { maxDepth: 32 })
    } catch (error) {
      if (!(error instanceof TomlError)) throw error
      const what = error.message.split('\n')[0] ?? 'invalid TOML'
      throw new TomlProblem(file, error, what, true)
    }
    this.#positions = keyPositions(text)
    this.#assertPlain(this.value, [])
  }

  /** What the schema makes of a table of it, or of all of it. Throws TomlProblem for what it refuses. */
  read<S extends z.ZodType>(schema: S, path: readonly string[] = []): z.output<S> {
    let value: TomlValue | undefined = this.value
    for (const key of path) value = isTable(value) ? value[key] : undefined
    if (value === undefined)
      throw this.problem(path.slice(0, -1), `there is no [${path.join('.')}]`)
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    const [issue, ...others] = parsed.error.issues
    if (!issue) throw this.problem(path, parsed.error.message)
    const rest = others.length === 0 ? '' : ` (and ${others.length} more)`
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
    const place = [...path, ...issue.path, ...unknown].map(String)
    throw this.problem(
      place,
      `${describeIssue({ ...issue, path: place.slice(0, place.length - unknown.length) })}${rest}`,
    )
  }

  problem(path: readonly string[], what: string): TomlProblem {
    return new TomlProblem(this.file, this.positionOf(path), what)
  }

  /** Of what it is in, where that has no place of its own. */
  positionOf(path: readonly string[]): Position {
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.#positions.get(JSON.stringify(path.slice(0, length)))
      if (found) return found
    }
    return { line: 1, column: 1 }
  }

  /** Only what JSON has too: schemas pass over `__proto__`, and a date is not a string. */
  #assertPlain(value: TomlValue, path: readonly string[]): void {
    if (value instanceof TomlDate) throw this.problem(path, 'dates are not used here: quote it')
    if (typeof value === 'number' && !Number.isFinite(value))
      throw this.problem(path, `${value} is not used here`)
    if (typeof value !== 'object') return
    for (const [key, each] of Object.entries(value)) {
      const place = [...path, key]
      if (key === '__proto__') throw this.problem(place, 'no key is called __proto__')
      this.#assertPlain(each, place)
    }
  }
}

const isTable = (value: TomlValue | undefined): value is TomlTable =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof TomlDate)
