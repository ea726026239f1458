// npm run torture -- --trials 1000000 --seed 1 [--mutants] [--kills 1000] [--exhaustive] [--lossy 1000] [--json]
// The campaign of `npm test`, for as long as you like. Exit code 1 where a promise was broken.
import { parseArgs } from 'node:util'
import { defineStore } from 'ministore-ts'
import { fileJournal } from 'ministore-ts/file'
import { LARGE, sweep } from './exhaustive/sweep.ts'
import { killLoop } from './kill-loop.ts'
import { lossyLoop } from './lossy/kill-loop.ts'
import { compileLossy } from './lossy/library.ts'
import { type LossyProgramName, PROGRAMS } from './lossy/programs.ts'
import { build, MUTANTS } from './mutants.ts'
import { trial } from './trial.ts'
import { BrokenPromise, emptyTally, type Subject } from './world.ts'

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    mutants: { type: 'boolean', default: false },
    kills: { type: 'string', default: '1000' },
    exhaustive: { type: 'boolean', default: false },
    lossy: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
})
const [trials, seed] = [Number(values.trials), Number(values.seed)]

/** On a terminal, one line that changes. */
function progress(told: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${told}\u001b[K`)
}

async function campaign(name: string, subject: Subject, stopAtFirst: boolean) {
  const tally = emptyTally()
  const broken: string[] = []
  const start = Date.now()
  let done = 0
  while (done < trials && !(stopAtFirst && broken.length > 0)) {
    try {
      await trial(subject, seed + done, tally)
    } catch (error) {
      if (!(error instanceof BrokenPromise)) throw error
      broken.push(error.message)
    }
    done += 1
    if (done % 100 === 0) {
      const left = (((Date.now() - start) / done) * (trials - done)) / 1000
      const told = `${name}: ${done} of ${trials} trials, ${broken.length} broken`
      progress(`${told}, ${Math.round(left)} s left`)
    }
  }
  progress('')
  return { name, trials: done, seconds: (Date.now() - start) / 1000, broken, tally }
}

/** That many kills in all, of each program as many, of which each loses what was not synced. */
async function lossyKills(kills: number) {
  if (kills === 0) return []
  const library = compileLossy()
  const names = Object.keys(PROGRAMS) as LossyProgramName[]
  const tallies = names.map(async (program) => {
    const each = Math.ceil(kills / names.length)
    return { program, ...(await lossyLoop({ program, kills: each, seed, library })) }
  })
  return Promise.all(tallies).finally(library.remove)
}

/** All small programs, where asked for. */
async function exhaust() {
  if (!values.exhaustive) return undefined
  const subject = { defineStore, fileJournal }
  const { reached, ...counts } = await sweep(subject, LARGE, (done) =>
    progress(`exhaustive: ${done} of ${LARGE.length} programs`),
  )
  return { ...counts, reached: Object.fromEntries(reached) }
}

const real = await campaign('the store', { defineStore, fileJournal }, false)
const mutants = []
for (const mutant of values.mutants ? MUTANTS : []) {
  mutants.push(await campaign(mutant.name, await build(mutant), true))
}
const kills = await killLoop({
  kills: Number(values.kills),
  seed,
  onProgress: ({ kills }) => progress(`kill -9: ${kills} of ${values.kills}`),
})
const exhaustive = await exhaust()
const lossy = await lossyKills(Number(values.lossy))
progress('')
if (values.json) {
  console.log(JSON.stringify({ seed, real, mutants, kills, exhaustive, lossy }, null, 2))
} else {
  console.log(`${real.trials} trials from seed ${seed} in ${Math.round(real.seconds)} s`)
  const { branches, ...counts } = real.tally
  for (const [what, count] of Object.entries({ ...counts, ...branches })) {
    console.log(`${String(count).padStart(12)}  ${what}`)
  }
  console.log(`${String(real.broken.length).padStart(12)}  broken promises`)
  for (const message of real.broken.slice(0, 20)) console.log(`  ${message}`)
  for (const { name, trials, broken } of mutants) {
    const told = broken[0] ? `caught by trial ${trials}: ${broken[0]}` : `SURVIVED ${trials} trials`
    console.log(`${name}: ${told}`)
  }
}
if (!values.json) {
  console.log('kill -9 of real processes, every acknowledged record found again:')
  for (const [what, count] of Object.entries(kills)) {
    console.log(`${String(count).padStart(12)}  ${what}`)
  }
}
if (exhaustive && !values.json)
  console.log(`every crash of small programs: ${JSON.stringify(exhaustive)}`)
for (const { program, ...tally } of values.json ? [] : lossy) {
  console.log(`kill -9 of ${program}, which loses what it had not synced: ${JSON.stringify(tally)}`)
}
const unreached = Object.entries(trials < 1000 ? {} : real.tally.branches).flatMap(
  ([branch, count]) => (count === 0 ? branch : []),
)
for (const branch of unreached)
  console.error(`No trial reached "${branch}": the campaign has a hole.`)
const survived = mutants.filter(({ broken }) => broken.length === 0)
process.exitCode = real.broken.length + survived.length + unreached.length > 0 ? 1 : 0
