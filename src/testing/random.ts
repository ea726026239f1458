// Random numbers that come again: the same seed gives the same numbers on every machine.

export interface Random {
  /** At least 0, below 1. */
  next(): number
  /** A whole number, at least 0, below `bound`. */
  below(bound: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of them, which must not be none. */
  pick<T>(items: readonly T[]): T
}

/** mulberry32 by Tommy Ettinger: 32 bits of state, enough for choosing faults. */
export function random(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
  }
}
