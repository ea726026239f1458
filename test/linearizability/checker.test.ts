import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLinearizable } from './brute-force.ts'
import { check, checkParts } from './checker.ts'
import type { Operation } from './operation.ts'
import {
  type QueueCall,
  queue,
  type RegisterAnswer,
  type RegisterCall,
  register,
} from './register.ts'
import { historyUpTo, renderWindow, smallestWindow } from './window.ts'

const call = <C, A>(
  process: string,
  [start, end]: readonly [number, number],
  what: C,
  answer?: A,
): Operation<C, A> => ({ process, call: what, start, end, answer })

type RegisterOperation = Operation<RegisterCall, RegisterAnswer>
const never = Number.POSITIVE_INFINITY
const write = (process: string, time: readonly [number, number], value: number) =>
  call<RegisterCall, RegisterAnswer>(process, time, { what: 'write', value }, true)
const read = (process: string, time: readonly [number, number], value: number) =>
  call<RegisterCall, RegisterAnswer>(process, time, { what: 'read' }, value)
const swap = (
  process: string,
  time: readonly [number, number],
  [from, to]: readonly [number, number],
  isDone: boolean,
) => call<RegisterCall, RegisterAnswer>(process, time, { what: 'swap', from, to }, isDone)
const unknown = (operation: RegisterOperation): RegisterOperation => ({
  ...operation,
  end: never,
  answer: undefined,
})

describe('histories of the literature', () => {
  test.each<[string, boolean, readonly RegisterOperation[]]>([
    [
      "Porcupine's first example: both reads overlap the write",
      true,
      [write('a', [0, 100], 100), read('b', [25, 75], 100), read('c', [30, 60], 0)],
    ],
    [
      "Porcupine's second example: a later read sees an older value",
      false,
      [write('a', [0, 100], 200), read('b', [10, 30], 200), read('c', [40, 90], 0)],
    ],
    [
      "Knossos' stale read: the write has ended before",
      false,
      [write('a', [0, 10], 1), read('b', [20, 30], 0)],
    ],
    [
      'Jepsen: a write that timed out is seen long after',
      true,
      [
        unknown(write('a', [0, 0], 1)),
        read('b', [10, 20], 0),
        write('b', [30, 40], 2),
        read('b', [50, 60], 2),
        read('b', [70, 80], 1),
      ],
    ],
    [
      'Jepsen: a write that timed out is not seen twice, with another value in between',
      false,
      [
        unknown(write('a', [0, 0], 1)),
        read('b', [10, 20], 1),
        write('b', [30, 40], 2),
        read('b', [50, 60], 1),
      ],
    ],
    [
      'Jepsen: two compare-and-swaps cannot both win',
      false,
      [swap('a', [0, 10], [0, 1], true), swap('b', [0, 10], [0, 2], true)],
    ],
    [
      'a compare-and-swap that lost is explained by a moment in the middle',
      true,
      [write('a', [0, 100], 5), write('b', [40, 50], 0), swap('c', [0, 100], [0, 7], false)],
    ],
    [
      'a refusal that no moment between its start and its end explains',
      false,
      [write('a', [0, 10], 0), swap('c', [20, 30], [0, 7], false), write('b', [40, 50], 5)],
    ],
    [
      'a write of the same value does not take effect too early',
      true,
      [
        write('a', [0, 10], 1),
        write('b', [20, 100], 1),
        write('c', [20, 30], 2),
        read('d', [40, 50], 1),
      ],
    ],
    ['calls that only touch overlap', true, [write('a', [0, 10], 1), read('b', [10, 20], 0)]],
    ['no call at all', true, []],
  ])('%s: %s', (_, expected, history) => {
    const { result } = check(register, history)
    expect(result).toBe(expected ? 'linearizable' : 'not linearizable')
    expect(isLinearizable(register, history)).toBe(expected)
  })

  const put = (process: string, time: readonly [number, number], item: string) =>
    call<QueueCall, string>(process, time, { put: item }, 'done')
  const take = (process: string, time: readonly [number, number], item: string) =>
    call<QueueCall, string>(process, time, 'take', item)
  test.each<[string, boolean, readonly Operation<QueueCall, string>[]]>([
    [
      'puts that overlap are taken in any order',
      true,
      [
        put('A', [0, 30], 'x'),
        put('B', [10, 20], 'y'),
        take('B', [40, 50], 'x'),
        take('A', [45, 70], 'y'),
        put('A', [80, 90], 'z'),
      ],
    ],
    [
      'a put that ended first is not overtaken',
      false,
      [put('A', [0, 10], 'x'), put('B', [20, 30], 'y'), take('A', [40, 50], 'y')],
    ],
    [
      'an item is taken while its put goes on',
      true,
      [put('A', [0, 90], 'x'), take('B', [10, 20], 'x')],
    ],
    [
      'no item is taken twice',
      false,
      [
        put('A', [0, 30], 'x'),
        put('B', [10, 20], 'y'),
        take('A', [40, 60], 'y'),
        take('B', [50, 70], 'y'),
      ],
    ],
  ])('Herlihy and Wing, 1990, figure 1: %s: %s', (_, expected, history) => {
    expect(check(queue, history).result).toBe(expected ? 'linearizable' : 'not linearizable')
    expect(isLinearizable(queue, history)).toBe(expected)
  })
})

