// What the writers are given to do.
import type { Random } from 'ministore-ts/testing'
import type { Step } from './children/bank.ts'

/** One deposit, with a key. */
export function step(
  id: number,
  { memo = `memo ${id}`, ...more }: Partial<Step> & { memo?: string } = {},
): Step {
  const payload = { id, account: 'ann', cents: id, memo }
  return { id, mutations: [{ type: 'deposit', payload }], key: `request ${id}`, ...more }
}

/** Of every kind: alone, a batch, a large one, and groups. */
export const STEPS: readonly Step[] = [
  step(11),
  step(12, {
    mutations: [
      ...step(12).mutations,
      { type: 'close', payload: { id: 12, account: 'ann' } },
      ...step(12).mutations,
    ],
  }),
  step(13, { memo: '😀\u2028"\\\n'.repeat(20_000) }),
  step(14, { followed: 'at once' }),
  step(15, { followed: 'at once', memo: 'x'.repeat(2000) }),
  step(16, { followed: 'in the air' }),
  step(17),
  step(18),
]

/** Singles, batches and keyed ones, one after the other and many at once, of all sizes. */
export function makeSteps(numbers: Random, firstId: number, count: number): Step[] {
  let burst = 0
  let lengths = LENGTHS
  return Array.from({ length: count }, (_, index): Step => {
    const id = firstId + index
    if (burst > 0) {
      burst -= 1
    } else {
      burst = numbers.chance(0.2) ? 1 + numbers.below(20) : 0
      // Now and then megabytes in one write, so that a kill can come in the middle of it.
      lengths = burst > 0 && numbers.chance(0.03) ? LARGE : LENGTHS
    }
    const size = numbers.chance(0.15) ? 2 + numbers.below(4) : 1
    const followed = numbers.chance(0.8) ? 'at once' : 'in the air'
    return {
      id,
      mutations: Array.from({ length: size }, () => makeMutation(numbers, id, lengths)),
      ...(numbers.chance(0.3) && { key: `request ${id}` }),
      ...(burst > 0 && { followed }),
    }
  })
}

const UNITS = ['x', 'x', 'x', 'ü', '€', '😀', '\u2028', '"\\\n']
const LENGTHS = [30, 30, 30, 30, 30, 1_500, 1_500, 1_500, 30_000]
const LARGE = [200_000]

function makeMutation(numbers: Random, id: number, lengths: number[]): Step['mutations'][number] {
  const account = numbers.pick(['ann', 'bob', 'cy', 'dot'])
  if (numbers.chance(0.1)) return { type: 'close', payload: { id, account } }
  const memo = numbers.pick(UNITS).repeat(numbers.below(numbers.pick(lengths)))
  return { type: 'deposit', payload: { id, account, cents: numbers.below(10_000), memo } }
}
