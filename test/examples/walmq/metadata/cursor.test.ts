import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acknowledged,
  type Cursor,
  cursorAt,
  firstUnacknowledged,
  isAcknowledged,
  movedUp,
  type Range,
  rangesAhead,
  unacknowledged,
} from '../../../../examples/walmq/metadata/cursor.ts'

const MOST = 60
const offset = fc.nat({ max: MOST })
const range = fc
  .tuple(offset, fc.nat({ max: 8 }))
  .map(([from, more]): Range => [from, Math.min(MOST, from + more)])
const step = fc.oneof(
  { weight: 5, arbitrary: fc.array(range, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: offset },
)

const all = Array.from({ length: MOST + 3 }, (_, index) => index)

/** A cursor, and as a set what it stands for. An array is acknowledged, a number is a new start. */
function play(start: number, steps: readonly (Range[] | number)[]): [Cursor, Set<number>] {
  let cursor = cursorAt(start)
  const model = new Set(all.filter((each) => each < start))
  for (const each of steps) {
    cursor = typeof each === 'number' ? movedUp(cursor, each) : acknowledged(cursor, each)
    const ranges: Range[] = typeof each === 'number' ? [[0, each - 1]] : each
    for (const [from, to] of ranges) for (let at = from; at <= to; at += 1) model.add(at)
  }
  return [cursor, model]
}

describe('a cursor', () => {
  const plays = fc.tuple(offset, fc.array(step, { maxLength: 20 }))

  test('has acknowledged what a set has, in whatever order and how often it came', () => {
    fc.assert(
      fc.property(plays, ([start, steps]) => {
        const [cursor, model] = play(start, steps)
        expect(all.filter((each) => isAcknowledged(cursor, each))).toEqual(
          all.filter((each) => model.has(each)),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('has one form for one set: ranges are sorted, apart from each other, and above next', () => {
    fc.assert(
      fc.property(plays, ([start, steps]) => {
        const [cursor, model] = play(start, steps)
        expect(model.has(cursor.next)).toBe(false)
        let before = cursor.next
        for (const [from, to] of rangesAhead(cursor)) {
          expect(from).toBeGreaterThan(before)
          expect(to).toBeGreaterThanOrEqual(from)
          before = to + 1
        }
      }),
    )
  })

  test('finds the first that is not acknowledged, and all below an end', () => {
    fc.assert(
      fc.property(plays, offset, ([start, steps], at) => {
        const [cursor, model] = play(start, steps)
        const missing = all.filter((each) => !model.has(each))
        expect(firstUnacknowledged(cursor, at)).toBe(missing.find((each) => each >= at))
        const gaps = unacknowledged(cursor, at)
        expect(gaps.flatMap(([from, to]) => all.slice(from, to + 1))).toEqual(
          missing.filter((each) => each < at),
        )
      }),
    )
  })

  test('is not changed by what it gives', () => {
    const cursor = Object.freeze({ next: 1, ahead: Object.freeze([3, 4]) })
    expect(acknowledged(cursor, [[1, 1]])).toEqual({ next: 2, ahead: [3, 4] })
    expect(movedUp(cursor, 4)).toEqual({ next: 5, ahead: [] })
  })
})
