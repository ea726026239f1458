// Records give the state: all of a journal, against a bare JSON.parse of its lines.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { inChild } from './child-process.ts'
import { forge, readTexts } from './journals.ts'
import { type Figure, median, medianRatio, type Skipped } from './measure.ts'
import { fillSqlite } from './peers/better-sqlite3.ts'
import { Missing } from './peers/load.ts'
import { report } from './progress.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'

export const LIVE = 5000

type Timing = () => Promise<{
  readonly ms: number
  readonly cpuMs: number
  readonly total?: number
}>
type Entry = Pick<Figure, 'name' | 'role' | 'note'> & { readonly time: Timing }

export async function replay(options: Options): Promise<Row> {
  const title = 'replay'
  const { records } = options
  const directory = directoryIn(options)('replay')
  const path = join(directory, 'orders.jsonl')
  const database = join(directory, 'orders.db')
  report(`${title}: writing ${records} records`)
  await forge(path, records, LIVE)
  const missing = fill(database, path)
  const started =
    'its events are objects in memory before the clock starts: nothing is read or parsed'
  const { figures, skipped, ratio } = await raceChildren(title, rounds(options), [
    {
      ...{ name: 'JSON.parse of every line', role: 'floor', note: 'the file is in memory' },
      time: () => inChild('parse', { path, isKept: false }),
    },
    {
      ...{ name: 'ministore', role: 'ministore', note: 'open: recovery, checksums, reducer' },
      time: () => inChild('open', { path }),
    },
    {
      ...{ name: 'better-sqlite3', role: 'peer', note: 'SELECT, JSON.parse, the same reducer' },
      async time() {
        if (missing) throw missing
        return inChild('sqlite', { path: database })
      },
    },
    {
      ...{ name: 'Emmett, in memory', role: 'peer', note: started },
      time: () => inChild('emmett', { path }, HEAP),
    },
    {
      ...{ name: 'Castore, in memory', role: 'peer', note: started },
      time: () => inChild('castore', { path }, HEAP),
    },
  ])
  return {
    id: 'replay',
    title,
    work: `${records} records, ${LIVE} live keys, ${megabytes(path)} MB; each in a process of its own`,
    unit: 'ms',
    figures,
    targets: [
      atMost('ministore ≤ 2 × JSON.parse', ratio('ministore', 'JSON.parse of every line'), 2),
    ],
    skipped,
  }
}

/** What is missing, if anything is. */
function fill(database: string, path: string): Missing | undefined {
  try {
    fillSqlite(database, readTexts(path))
    return undefined
  } catch (error) {
    if (error instanceof Missing) return error
    throw error
  }
}

/** So that a million objects of a peer do not end it. */
const HEAP = ['--max-old-space-size=8192']

export const rounds = ({ isQuick, rounds }: Options): number => Math.min(rounds, isQuick ? 2 : 5)

export const megabytes = (path: string): string => (statSync(path).size / 1e6).toFixed(1)

/** The first is the floor. Whoever gives another state than the others is an error. */
export async function raceChildren(title: string, rounds: number, entries: readonly Entry[]) {
  const samples = new Map<string, number[]>(entries.map(({ name }) => [name, []]))
  const cpu = new Map<string, number[]>(entries.map(({ name }) => [name, []]))
  const skipped: Skipped[] = []
  const totals = new Set<number>()
  for (let round = 0; round < rounds; round++) {
    for (const { name, time } of entries) {
      if (skipped.some((each) => each.name === name)) continue
      report(`${title}: round ${round + 1} of ${rounds}, ${name}`)
      try {
        const { ms, cpuMs, total } = await time()
        samples.get(name)?.push(ms)
        cpu.get(name)?.push(cpuMs)
        if (total !== undefined) totals.add(total)
      } catch (error) {
        if (!(error instanceof Missing)) throw error
        skipped.push({ name, reason: error.message })
      }
    }
  }
  report()
  if (totals.size > 1) throw new Error(`${title}: different states: ${[...totals].join(', ')}`)
  const ratio = (name: string, to: string) => medianRatio(samples.get(name), samples.get(to))
  const figures = entries
    .filter(({ name }) => samples.get(name)?.length)
    .map(({ time: _, ...entry }): Figure => {
      const value = median(samples.get(entry.name) ?? [])
      const times = { value, cpu: median(cpu.get(entry.name) ?? []) }
      return { ...entry, ...times, ratio: ratio(entry.name, entries[0]?.name ?? '') }
    })
  return { figures, skipped, ratio }
}
