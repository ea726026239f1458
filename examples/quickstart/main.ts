// The story: import, SIGKILL, recovery, resume, replay check, reads. Run it with `npm run quickstart`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { digest } from 'ministore-ts/check'
import pc from 'picocolors'
import { readPackages } from './packages.ts'
import { byLicense, mostUsed, severalVersions } from './reads.ts'
import { idOf, registry } from './registry.ts'
import { endProgress, progress, row, section, text } from './terminal.ts'

const [directory = '.quickstart'] = process.argv.slice(2)
const journal = join(directory, 'registry.jsonl')
const packages = readPackages()
const ids = new Set(packages.map(idOf))

// Every run starts afresh. Only what an earlier run wrote is removed.
mkdirSync(directory, { recursive: true })
for (const name of readdirSync(directory)) {
  if (name.startsWith('registry.jsonl')) rmSync(join(directory, name))
}
text(pc.bold('ministore-ts quickstart'))
text(`A registry of the ${ids.size} packages in package-lock.json, which survives being killed.`)

section('Import, and SIGKILL part-way')
text('A child process (import.ts) adds the packages, one mutation each, and reports each one that')
text('was acknowledged, which means: is durable.')
const acknowledged = await importUntilKilled()
text(`Killed with SIGKILL: ${acknowledged.length} of ${ids.size} packages were acknowledged.`)

section('Recovery')
const store = await registry.open(journal)
const { records, found } = store.recovery
const lost = acknowledged.filter((id) => !store.state.packages[id])
text('The journal is opened again. Opening is recovery: there is nothing else to call.')
row('acknowledged', acknowledged.length)
row('recovered', records, `${records - acknowledged.length} of them durable, but not yet reported`)
row('acknowledged and lost', lost.length)
// A line that the kill cut off was never acknowledged: it is cut away, and kept in a file.
if (found) row(found.kind, found.bytes, `bytes at byte ${found.offset}, see ${found.savedTo}`)
must(lost.length === 0, `no acknowledged package is lost, but these are: ${lost.join(', ')}`)

section('Resume')
text('All packages once more, under the same idempotency keys: nothing is written twice.')
const resuming = performance.now()
// All at once: they share a few fsyncs, where one by one each would wait for its own.
const receipts = await Promise.all(
  packages.map((one) => store.dispatch('addPackage', one, { key: idOf(one) })),
)
const duplicates = receipts.filter(({ duplicate }) => duplicate).length
row('duplicates', duplicates, 'answered with the receipt of the first time')
row('added', receipts.length - duplicates, `in ${since(resuming)}, by group commit`)
row('in the registry', Object.keys(store.state.packages).length)
must(store.seq === ids.size, `there is one record a package, but there are ${store.seq}`)

section('Rules')
text('Without its key it is a new request, and the rule in `guard` refuses it:')
const [first] = packages
must(first !== undefined, 'package-lock.json lists packages, but it lists none')
// .safe() makes a refusal a value; its codes and details are typed.
const again = await store.dispatch('addPackage', first).safe()
must(!again.ok, 'a package is added once, but it was accepted again')
row('addPackage', again.code, JSON.stringify(again.details))
text('A command decides, and dispatches several mutations as one record, all or none:')
const { seq, value } = await store.execute('deprecateOlder', { reason: 'there is a newer one' })
row('deprecateOlder', value.deprecated.length, `mutations in the record with seq ${seq}`)

section('Replay check')
text('The journal is replayed from zero. The state must be the one in memory, digit by digit.')
const live = await digest(store.state)
const report = await registry.replayCheck(journal, { digest: live })
row('live state', live)
row('replayed', report.digest)
must(report.ok, `the replay gives the same state, but: ${JSON.stringify(report)}`)
text(pc.green(`Equal, after ${report.records} records.`))

section('The journal')
text('A header, then one line a record: to be read by people, grep and jq.')
for (const line of readFileSync(journal, 'utf8').split('\n', 3)) text(pc.dim(line))

section('Reads')
text('store.state is a plain object in memory: any function is a query (reads.ts).')
row('licenses', top(byLicense(store.state)))
row('most used', top(mostUsed(store.state)))
row('in several versions', top(severalVersions(store.state)))
await store.close()

section('Where to go from here')
const shown = relative('', journal)
row('the journal', shown)
row('the definition', 'examples/quickstart/registry.ts')
row('a check for CI', `npx ministore-ts check ${shown} --store examples/quickstart/registry.ts`)

/** Resolves with the ids that the child reported. */
async function importUntilKilled(): Promise<string[]> {
  // One package may be installed in several places: its key is the same, so it is one record.
  const reported = new Set<string>()
  // Another moment each time: the promise holds at all of them.
  const enough = Math.ceil(ids.size * (0.3 + Math.random() * 0.3))
  const child = fork(new URL('import.ts', import.meta.url), [journal])
  child.on('message', (id: string) => {
    reported.add(id)
    progress(reported.size, ids.size)
    if (reported.size === enough) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  endProgress()
  must(signal === 'SIGKILL', `the child is killed, but it ended by itself with code ${code}`)
  return [...reported]
}

function must(holds: boolean, promise: string): asserts holds {
  if (holds) return
  console.error(`${pc.red('quickstart failed:')} expected that ${promise}`)
  process.exit(1)
}

function since(start: number): string {
  return `${(performance.now() - start).toFixed(0)} ms`
}

function top(counts: readonly [word: string, n: number][]): string {
  return counts
    .slice(0, 5)
    .map(([word, n]) => `${word} ${n}`)
    .join(', ')
}
