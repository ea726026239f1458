// npm run chaos -- --seconds 600 [--engine postgres|nats|sqlite] [--fault kill,promote] [--seed 7] [--bug …] [--format json]
// The campaign of `npm test`, for as long as you like. Exit code 1 where a promise was broken.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { installed, setup } from '../../cli/build.ts'
import { JOURNAL_MUTANTS, mutated } from '../../linearizability/mutants.ts'
import { bugs, isBug } from './bugs.ts'
import { type CampaignResult, campaign, FAULTS } from './campaign.ts'
import { ENGINES, type EngineName } from './report.ts'

const mutants = () => JOURNAL_MUTANTS.map(({ id }) => id)

const HELP = `npm run chaos -- [options]
  --engine    ${ENGINES.join(', ')}; default: one after the other
  --seconds   of each engine, and each fault once at least; default 120
  --fault     by their names, with commas, or + where they strike at once; default: all but promote-async
              postgres: ${FAULTS.postgres.join(', ')}, promote-async
              nats: ${FAULTS.nats.join(', ')}
              sqlite: ${FAULTS.sqlite.join(', ')}
  --calm      milliseconds between two strikes; default 1000
  --slots     operations under way in each writer; default 4
  --pace      milliseconds between two of them; default 20
  --bug       an engine that is wrong: ${bugs().join(', ')}
  --mutant    a journal that is wrong: ${mutants().join(', ')}
  --seed      a number that decides what is struck and when; default: a random one
  --keyless   only operations without a key: nothing but the journal prevents that they are written twice
  --histories a directory that keeps the recorded calls, for npm run linearizability
  --format    text or json`

const { values } = parseArgs({
  options: {
    engine: { type: 'string' },
    seconds: { type: 'string', default: '120' },
    fault: { type: 'string' },
    calm: { type: 'string', default: '1000' },
    slots: { type: 'string', default: '4' },
    pace: { type: 'string', default: '20' },
    bug: { type: 'string' },
    mutant: { type: 'string' },
    seed: { type: 'string' },
    keyless: { type: 'boolean', default: false },
    histories: { type: 'string' },
    format: { type: 'string', default: 'text' },
    help: { type: 'boolean', default: false },
  },
})

const engines = values.engine === undefined ? ENGINES : [engineOf(values.engine)]

function engineOf(name: string): EngineName {
  const engine = ENGINES.find((each) => each === name)
  if (engine) return engine
  throw new TypeError(`--engine ${name}: one of ${ENGINES.join(', ')}`)
}

/** The processes of the campaign run the mutant; what judges them does not. */
async function breakJournal(id: string): Promise<void> {
  const mutant = JOURNAL_MUTANTS.find((each) => each.id === id)
  if (!mutant) throw new TypeError(`--mutant: one of ${mutants().join(', ')}`)
  const path = join(installed(), 'dist/journals/shared/journal.js')
  await writeFile(path, mutated(await readFile(path, 'utf8'), mutant))
}

async function run(engine: EngineName): Promise<CampaignResult> {
  const { bug } = values
  if (bug !== undefined && !isBug(bug)) throw new TypeError(`--bug: one of ${bugs().join(', ')}`)
  const start = Date.now()
  const onProgress = (progress: string) => {
    if (!process.stderr.isTTY) return
    const seconds = Math.round((Date.now() - start) / 1000)
    process.stderr.write(`\r${engine}, ${seconds} s of ${values.seconds}, ${progress}\u001b[K`)
  }
  const result = await campaign({
    engine,
    faults: values.fault?.split(',') ?? FAULTS[engine],
    seconds: Number(values.seconds),
    calm: Number(values.calm),
    slots: Number(values.slots),
    pace: Number(values.pace),
    seed: values.seed === undefined ? undefined : Number(values.seed),
    histories: values.histories,
    keyless: values.keyless,
    ...{ bug, onProgress },
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  if (!result) throw new Error(`there is no server of ${engine} that may be killed`)
  return result
}

function show({
  engine,
  seed,
  seconds,
  records,
  looked,
  digest,
  faults,
  history,
  broken,
}: CampaignResult): string {
  const columns = [
    ...(['strikes', 'longestGap', 'acknowledged', 'refused', 'unknown', 'unavailable'] as const),
    ...(['duplicates', 'appendsTooLate', 'appendsUnknown', 'appendsUnavailable'] as const),
  ]
  const heads = ['strikes', 'gap ms', 'acked', 'refused', 'unknown', 'unavail.', 'dupl.']
  const row = (name: string, cells: readonly (string | number)[]) =>
    name.padEnd(24) + cells.map((cell) => String(cell).padStart(10)).join('')
  const lines = [
    `${engine}, seed ${seed}: ${records} records in ${seconds} s, ${looked} looked up, ${digest}`,
    row('', [...heads, 'too late', 'a.unknown', 'a.unavail']),
    ...Object.entries(faults).map(([name, struck]) =>
      row(
        name,
        columns.map((column) => struck[column]),
      ),
    ),
    `${history.operations} calls, ${history.unknown} of them of unknown outcome: ${history.result} (${history.ms} ms)`,
    `${broken.length} broken promises`,
    ...broken.slice(0, 20).map((each) => `  ${each}`),
  ]
  return lines.join('\n')
}

if (values.help) console.log(HELP)
else {
  process.once('exit', setup())
  if (values.mutant !== undefined) await breakJournal(values.mutant)
  process.once('SIGINT', () => process.exit(130))
  const results: CampaignResult[] = []
  for (const engine of engines) {
    const result = await run(engine)
    results.push(result)
    if (values.format !== 'json') console.log(show(result))
  }
  if (values.format === 'json') console.log(JSON.stringify(results, null, 2))
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1
}
