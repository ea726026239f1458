// Contestants take turns, round by round, so that whatever else the machine does hits all of them.
import { Missing } from './peers/load.ts'
import { report } from './progress.ts'

export type Role = 'floor' | 'ministore' | 'peer'

export interface Contestant {
  readonly name: string
  readonly role: Role
  /** What makes it durable, or what else one should know of it. */
  readonly note?: string
  /** False: answers before the disk has it. Only of contestants that write. */
  readonly isDurable?: boolean
  /** Puts calls that are made at the same time into one commit. Only of contestants that write. */
  readonly isGrouping?: boolean
  /** Slower with every call that came before: begins anew in each round. */
  readonly isFresh?: boolean
  /** `directory`: empty, and its own. Throws Missing where its packages are not there. */
  start(directory: string): Promise<Runner>
}

export interface Runner {
  /** `n` is another number in each call. */
  call(n: number): unknown
  /** Does all of a round's calls itself, in place of `call`. */
  many?(first: number, count: number): unknown
  /** `call` has nothing to wait for. */
  readonly isSync?: boolean
  /** Takes no call before the one before it has ended. */
  readonly isSerial?: boolean
  close?(): unknown
}

/** What one contestant has shown. */
export interface Figure {
  readonly name: string
  readonly role: Role
  /** In the row's unit: the median of the rounds. */
  readonly value: number
  /** To the row's floor: the median of the rounds' own ratios. */
  readonly ratio?: number
  /** Of single calls, in the row's unit. */
  readonly percentiles?: Percentiles
  readonly isDurable?: boolean
  /** Processor time of all threads, where the value is of the clock on the wall; in the row's unit. */
  readonly cpu?: number
  readonly note?: string
}
export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}
export interface Skipped {
  readonly name: string
  readonly reason: string
}

export interface Race {
  readonly figures: readonly Figure[]
  readonly skipped: readonly Skipped[]
  /** The median of the rounds' ratios of two contestants; NaN where one did not run. */
  ratio(name: string, to: string): number
}

export interface RaceOptions {
  readonly rounds: number
  /** Calls per round; at once, a tenth for those that take one at a time. */
  readonly count: number
  readonly way: 'in turn' | 'at once'
  readonly directory: (name: string) => string
  /** What the figures are in, per microsecond; default 1. */
  readonly scale?: number
  /** Time each call, too. */
  readonly isLatency?: boolean
}

/** The first contestant is the row's floor. What each round takes is shown on stderr. */
export async function race(
  title: string,
  contestants: readonly Contestant[],
  { rounds, count, way, directory, scale = 1, isLatency = false }: RaceOptions,
): Promise<Race> {
  const { running, skipped } = await startAll(contestants, directory)
  let n = 0
  try {
    // The first two rounds warm up.
    for (let round = -2; round < rounds; round++) {
      report(`${title}: round ${round + 3} of ${rounds + 2}`)
      for (const each of [...running]) {
        const { contestant } = each
        if (contestant.isFresh && round > -2) {
          await each.runner.close?.()
          each.runner = await contestant.start(directory(contestant.name))
        }
        const latencies: number[] | undefined = isLatency ? [] : undefined
        const calls = way === 'at once' ? countAtOnce(each.runner, count) : count
        const start = performance.now()
        try {
          await run(each.runner, n, calls, way, latencies)
        } catch (error) {
          // Ours may not fail. Of a peer that does, no figure is worth anything.
          if (contestant.role !== 'peer') throw error
          skipped.push({ name: contestant.name, reason: `it failed: ${error}` })
          running.splice(running.indexOf(each), 1)
          continue
        }
        const took = ((performance.now() - start) * 1000 * scale) / calls
        n += calls
        if (round < 0) continue
        each.rounds.push(took)
        for (const latency of latencies ?? []) each.latencies.push(latency * 1000 * scale)
      }
    }
  } finally {
    for (const { runner } of running) await runner.close?.()
    report()
  }
  const samples = new Map(running.map(({ contestant, rounds }) => [contestant.name, rounds]))
  const ratio = (name: string, to: string) => medianRatio(samples.get(name), samples.get(to))
  const floor = contestants[0]?.name ?? ''
  const figures = running.map(({ contestant, rounds, latencies }): Figure => {
    const { name, role, note, isDurable } = contestant
    return {
      ...{ name, role, value: median(rounds), ratio: ratio(name, floor) },
      ...(latencies.length > 0 && { percentiles: percentilesOf(latencies) }),
      ...(note !== undefined && { note }),
      ...(isDurable !== undefined && { isDurable }),
    }
  })
  return { figures, skipped, ratio }
}

interface Running {
  readonly contestant: Contestant
  runner: Runner
  readonly rounds: number[]
  readonly latencies: number[]
}

/** Those that can run. */
export async function startAll(
  contestants: readonly Contestant[],
  directory: (name: string) => string,
): Promise<{ running: Running[]; skipped: Skipped[] }> {
  const [running, skipped]: [Running[], Skipped[]] = [[], []]
  for (const contestant of contestants) {
    try {
      const runner = await contestant.start(directory(contestant.name))
      running.push({ contestant, runner, rounds: [], latencies: [] })
    } catch (error) {
      if (!(error instanceof Missing)) throw error
      skipped.push({ name: contestant.name, reason: error.message })
    }
  }
  return { running, skipped }
}

/** Where one call gains nothing from the others, fewer of them say the same. */
const countAtOnce = ({ many, isSync, isSerial }: Runner, count: number) =>
  !many && (isSync || isSerial) ? Math.ceil(count / 10) : count

/** `latencies` gets the milliseconds of each call. */
export async function run(
  { call, many, isSync, isSerial }: Runner,
  first: number,
  count: number,
  way: RaceOptions['way'],
  latencies?: number[],
): Promise<void> {
  if (many && !latencies) {
    await many(first, count)
  } else if (isSync && !latencies) {
    for (let n = first; n < first + count; n++) call(n)
  } else if (way === 'at once' && !isSync && !isSerial) {
    await Promise.all(Array.from({ length: count }, (_, index) => call(first + index)))
  } else {
    for (let n = first; n < first + count; n++) {
      const start = performance.now()
      const called = call(n)
      if (!isSync) await called
      latencies?.push(performance.now() - start)
    }
  }
}

/** Milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

export function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN
}

export function medianRatio(some: readonly number[] = [], to: readonly number[] = []): number {
  return median(some.slice(0, to.length).map((value, round) => value / (to[round] ?? Number.NaN)))
}

function percentilesOf(all: readonly number[]): Percentiles {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
  const [p50 = 0, p90 = 0, p99 = 0, max = 0] = [at(0.5), at(0.9), at(0.99), sorted.at(-1)]
  return { p50, p90, p99, max }
}
