// Where in a file reading may begin, so that no reader begins at its first record.
import type { FilePosition } from './scan.ts'

const MARK_BYTES = 2 ** 16

export class SeekIndex {
  #marks: FilePosition[]

  /** At these in any case. */
  constructor(...marks: FilePosition[]) {
    this.#marks = marks
  }

  /** In the file's order; most of them are passed over. */
  add(mark: FilePosition): void {
    const last = this.#marks.at(-1)
    if (!last || mark.offset - last.offset >= MARK_BYTES) this.#marks.push(mark)
  }

  /** The last one before record `seq`. */
  before(seq: number): FilePosition {
    const [first = { seq: 0, offset: 0, line: 0 }] = this.#marks
    return this.#marks.findLast((mark) => mark.seq < seq) ?? first
  }

  /** For a file in which everything after `from` now follows `to`. */
  moved(from: FilePosition, to: FilePosition): SeekIndex {
    const marks = new SeekIndex(to)
    marks.#marks.push(
      ...this.#marks.filter(({ seq }) => seq > from.seq).map((mark) => moved(mark, from, to)),
    )
    return marks
  }
}

export const moved = (
  { seq, offset, line }: FilePosition,
  from: FilePosition,
  to: FilePosition,
): FilePosition => ({
  seq,
  offset: offset - from.offset + to.offset,
  line: line - from.line + to.line,
})
