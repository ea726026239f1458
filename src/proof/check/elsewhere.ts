// The same function at another time and place: does it give the same, and if not, because of what?
import type { AcceptedSources, ImpureSource } from '../../mutation/spec.ts'
import type { FindingDraft } from './findings.ts'
import type { Conditions, Use } from './watch.ts'

/** Runs the function, watched, and never throws: what it throws is a result. */
export type Run<T, U extends Use = Use> = (conditions: Conditions, onUse: (use: U) => void) => T

export interface Difference<T, U extends Use = Use> {
  readonly again: T
  /** What it comes from; empty if that is not known. */
  readonly uses: readonly U[]
}

/** Enough for each day of the week, and for a random number on each side of most limits. */
const ALL = [1, 2, 3, 4, 5, 6, 7, 8]

/** A function that used nothing that the check can vary needs one more run, which finds hidden sources. */
export const variantsFor = (uses: readonly Use[], seq: number): readonly number[] =>
  uses.length > 0 ? ALL : [1 + (seq % ALL.length)]

/** The first difference between `here`, the result in variant 0, and those in `variants`. */
export function findDifference<T, U extends Use>(
  run: Run<T, U>,
  here: T,
  usesHere: readonly U[],
  variants: readonly number[],
  isSame: (one: T, other: T) => boolean,
): Difference<T, U> | undefined {
  for (const variant of variants) {
    const uses = [...usesHere]
    const again = run({ variant }, (use) => uses.push(use))
    if (isSame(here, again)) continue
    // In equal conditions it gives two results as well: what it depends on is nothing that was varied.
    if (!isSame(here, run({ variant: 0 }, ignore)))
      return { again, uses: uses.filter(({ isReal }) => isReal) }
    const sources = [...new Set(uses.map(({ source }) => source))]
    const culprits = sources.filter((only) => !isSame(here, run({ variant, only }, ignore)))
    const blamed = uses.filter(({ source }) => culprits.includes(source))
    return { again, uses: blamed.length > 0 ? blamed : uses }
  }
  return undefined
}

const ignore = () => undefined

/** Of what a function uses. */
export interface Subject {
  /** `apply of buy` */
  readonly name: string
  /** `state` */
  readonly result: string
  readonly type?: string | undefined
}

const ADVICE: Readonly<Record<ImpureSource, string>> = {
  clock: 'Take the time from meta.at, or put it into the payload',
  random: 'Make the value before you dispatch, and put it into the payload',
  timeZone: 'Use the UTC methods, or name a time zone',
  locale: 'Name a locale',
  environment: 'Read it before you dispatch, and put it into the payload',
  host: 'Read it before you dispatch, and put it into the payload',
  files: 'Read it before you dispatch, and put it into the payload',
  later: 'Do it after the dispatch',
}

const MOST_NAMES = 5

export function describeDifference(
  { name, result, type }: Subject,
  uses: readonly Use[],
  advice?: string,
): FindingDraft {
  const first = uses[0]
  if (!first) {
    const message = `${name} gives another ${result} each time, from the same input`
    return { rule: 'nondeterministic', severity: 'error', message, type }
  }
  const names = [...new Set(uses.map((use) => use.name))]
  const more = names.length > MOST_NAMES ? ' and more' : ''
  const listed = `${names.slice(0, MOST_NAMES).join(', ')}${more}`
  const what = `${name} uses ${listed}: at another time or place it gives another ${result}`
  const message = `${what}. ${advice ?? ADVICE[first.source]}`
  return { rule: 'impure', severity: 'error', message, type }
}

/** What makes no difference, or is accepted. */
export function describeUse(
  { name, result, type }: Subject,
  use: Use,
  accepted: AcceptedSources,
): FindingDraft {
  const reason = accepted[use.source]
  const why =
    reason === undefined
      ? `. The ${result} did not depend on it, so this is harmless so far`
      : `. The definition accepts that: ${reason}`
  const message = `${name} uses ${use.name}${why}`
  return { rule: 'impure', severity: 'note', message, type }
}
