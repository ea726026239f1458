// Where in a file reading may begin, so that no reader begins at its first record.
import type { Mark } from './scan.ts'

const MARK_BYTES = 2 ** 16

export class Marks {
  #marks: Mark[]

  /** At these in any case. */
  constructor(...marks: Mark[]) {
    this.#marks = marks
  }

  /** In the file's order; most of them are passed over. */
  add(mark: Mark): void {
    const last = this.#marks.at(-1)
    if (!last || mark.offset - last.offset >= MARK_BYTES) this.#marks.push(mark)
  }

  /** The last one behind which record `seq` stands. */
  before(seq: number): Mark {
    const [first = { seq: 0, offset: 0, line: 0 }] = this.#marks
    return this.#marks.findLast((mark) => mark.seq < seq) ?? first
  }

  /** For a file in which all that is behind `from` stands behind `to`. */
  moved(from: Mark, to: Mark): Marks {
    const marks = new Marks(to)
    marks.#marks.push(
      ...this.#marks.filter(({ seq }) => seq > from.seq).map((mark) => moved(mark, from, to)),
    )
    return marks
  }
}

export const moved = ({ seq, offset, line }: Mark, from: Mark, to: Mark): Mark => ({
  seq,
  offset: offset - from.offset + to.offset,
  line: line - from.line + to.line,
})
