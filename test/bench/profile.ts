// npm run bench:profile [-- --out docs/benchmarks/profile.md]
// Where the time goes, by V8's sampling profiler: a dispatch of one caller, of a thousand callers at
// once, without a disk, and the replay of a journal. The profiler slows down what it looks at: shares
// can be relied on, times only as sizes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { memoryJournal } from 'ministore-ts'
import { forge } from './journals.ts'
import { order, orders, warmUp } from './orders.ts'
import { report } from './progress.ts'

const SAMPLE_US = 100
/** Characters of a whole bar. */
const WIDTH = 40
/** Smaller shares are put together. */
const LEAST = 0.01

const { values } = parseArgs({ options: { out: { type: 'string' } } })
process.env['NODE_ENV'] = 'production'

interface Path {
  readonly title: string
  /** What a time is for. */
  readonly unit: string
  readonly count: number
  run(): Promise<void>
}

async function paths(directory: string): Promise<Path[]> {
  await warmUp({ isQuick: false })
  const records = 300_000
  const journal = join(directory, 'replay.jsonl')
  await forge(journal, records, 5000)
  const inTurn = await orders.open(join(directory, 'one.jsonl'))
  const atOnce = await orders.open(join(directory, 'many.jsonl'))
  const inMemory = await orders.open(memoryJournal())
  return [
    {
      ...{ title: 'a dispatch, awaited before the next', unit: 'dispatch', count: 3000 },
      async run() {
        for (let n = 0; n < 3000; n++) await inTurn.dispatch('put', order(n))
        await inTurn.close()
      },
    },
    {
      ...{ title: '1,000 dispatches at once', unit: 'dispatch', count: 100_000 },
      async run() {
        for (let first = 0; first < 100_000; first += 1000) {
          const calls = Array.from({ length: 1000 }, (_, n) =>
            atOnce.dispatch('put', order(first + n)),
          )
          await Promise.all(calls)
        }
        await atOnce.close()
      },
    },
    {
      ...{ title: 'a dispatch without a disk', unit: 'dispatch', count: 100_000 },
      async run() {
        for (let n = 0; n < 100_000; n++) await inMemory.dispatch('put', order(n))
        await inMemory.close()
      },
    },
    {
      ...{ title: 'opening: the replay of 300,000 records', unit: 'record', count: records },
      async run() {
        const store = await orders.open(journal)
        await store.close()
      },
    },
  ]
}

interface Frame {
  readonly functionName: string
  readonly url: string
}
interface Sampled {
  readonly totalUs: number
  /** Microseconds, by what was running. */
  readonly shares: ReadonlyMap<string, number>
}

async function sample(run: () => Promise<void>): Promise<Sampled> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await session.post('Profiler.start')
  await run()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map<number, number>()
  for (const { id, children = [] } of profile.nodes) {
    for (const child of children) parents.set(child, id)
  }
  const labels = new Map<number, string>()
  const labelOf = (id: number): string => {
    const known = labels.get(id)
    if (known !== undefined) return known
    const stack: Frame[] = []
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = nodes.get(at)
      if (node) stack.push(node.callFrame)
    }
    const label = nameOf(stack)
    labels.set(id, label)
    return label
  }
  const shares = new Map<string, number>()
  const { samples = [], timeDeltas = [] } = profile
  samples.forEach((id, index) => {
    const label = labelOf(id)
    shares.set(label, (shares.get(label) ?? 0) + (timeDeltas[index] ?? 0))
  })
  return { totalUs: timeDeltas.reduce((sum, each) => sum + each, 0), shares }
}

const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\//
const OURS = /\/(?:dist|src)\/(.+)\.[jt]s$/

/** What the innermost frame that says anything is of. */
function nameOf(stack: readonly Frame[]): string {
  const inner = stack[0]?.functionName
  if (inner === '(garbage collector)') return 'garbage collection'
  if (inner === '(idle)') return 'waiting, mostly for the disk'
  for (const { url, functionName } of stack) {
    const [, dependency] = PACKAGE.exec(url) ?? []
    if (dependency !== undefined && dependency !== 'jiti') return dependency
    if (url.includes('/test/bench/')) return 'the caller and its reducer'
    const [, ours] = OURS.exec(url) ?? []
    if (ours !== undefined) return nameOfOurs(ours)
    if (functionName === 'crc32') return 'checksums'
    if (functionName === 'fdatasyncSync' || functionName === 'writeSync')
      return 'writing and syncing'
  }
  return 'Node.js'
}

const PARTS: readonly (readonly [start: string, name: string])[] = [
  ['check', '1 check: JSON safety, payload text'],
  ['json/', '1 check: JSON safety, payload text'],
  ['draft', '2 draft'],
  ['record/encode', '3 journal: the record’s text'],
  ['journal', '3 journal: the port'],
  ['memory/', '3 journal: in memory'],
  ['disk/', '3 journal: system calls'],
  ['file/', '3 journal: the file'],
  ['format/', 'lines: splitting, checksums'],
  ['publish', '4 publish'],
  ['record/decode', 'records: parsing, freezing'],
  ['record/', 'idempotency keys'],
  ['replay/in-place', 'reducers in place'],
  ['replay/', 'replay: the loop'],
]

function nameOfOurs(file: string): string {
  const [, name = 'the store: queue, promises'] =
    PARTS.find(([start]) => file.startsWith(start)) ?? []
  return name
}

function describe({ title, unit, count }: Path, { totalUs, shares }: Sampled): string {
  const all = [...shares].toSorted(([, one], [, other]) => other - one)
  const shown = all.filter(([, us]) => us >= LEAST * totalUs)
  const rest = all.slice(shown.length).reduce((sum, [, us]) => sum + us, 0)
  const lines = [...shown, ['what is smaller', rest] as const].map(([name, us]) => {
    const share = us / totalUs
    const bar = '█'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH)
    const percent = `${(100 * share).toFixed(0)} %`.padStart(5)
    return `${bar} ${percent} ${(us / count).toFixed(2).padStart(8)} µs  ${name}`
  })
  return [`${title}: ${(totalUs / count).toFixed(1)} µs a ${unit}`, ...lines].join('\n')
}

const directory = mkdtempSync(join(tmpdir(), 'ministore-profile-'))
try {
  const parts: string[] = []
  for (const path of await paths(directory)) {
    report(`profiling: ${path.title}`)
    parts.push(describe(path, await sample(path.run)))
  }
  report()
  const text = `${parts.join('\n\n')}\n`
  process.stdout.write(text)
  const head =
    '# Where the time goes\n\nWritten by `npm run bench:profile`; [PERFORMANCE.md](../PERFORMANCE.md) explains it.\n\n'
  if (values.out !== undefined) writeFileSync(values.out, `${head}\`\`\`text\n${text}\`\`\`\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
