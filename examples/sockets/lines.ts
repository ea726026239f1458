// Turns bytes into lines. Skips a line over the limit up to its end, and never keeps it in memory.

const NEWLINE = 10

/** The bytes of a line, or `too_long`: told once, as soon as it is known. */
export type Line = Buffer | 'too_long'

export class LineReader {
  /** Bytes of a line; a change counts from the next line on. */
  limit: number
  #parts: Buffer[] = []
  #bytes = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Of the line that is not ended yet. */
  get bytes(): number {
    return this.#bytes
  }

  *read(chunk: Buffer): Generator<Line> {
    let from = 0
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, from)
      const part = chunk.subarray(from, newline < 0 ? chunk.length : newline)
      const wasTooLong = this.#bytes > this.limit
      this.#bytes += part.length
      const isTooLong = this.#bytes > this.limit
      if (isTooLong) this.#parts = []
      else this.#parts.push(part)
      if (isTooLong && !wasTooLong) yield 'too_long'
      if (newline < 0) return
      const line = this.#parts
      this.#parts = []
      this.#bytes = 0
      if (!isTooLong) yield Buffer.concat(line)
      from = newline + 1
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws if the line is not JSON in UTF-8. */
export const parseLine = (line: Buffer): unknown => JSON.parse(utf8.decode(line))
