// Narrowings of what has no parts: lengths, patterns, bounds.
import type { Alternative, Arrays, Bound, Numbers, Strings } from './alternatives.ts'
import type { Narrowing } from './narrowing.ts'

export function stringNarrowings(was: Strings, is: Strings): Narrowing[] {
  const [pattern] = was.patterns
  const before = pattern === undefined ? 'it had none' : `it was /${pattern}/`
  const patterns = is.patterns.filter((each) => !was.patterns.includes(each))
  return [
    ...lengthNarrowings(was, is, 'Length'),
    ...patterns.map((each) => here(`pattern /${each}/ where ${before}`)),
  ]
}

/** `what`: Length or Items. */
export function lengthNarrowings(
  was: Strings | Arrays,
  is: Strings | Arrays,
  what: string,
): Narrowing[] {
  const max = was.max === Infinity ? 'had none' : `was ${was.max}`
  return [
    ...(was.min < is.min ? [here(`min${what} ${is.min} where it was ${was.min}`)] : []),
    ...(was.max > is.max ? [here(`max${what} ${is.max} where it ${max}`)] : []),
  ]
}

export function numberNarrowings(was: Numbers, is: Numbers): Narrowing[] {
  // Zod counts what is next to a multiple as one: only of integers it is known to be none of the others.
  const factors = was.isInteger ? [1, ...was.multiples] : was.multiples
  const multiples = is.multiples.filter((each) =>
    was.isInteger
      ? !factors.some((factor) => isMultiple(factor, each))
      : !was.multiples.includes(each),
  )
  return [
    ...(is.isInteger && !was.isInteger ? [here('an integer where it was a number')] : []),
    ...boundNarrowings('minimum', was.lower, is.lower, was.lower.value < is.lower.value),
    ...boundNarrowings('maximum', was.upper, is.upper, was.upper.value > is.upper.value),
    ...multiples.map((each) => here(`multipleOf ${each} where it was ${factors[0] ?? 'any'}`)),
  ]
}

const isMultiple = (value: number, of: number) =>
  Number.isSafeInteger(value / of) && (value / of) * of === value

function boundNarrowings(name: string, was: Bound, is: Bound, isBeyond: boolean): Narrowing[] {
  const isStricter = isBeyond || (was.value === is.value && is.isOpen && !was.isOpen)
  if (!isStricter) return []
  const told = ({ value, isOpen }: Bound) => `${value}${isOpen ? ' (exclusive)' : ''}`
  const before = Number.isFinite(was.value) ? `was ${told(was)}` : 'had none'
  return [here(`${name} ${told(is)} where it ${before}`)]
}

/** Whether this very value is one of those, as far as that can be told. */
export function takes(is: Alternative, value: unknown): boolean {
  if (is.kind === 'value') {
    const isSame = JSON.stringify(is.value) === JSON.stringify(value)
    return isSame && is.within.every((each) => takes(each, value))
  }
  if (is.kind === 'string' && typeof value === 'string') return takesString(is, value)
  return is.kind === 'number' && typeof value === 'number' && takesNumber(is, value)
}

function takesString({ min, max, patterns }: Strings, value: string): boolean {
  // Zod has counted both ways: UTF-16 units once, code points now.
  const lengths = [value.length, [...value].length]
  const fits = lengths.every((length) => length >= min && length <= max)
  return fits && patterns.every((pattern) => matches(pattern, value))
}

export function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    return false
  }
}

function takesNumber(is: Numbers, value: number): boolean {
  const { lower, upper } = is
  return (
    (!is.isInteger || Number.isInteger(value)) &&
    (lower.isOpen ? value > lower.value : value >= lower.value) &&
    (upper.isOpen ? value < upper.value : value <= upper.value) &&
    is.multiples.every((each) => isMultiple(value, each))
  )
}

const here = (change: string): Narrowing => ({ path: '', change })
