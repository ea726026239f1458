// Several processes that append to one journal as fast as they can: what all of them reach together, what each
// one gets of it, and how long one waits. Beside it: the bare compare-and-swap loop.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Where } from './engine.ts'
import { median } from './measure.ts'
import { report } from './progress.ts'
import { atLeast, atMost, type Options, type Row } from './row.ts'
import type { Assignment, Written } from './writer.ts'

const WRITERS = [1, 2, 4, 8]
const WAYS = ['bare client', 'ministore'] as const
/** In milliseconds: how long they append before they are measured, and while they are. */
const WARM_MS = 1_000
const MEASURED_MS = 3_000

const program = fileURLToPath(new URL(`writer${extname(import.meta.url)}`, import.meta.url))

/** `newName`: of a journal that does not exist. */
export async function contending(
  label: string,
  where: Where,
  newName: () => string,
  { isQuick }: Options,
): Promise<Row> {
  const title = `${label}: writers of one journal`
  const rounds = isQuick ? 1 : 5
  const samples = new Map<string, Sample[]>()
  for (let round = 0; round < rounds; round++) {
    for (const count of WRITERS) {
      for (const way of WAYS) {
        report(`${title}: ${count} × ${way}, round ${round + 1}`)
        const all = samples.get(`${way} ${count}`) ?? []
        all.push(await contend({ where, way, name: newName() }, count))
        samples.set(`${way} ${count}`, all)
      }
    }
  }
  report()
  const of = (way: string, count: number, pick: (sample: Sample) => number) =>
    median((samples.get(`${way} ${count}`) ?? []).map(pick))
  const perSecond = (sample: Sample) => sample.perSecond
  const total = of('ministore', 8, perSecond) / of('ministore', 1, perSecond)
  return {
    ...{ id: `${label}-contention`, title, unit: 'µs', figures: [], skipped: [] },
    work: 'each writer is a process that appends one durable record after the other; time by the number of writers, for a record of any',
    curves: {
      of: 'writers',
      lines: WAYS.map((name) => ({
        name,
        role: name === 'ministore' ? 'ministore' : 'floor',
        points: WRITERS.map((count) => [count, 1e6 / of(name, count, perSecond)]),
      })),
    },
    targets: [
      atLeast('8 writers together ≥ 0.8 × one', total, 0.8),
      atLeast(
        'of 8, the one with the fewest ≥ 0.5 × the one with the most',
        of('ministore', 8, share),
        0.5,
      ),
      atMost(
        'of 8, the longest time without a record ≤ 1,000 ms',
        of('ministore', 8, longest),
        1_000,
      ),
    ],
    notes: WAYS.flatMap((way) =>
      WRITERS.map((count) => {
        const rate = of(way, count, perSecond)
        const figures = [
          `${Math.round(rate)} records a second`,
          `${(rate / of(way, 1, perSecond)).toFixed(2)} × one`,
          `least/most ${of(way, count, share).toFixed(2)}`,
          `longest gap ${Math.round(of(way, count, longest))} ms`,
          `processor ${(of(way, count, cpuMs) / rate / (MEASURED_MS / 1000)).toFixed(2)} ms a record`,
        ]
        return `${way}, ${count}: ${figures.join(', ')}`
      }),
    ),
  }
}

interface Sample {
  readonly perSecond: number
  readonly written: readonly Written[]
}
const share = ({ written }: Sample): number => {
  const counts = written.map(({ count }) => count)
  return Math.min(...counts) / Math.max(...counts)
}
const longest = ({ written }: Sample): number => Math.max(...written.map(({ gapMs }) => gapMs))
const cpuMs = ({ written }: Sample): number => written.reduce((sum, each) => sum + each.cpuMs, 0)

type Work = Pick<Assignment, 'where' | 'way' | 'name'>

/** All begin at the same time, by the clock of this machine. */
async function contend(work: Work, writers: number): Promise<Sample> {
  const children = Array.from({ length: writers }, () => start(work))
  await Promise.all(children.map((child) => child.ready))
  const from = Date.now() + 200 + WARM_MS
  const written = await Promise.all(children.map((child) => child.run(from)))
  const count = written.reduce((sum, each) => sum + each.count, 0)
  return { perSecond: (count * 1000) / MEASURED_MS, written }
}

function start(work: Work) {
  const assignment: Assignment = { ...work, warmMs: WARM_MS, measuredMs: MEASURED_MS }
  const given = [...process.execArgv, program, JSON.stringify(assignment)]
  const child = spawn(process.execPath, given, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('a writer ended early')
    return value
  }
  const isGone = once(child, 'exit')
  return {
    ready: next(),
    async run(from: number): Promise<Written> {
      child.stdin.end(`${from}\n`)
      const written: Written = JSON.parse(await next())
      await isGone
      return written
    },
  }
}
