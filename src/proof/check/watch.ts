// One run of a user's function, at a time and place that the check decides, and what it uses of them.
import type { AcceptedSources, ImpureSource } from '../../mutation/spec.ts'

/** When and where a function runs. Two runs in equal conditions get the same clock and random numbers. */
export interface Conditions {
  /** 0: here and now. Any other number: another time, other random numbers, another host. */
  readonly variant: number
  /** What the clock shows in even variants: the time of the record, ISO-8601. In odd ones it is years ahead. */
  readonly at?: string | undefined
  /** Only this source differs from variant 0. Default: all of them. */
  readonly only?: ImpureSource | undefined
  /** These never differ from variant 0, because the definition accepts them. */
  readonly accepted?: AcceptedSources | undefined
}

export interface Use {
  readonly source: ImpureSource
  /** As in the source code, such as `Date.now()`. */
  readonly name: string
  /** Its answers are real ones, so that they differ in equal conditions too. */
  readonly isReal?: boolean
}

export const HERE: Conditions = { variant: 0 }

/** The real one. */
const parseDate = Date.parse
const SECOND = 1_000
const DAY = 86_400 * SECOND

/** The function that is running. */
export class Watched {
  readonly #onUse: (use: Use) => void
  readonly #conditions: Conditions
  #names: Set<string> | undefined
  #ticks = 0
  #draws = 0
  /** Restores what had to be changed for this run. */
  release: (() => void) | undefined

  constructor(onUse: (use: Use) => void, conditions: Conditions) {
    this.#onUse = onUse
    this.#conditions = conditions
  }

  /** Notes the use. Returns whether its answer has to differ from that of variant 0. */
  use(source: ImpureSource, name: string, isReal = false): boolean {
    this.#names ??= new Set()
    if (!this.#names.has(name)) this.#onUse({ source, name, isReal })
    this.#names.add(name)
    return this.isVaried(source)
  }

  isVaried(source: ImpureSource): boolean {
    const { variant, only = source, accepted } = this.#conditions
    return variant > 0 && only === source && accepted?.[source] === undefined
  }

  get variant(): number {
    return this.#conditions.variant
  }

  get hasReadClock(): boolean {
    return this.#ticks > 0
  }

  /** Milliseconds since 1970. Each reading is later than the one before, by another step in each variant. */
  now(): number {
    this.#ticks += 1
    if (!this.isVaried('clock')) return started + this.#ticks
    const { variant, at } = this.#conditions
    const ticks = this.#ticks * (variant + 6.25)
    const recorded = variant % 2 === 0 && at !== undefined ? parseDate(at) : Number.NaN
    if (!Number.isNaN(recorded)) return recorded + ticks
    // Another year, month, day of the week, hour, minute and second; other ones in each variant.
    const days = 1_201 + 173 * variant
    return started + days * DAY + (variant * 17_000 + 673) * SECOND + ticks
  }

  /** Milliseconds since the process began, which was at `origin`. */
  elapsed(origin: number): number {
    this.#ticks += 1
    if (!this.isVaried('clock')) return started - origin + this.#ticks
    const { variant } = this.#conditions
    return variant * 4_937_117 + this.#ticks * (variant + 6.25)
  }

  /**
   * In [0, 1). Variant 1 takes the other end of the range, so that `random() < 0.5` differs. The first
   * numbers of variants 2 and 3 are at the ends, so that `random() < 0.01` does.
   */
  random(): number {
    this.#draws += 1
    const { variant } = this.#conditions
    const here = fraction(this.#draws)
    if (!this.isVaried('random')) return here
    if (variant === 1) return 1 - 2 ** -32 - here
    if (this.#draws === 1 && variant === 2) return here / 1_000
    if (this.#draws === 1 && variant === 3) return 1 - 2 ** -32 - here / 1_000
    return fraction(this.#draws, variant)
  }
}

/** A well-mixed number in [0, 1 - 2^-32): the finalizer of MurmurHash3 (Appleby 2011). */
function fraction(draw: number, seed = 0): number {
  let hash = Math.imul(draw, 0x9e3779b9) ^ Math.imul(seed, 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / (2 ** 32 + 1)
}

let watched: Watched | undefined
/** When the last check began, in milliseconds since 1970. */
let started = 0

/** The function that is running; undefined between two, and while one writes to a log. */
export const running = (): Watched | undefined => watched

/** The real one. */
const realNow = Date.now

/** Variant 0 is from now on. Ends with the millisecond, so that no time that is known by now is later. */
export function begin(): void {
  started = realNow()
  while (realNow() === started) {}
}

/** Whether `ms` can only come from a clock that was read since the check began. */
export const isSinceBegin = (ms: number, now: number): boolean => ms > started && ms <= now

/** Runs `run` unwatched, inside of a watched function. */
export function unwatched<T>(run: () => T): T {
  const before = watched
  watched = undefined
  try {
    return run()
  } finally {
    watched = before
  }
}

/** The global `Date` while a function is watched. */
let watchedDate: DateConstructor | undefined

export function setWatchedDate(date: DateConstructor | undefined): void {
  watchedDate = date
}

/** Calls `onUse` for each impure function that `run` calls, while traps are set. */
export function watch<T>(
  run: () => T,
  conditions: Conditions = HERE,
  onUse: (use: Use) => void = ignore,
): T {
  const host = globalThis as { Date: DateConstructor }
  const date = host.Date
  const own = new Watched(onUse, conditions)
  watched = own
  if (watchedDate) host.Date = watchedDate
  try {
    return run()
  } finally {
    host.Date = date
    watched = undefined
    own.release?.()
  }
}

const ignore = () => undefined