/** All orders of the starts and ends of `count` calls, as pairs of their times. */
function* intervals(count: number, times: number[] = []): Generator<[number, number][]> {
  if (times.length === 2 * count) {
    yield Array.from({ length: count }, (_, at) => [times.indexOf(at), times.lastIndexOf(at)])
    return
  }
  for (let at = 0; at < count; at++) {
    const made = times.filter((each) => each === at).length
    if (made < 2) yield* intervals(count, [...times, at])
  }
}

const CALLS: ((time: readonly [number, number]) => RegisterOperation)[] = [
  (time) => read('p', time, 0),
  (time) => read('p', time, 1),
  (time) => write('p', time, 1),
  (time) => write('p', time, 0),
  (time) => swap('p', time, [0, 1], true),
  (time) => swap('p', time, [0, 1], false),
  (time) => unknown(write('p', time, 1)),
  (time) => unknown(swap('p', time, [1, 0], true)),
]

describe('the checker agrees with the definition', () => {
  test('on all histories of up to three calls', () => {
    const counts = { linearizable: 0, 'not linearizable': 0, undecided: 0 }
    for (const count of [1, 2, 3])
      for (const times of intervals(count))
        for (let code = 0; code < CALLS.length ** count; code++) {
          const history = times.map((time, at) => {
            const make = CALLS[Math.floor(code / CALLS.length ** at) % CALLS.length] ?? CALLS[0]
            return make?.(time) ?? read('p', time, 0)
          })
          const { result } = check(register, history)
          counts[result] += 1
          if ((result === 'linearizable') !== isLinearizable(register, history))
            throw new Error(`${result}: ${JSON.stringify(history)}`)
        }
    expect(counts.undecided).toBe(0)
    expect(counts.linearizable).toBeGreaterThan(10_000)
    expect(counts['not linearizable']).toBeGreaterThan(10_000)
  })

  const operation = fc
    .record({ start: fc.nat(12), length: fc.nat(8), code: fc.nat(CALLS.length - 1) })
    .map(
      ({ start, length, code }) => CALLS[code]?.([start, start + length]) ?? read('p', [0, 0], 0),
    )
  test('on random histories of up to seven calls', () => {
    let found = 0
    fc.assert(
      fc.property(fc.array(operation, { minLength: 4, maxLength: 7 }), (history) => {
        const expected = isLinearizable(register, history)
        if (!expected) found += 1
        expect(check(register, history).result === 'linearizable').toBe(expected)
      }),
      { numRuns: 3_000 },
    )
    expect(found).toBeGreaterThan(100)
  })
})

describe('a history that is not linearizable', () => {
  const history = [
    write('a', [0, 10], 1),
    read('b', [12, 20], 1),
    write('a', [22, 30], 2),
    read('b', [32, 40], 1),
    read('c', [42, 50], 9),
  ]

  test('is shown up to the first answer that no order explains', () => {
    const window = smallestWindow(() => register, history, check(register, history))
    expect(window.end).toBe(40)
    expect(window.stuck).toEqual([history[3]])
    expect(renderWindow(register, window)).toBe(
      [
        '3 calls have an order, and then no call can come next. The last ones of the order:',
        'The state after them: the value is 2.',
        'No moment of these calls explains their answers:',
        `      ? b          |${'-'.repeat(38)}|   read → 1`,
      ].join('\n'),
    )
  })

  test('is shown by a prefix such that any shorter one is linearizable', () => {
    let shown = 0
    fc.assert(
      fc.property(
        fc.array(fc.record({ start: fc.nat(30), length: fc.nat(6), code: fc.nat(7) }), {
          minLength: 5,
          maxLength: 12,
        }),
        (made) => {
          const random = made.flatMap(
            ({ start, length, code }) => CALLS[code]?.([start, start + length]) ?? [],
          )
          const verdict = check(register, random)
          if (verdict.result === 'linearizable') return
          shown += 1
          const { end } = smallestWindow(() => register, random, verdict)
          const until = (time: number) => check(register, historyUpTo(random, time)).result
          expect(until(end)).toBe('not linearizable')
          expect(until(end - 1)).toBe('linearizable')
        },
      ),
      { numRuns: 300 },
    )
    expect(shown).toBeGreaterThan(20)
  })

  test('stays undecided if the search would take too long', () => {
    expect(check(register, history, { limit: 2 }).result).toBe('undecided')
  })
})

describe('objects that do not know of each other', () => {
  type Keyed = { readonly key: string; readonly call: RegisterCall }
  const store = {
    ...register,
    step: (value: number, { call: its }: Keyed, answer: RegisterAnswer | undefined) =>
      register.step(value, its, answer),
    isRead: ({ call: its }: Keyed, answer: RegisterAnswer) =>
      register.isRead?.(its, answer) ?? false,
    describeCall: ({ key, call: its }: Keyed) => `${key}: ${register.describeCall(its)}`,
  }
  const of = (key: string, operation: RegisterOperation): Operation<Keyed, RegisterAnswer> => ({
    ...operation,
    call: { key, call: operation.call },
  })
  test('are checked one by one', () => {
    const good = [of('x', write('a', [0, 10], 1)), of('y', read('b', [20, 30], 0))]
    expect(checkParts(store, good, ({ key }) => key).result).toBe('linearizable')
    const bad = [...good, of('x', read('b', [40, 50], 0))]
    expect(checkParts(store, bad, ({ key }) => key)).toMatchObject({
      result: 'not linearizable',
      obstacle: bad[2],
    })
    expect(checkParts(store, [], ({ key }) => key).result).toBe('linearizable')
  })
})
