// What a group has acknowledged of one partition: everything below `next`, and the ranges ahead of it.

/** Both ends are in it. */
export type Range = readonly [from: number, to: number]

export interface Cursor {
  /** The first offset that is not acknowledged. */
  next: number
  /**
   * Acknowledged out of turn: from, to, from, to …, sorted, apart from each other, all above `next`. Flat, since
   * a reducer reads numbers of a draft much faster than it reads arrays in it.
   */
  ahead: number[]
}
export interface ReadonlyCursor {
  readonly next: number
  readonly ahead: readonly number[]
}

export const cursorAt = (next: number): Cursor => ({ next, ahead: [] })

export function rangesAhead({ ahead }: Pick<ReadonlyCursor, 'ahead'>): Range[] {
  const ranges: Range[] = []
  let from: number | undefined
  for (const offset of ahead) {
    if (from === undefined) {
      from = offset
    } else {
      ranges.push([from, offset])
      from = undefined
    }
  }
  return ranges
}

/** With these acknowledged, too: in any order, also again. */
export function acknowledged(cursor: ReadonlyCursor, ranges: readonly Range[]): Cursor {
  const ahead = [...cursor.ahead]
  for (const range of ranges) add(ahead, range)
  let { next } = cursor
  let reached = 0
  for (; (ahead[reached] ?? next + 1) <= next; reached += 2)
    next = Math.max(next, (ahead[reached + 1] ?? 0) + 1)
  return { next, ahead: ahead.slice(reached) }
}

/** In place of all that it overlaps or touches. Every second number is a range's end. */
function add(ahead: number[], [from, to]: Range): void {
  let begin = firstNotBelow(ahead, from)
  if (begin % 2 === 1) begin -= 1
  else if (ahead[begin - 1] === from - 1) begin -= 2
  let end = firstNotBelow(ahead, to + 1)
  if (end % 2 === 1) end += 1
  else if (ahead[end] === to + 1) end += 2
  const first = Math.min(from, ahead[begin] ?? from)
  const last = Math.max(to, ahead[end - 1] ?? to)
  ahead.splice(begin, end - begin, first, last)
}

/** Nothing below `start` is there any more, so it counts as acknowledged. */
export const movedUp = (cursor: ReadonlyCursor, start: number): Cursor =>
  acknowledged(cursor, start > 0 ? [[0, start - 1]] : [])

/** What is not acknowledged below `end`. */
export function unacknowledged(cursor: ReadonlyCursor, end: number): Range[] {
  const gaps: Range[] = []
  let from = cursor.next
  for (const [first, last] of rangesAhead(cursor)) {
    if (first >= end) break
    gaps.push([from, first - 1])
    from = last + 1
  }
  if (from < end) gaps.push([from, end - 1])
  return gaps
}

export const isAcknowledged = (cursor: ReadonlyCursor, offset: number): boolean =>
  firstUnacknowledged(cursor, offset) !== offset

/** At `from` or after it. */
export function firstUnacknowledged({ next, ahead }: ReadonlyCursor, from: number): number {
  if (from < next) return next
  // Where the first number that is not below `from` is a range's end, `from` is in that range.
  const index = firstNotBelow(ahead, from)
  const isEnd = index % 2 === 1
  const found = ahead[index] ?? from
  return isEnd || found === from ? (ahead[index | 1] ?? from - 1) + 1 : from
}

function firstNotBelow(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? value) < value) low = middle + 1
    else high = middle
  }
  return low
}
