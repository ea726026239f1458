// npm run bench [-- --quick] [-- --only durable-one,growth] [-- --rounds 20] [-- --records 1000000]
//   [-- --json figures.json] [-- --out docs/benchmarks] [-- --no-peers]
// What ministore costs, as ratios to what no durable store can do without, and beside its peers, from
// one run: these machines are shared, so only what ran side by side can be compared.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { draw } from './charts.ts'
import { describe } from './environment.ts'
import { install } from './install.ts'
import type { Options, Row } from './row.ts'
import { asMarkdown, asText, type Report } from './table.ts'

/** Loaded one by one, so that a row which cannot be loaded does not take the others with it. */
const ROWS: Readonly<Record<string, (options: Options) => Promise<Row>>> = {
  'durable-one': async (options) => (await import('./durable.ts')).oneCaller(options),
  'durable-many': async (options) => (await import('./durable.ts')).manyCallers(options),
  journals: async (options) => (await import('./side-by-side.ts')).sideBySide(options),
  syncs: async (options) => (await import('./durable.ts')).syncsInTurn(options),
  'syncs-many': async (options) => (await import('./durable.ts')).syncsAtOnce(options),
  'in-memory': async (options) => (await import('./in-memory.ts')).inMemory(options),
  replay: async (options) => (await import('./replay.ts')).replay(options),
  growth: async (options) => (await import('./growth.ts')).growth(options),
  snapshot: async (options) => (await import('./snapshot.ts')).snapshot(options),
  memory: async (options) => (await import('./memory.ts')).memory(options),
  reads: async (options) => (await import('./reads.ts')).reads(options),
  subscribers: async (options) => (await import('./subscribers.ts')).subscribers(options),
  keys: async (options) => (await import('./keys.ts')).keys(options),
}

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    records: { type: 'string' },
    json: { type: 'string' },
    out: { type: 'string' },
    peers: { type: 'boolean', default: true },
  },
})
const isQuick = values.quick
const rounds = Number(values.rounds ?? (isQuick ? 5 : 20))
const records = Number(values.records ?? (isQuick ? 100_000 : 1_000_000))
const chosen = values.only?.split(',') ?? Object.keys(ROWS)
const unknown = chosen.filter((id) => !Object.hasOwn(ROWS, id))
if (unknown.length > 0 || !(rounds >= 1) || !(records >= 1000)) {
  const what =
    unknown.length > 0 ? `there is no row ${unknown.join(', ')}` : 'too few rounds or records'
  process.stderr.write(`${what}. Rows: ${Object.keys(ROWS).join(', ')}\n`)
  process.exit(2)
}
// Only the whole of it is worth publishing, unless one asks for less.
const out = values.out ?? (isQuick || values.only !== undefined ? undefined : 'docs/benchmarks')

// Libraries check more while one develops.
process.env['NODE_ENV'] = 'production'
if (!values.peers) process.env['BENCH_PEERS'] = 'no'
const failure = install(values.peers)
if (failure) process.stderr.write(`The peers are left out. ${failure}\n`)

// Stdout is for the table; peers print to it what they then throw.
console.log = () => undefined

const directory = mkdtempSync(join(tmpdir(), 'ministore-bench-'))
try {
  const report = await run()
  process.stdout.write(asText(report))
  const json = `${JSON.stringify(report, null, 2)}\n`
  if (values.json !== undefined) writeFileSync(values.json, json)
  if (out !== undefined) {
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'results.json'), json)
    writeFileSync(join(out, 'results.md'), `# Benchmark results\n\n${asMarkdown(report)}`)
    for (const [name, chart] of draw(report)) writeFileSync(join(out, name), chart)
  }
  if (report.failed.length > 0) process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function run(): Promise<Report> {
  const environment = describe(directory, { rounds, records, isQuick })
  const rows: Row[] = []
  const failed: { id: string; reason: string }[] = []
  for (const id of chosen) {
    try {
      const row = await ROWS[id]?.({ isQuick, rounds, records, directory })
      if (row) rows.push(row)
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
      failed.push({ id, reason })
    }
  }
  return { environment, rows, failed }
}
