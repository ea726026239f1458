// kill -9, again and again: a writer dispatches and tells what was acknowledged, it is killed at some
// moment, and its journal is opened again, by another writer or to be compared with what was told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Random, random } from 'ministore-ts/testing'
import type { Step } from './children/bank.ts'
import { buildWriter, type Child } from './program.ts'
import { BrokenPromise, Witness } from './witness.ts'

export interface KillTally {
  kills: number
  /** How many of them came before the store had opened. */
  whileOpening: number
  /** Journals that were begun; each was killed over and over. */
  journals: number
  acknowledged: number
  recovered: number
  /** Recovered although the kill came before the acknowledgement. */
  untold: number
  /** Torn writes, torn headers and lost newlines that an opening found. */
  torn: number
  /** Dispatches that were sent again with their keys. */
  duplicates: number
}

const MAX_LIVES = 25

/**
 * Kills that many writers. The seed decides what is written and where about they are killed, not
 * the moment itself. Rejects with BrokenPromise, naming the seed and the directory, which it keeps.
 */
export async function killLoop({
  kills,
  seed,
  onProgress,
}: {
  kills: number
  seed: number
  onProgress?: ((tally: Readonly<KillTally>) => void) | undefined
}): Promise<KillTally> {
  const tally: KillTally = {
    kills: 0,
    whileOpening: 0,
    journals: 0,
    acknowledged: 0,
    recovered: 0,
    untold: 0,
    torn: 0,
    duplicates: 0,
  }
  const numbers = random(seed)
  const program = buildWriter()
  // The next one loads while this one writes.
  let next = program.start()
  const takeChild = () => {
    const child = next
    next = program.start()
    return child
  }
  try {
    while (tally.kills < kills) {
      const lives = Math.min(1 + numbers.below(MAX_LIVES), kills - tally.kills)
      tally.journals += 1
      await killOneJournal({ lives, seed, numbers, tally, takeChild, onProgress })
    }
    return tally
  } finally {
    next.kill()
    await next.ended
    program.remove()
  }
}

async function killOneJournal({
  lives,
  seed,
  numbers,
  tally,
  takeChild,
  onProgress,
}: {
  lives: number
  seed: number
  numbers: Random
  tally: KillTally
  takeChild: () => Child
  onProgress: ((tally: KillTally) => void) | undefined
}): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-kill-'))
  const path = join(directory, 'bank.jsonl')
  const witness = new Witness(path)
  const told = tally.acknowledged
  const recovered = tally.recovered
  try {
    for (let life = 1; life <= lives; life++) {
      await liveAndDie({ path, child: takeChild(), firstId: life * 1000, numbers, witness, tally })
      tally.acknowledged = told + witness.acknowledged
      // Now and then the next writer is the first to open what the kill left.
      if (life === lives || numbers.chance(0.6)) {
        const { records, found, untold, duplicates } = await witness.look()
        tally.recovered = recovered + records
        tally.untold += untold
        tally.torn += found ? 1 : 0
        tally.duplicates += duplicates
      }
      onProgress?.(tally)
    }
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error
    const where = `seed ${seed}, kill ${tally.kills}, see ${directory}`
    throw new BrokenPromise(`${where}: ${error.message}`)
  }
  rmSync(directory, { recursive: true })
}

async function liveAndDie({
  path,
  child,
  firstId,
  numbers,
  witness,
  tally,
}: {
  path: string
  child: Child
  firstId: number
  numbers: Random
  witness: Witness
  tally: KillTally
}): Promise<void> {
  const answers = numbers.chance(0.3) ? 0 : 1 + numbers.below(50)
  const milliseconds = numbers.next() * (answers === 0 ? 30 : 4)
  const steps = [...witness.unanswered, ...makeSteps(numbers, firstId, answers + 40)]
  const sync = numbers.pick(['async', 'blocking'] as const)
  child.give({ path, steps, sync, holds: true })
  // Neither waits for anything: the moment of the kill is to be any moment.
  await child.saying((said) => {
    if (answers === 0) return said.length > 0
    return said.filter(({ what }) => what === 'acknowledged').length >= answers
  })
  await setTimeout(milliseconds)
  child.kill()
  const how = await child.ended
  const failed = child.said.find(({ what }) => what === 'failed' || what === 'not opened')
  if (how !== 'SIGKILL' || failed)
    throw new BrokenPromise(
      `the writer ended with ${how}: ${JSON.stringify(failed)} ${child.complaint}`,
    )
  tally.kills += 1
  if (!child.said.some(({ what }) => what === 'opened')) tally.whileOpening += 1
  witness.hear(steps, child.said)
}

/** Singles, batches and keyed ones, one after the other and many at once, of all sizes. */
export function makeSteps(numbers: Random, firstId: number, count: number): Step[] {
  let burst = 0
  return Array.from({ length: count }, (_, index): Step => {
    const id = firstId + index
    if (burst === 0 && numbers.chance(0.2)) burst = 1 + numbers.below(20)
    else if (burst > 0) burst -= 1
    const size = numbers.chance(0.15) ? 2 + numbers.below(4) : 1
    const followed = numbers.chance(0.8) ? 'at once' : 'in the air'
    return {
      id,
      mutations: Array.from({ length: size }, () => makeMutation(numbers, id)),
      ...(numbers.chance(0.3) && { key: `request ${id}` }),
      ...(burst > 0 && { followed }),
    }
  })
}

const UNITS = ['x', 'x', 'x', 'ü', '€', '😀', '\u2028', '"\\\n']
const LENGTHS = [100, 100, 100, 100, 100, 5_000, 5_000, 5_000, 80_000]

function makeMutation(numbers: Random, id: number): Step['mutations'][number] {
  const account = numbers.pick(['ann', 'bob', 'cy', 'dot'])
  if (numbers.chance(0.1)) return { type: 'close', payload: { id, account } }
  const length = numbers.chance(0.01) ? 900_000 : numbers.pick(LENGTHS)
  const memo = numbers.pick(UNITS).repeat(numbers.below(length) / 3)
  return { type: 'deposit', payload: { id, account, cents: numbers.below(10_000), memo } }
}
