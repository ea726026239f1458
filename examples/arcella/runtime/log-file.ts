// log/arcella.log: a line for each thing that happened, and for each line that a module wrote. It is bounded:
// when it is full, it becomes arcella.log.1, in the place of the one before.
import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs'

export const LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type Level = (typeof LEVELS)[number]

export interface LogOptions {
  /** What is less important is not written. */
  readonly level: Level
  readonly maxBytes: number
}

const NEWLINE = '\n'
const MOST_TAIL_BYTES = 65_536

export class LogFile {
  readonly #path: string
  readonly #options: LogOptions
  #file: number
  #size: number
  /** Written together, at the end of this turn. */
  #pending: string[] = []
  #isFailed = false
  #isClosed = false

  /** Only for who has the registry's lock. */
  constructor(path: string, options: LogOptions) {
    this.#path = path
    this.#options = options
    this.#file = openSync(path, 'a+', 0o600)
    this.#size = fstatSync(this.#file).size
    // A crash may have cut off the last line.
    if (this.#size > 0 && !readEnd(this.#file, 1).endsWith(NEWLINE)) this.#write(NEWLINE)
  }

  /** `source`: `arcella`, or an instance. */
  add(level: Level, source: string, text: string): void {
    if (this.#isClosed || LEVELS.indexOf(level) > LEVELS.indexOf(this.#options.level)) return
    const line = `${new Date().toISOString()} ${level} ${source}: ${onOneLine(text)}\n`
    if (this.#pending.push(line) === 1) setImmediate(() => this.flush())
  }

  flush(): void {
    const text = this.#pending.splice(0).join('')
    if (text !== '') this.#write(text)
  }

  /** At most so many lines, the newest first; fewer where they are longer than an answer may be. */
  tail(count: number): string[] {
    this.flush()
    const newest = linesOf(readEnd(this.#file, MOST_TAIL_BYTES))
    const lines = newest.length >= count ? newest : [...this.#older(), ...newest]
    return lines.slice(-count).reverse()
  }

  /** What is added later is dropped. */
  close(): void {
    this.flush()
    this.#isClosed = true
    closeSync(this.#file)
  }

  #older(): string[] {
    try {
      const file = openSync(`${this.#path}.1`, 'r')
      try {
        return linesOf(readEnd(file, MOST_TAIL_BYTES))
      } finally {
        closeSync(file)
      }
    } catch {
      // The file does not exist.
      return []
    }
  }

  /** A log that cannot be written stops nothing. It is reported once. */
  #write(text: string): void {
    try {
      if (this.#size > 0 && this.#size + Buffer.byteLength(text) > this.#options.maxBytes)
        this.#rotate()
      this.#size += writeSync(this.#file, text)
      this.#isFailed = false
    } catch (error) {
      if (!this.#isFailed) console.error(`arcella: ${this.#path} cannot be written: ${error}`)
      this.#isFailed = true
    }
  }

  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`)
    const file = openSync(this.#path, 'a+', 0o600)
    closeSync(this.#file)
    this.#file = file
    this.#size = 0
  }
}

function readEnd(file: number, bytes: number): string {
  const { size } = fstatSync(file)
  const into = Buffer.alloc(Math.min(bytes, size))
  const read = readSync(file, into, 0, into.length, size - into.length)
  const text = into.subarray(0, read).toString()
  // Its first line was cut, unless all of the file was read.
  return size > bytes && bytes > 1 ? text.slice(text.indexOf(NEWLINE) + 1) : text
}

const linesOf = (text: string): string[] => text.split(NEWLINE).filter((line) => line !== '')

const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Nothing that a terminal obeys, and nothing that looks like another line. */
const onOneLine = (text: string): string =>
  text.replace(UNSAFE, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
