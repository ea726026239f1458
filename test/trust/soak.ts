// npm run soak -- [--minutes 60] [--tally soak.json] [name …]
// All campaigns again and again, each time with a new seed, until it is stopped. The tally is added to the one that
// the file has already. Exit code 1 if a campaign failed.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { PARTS, type Ran, runPart } from './parts.ts'

interface CampaignTally {
  runs: number
  seconds: number
  /** The numbers that it printed, added up. */
  counts: Record<string, number>
  failures: { seed: number; at: string; failure: string }[]
}
type Tally = Record<string, CampaignTally>

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: 'Infinity' },
    tally: { type: 'string', default: 'soak.json' },
  },
  allowPositionals: true,
})
const parts = PARTS.filter(
  ({ name, once }) =>
    !once && (positionals.length === 0 || positionals.some((each) => name.includes(each))),
)
const tally: Tally = existsSync(values.tally) ? JSON.parse(readFileSync(values.tally, 'utf8')) : {}
const end = Date.now() + Number(values.minutes) * 60_000
process.once('SIGINT', () => process.exit(130))

for (let round = 1; Date.now() < end; round++) {
  for (const part of parts) {
    if (Date.now() >= end) break
    // So that no two rounds of any machine have the same trials.
    const seed = Date.now() % 2 ** 31
    const ran = await runPart(part, seed)
    add(part.name, seed, ran)
    console.log(
      `round ${round}, ${part.name}, seed ${seed}: ${ran.failure ?? `passed in ${ran.seconds} s`}`,
    )
    if (ran.failure) process.exitCode = 1
  }
}

function add(name: string, seed: number, { failure, seconds, output }: Ran): void {
  const campaign = tally[name] ?? { runs: 0, seconds: 0, counts: {}, failures: [] }
  tally[name] = campaign
  campaign.runs += 1
  campaign.seconds += seconds
  for (const [path, count] of numbersIn(parsed(output)))
    campaign.counts[path] = (campaign.counts[path] ?? 0) + count
  if (failure) campaign.failures.push({ seed, at: new Date().toISOString(), failure })
  // Under another name first: it may be stopped at any moment.
  writeFileSync(`${values.tally}.new`, `${JSON.stringify(tally, null, 2)}\n`)
  renameSync(`${values.tally}.new`, values.tally)
}

/** Not every campaign prints JSON. */
function parsed(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}

function* numbersIn(value: unknown, path = ''): Generator<[path: string, count: number]> {
  if (typeof value === 'number' && !path.endsWith('seed')) yield [path, value]
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value))
    yield* numbersIn(each, path === '' ? key : `${path}.${key}`)
}
