// kill -9, again and again: a writer dispatches and tells what was acknowledged, it is killed at some
// moment, and its journal is opened again, by the next writer or to be compared with what was told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { random } from 'ministore-ts/testing'
import { buildWriter } from './program.ts'
import { makeSteps } from './steps.ts'
import { Witness } from './witness.ts'
import { BrokenPromise } from './world.ts'

export interface KillTally {
  kills: number
  /** How many of them came before the store had opened. */
  whileOpening: number
  /** In each, one writer after the other was killed. */
  journals: number
  acknowledged: number
  recovered: number
  /** Recovered although the kill came before the acknowledgement. */
  untold: number
  /** Torn writes, torn headers and lost newlines that an opening found. */
  torn: number
  /** Dispatches that were sent again with their keys, and answered as duplicates. */
  duplicates: number
}

export interface KillLoopOptions {
  kills: number
  /** Decides what is written, and where about the kills come; not their very moment. */
  seed: number
  onProgress?: ((tally: Readonly<KillTally>) => void) | undefined
}

const MAX_LIVES = 25

/**
 * Kills that many writers, of as many journals as it takes. Rejects with BrokenPromise, which names
 * the seed and the journal's directory; that is kept.
 */
export async function killLoop({ kills, seed, onProgress }: KillLoopOptions): Promise<KillTally> {
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
  const program = await buildWriter()
  // The next one loads while this one writes.
  let next = program.start()
  try {
    while (tally.kills < kills) {
      const directory = mkdtempSync(join(tmpdir(), 'ministore-kill-'))
      try {
        await killInOneJournal(join(directory, 'bank.jsonl'))
      } catch (error) {
        if (!(error instanceof BrokenPromise)) throw error
        const where = `seed ${seed}, kill ${tally.kills}, see ${directory}`
        throw new BrokenPromise(`${where}: ${error.message}`)
      }
      rmSync(directory, { recursive: true })
    }
    return tally
  } finally {
    next.kill()
    await next.ended
    program.remove()
  }

  async function killInOneJournal(path: string): Promise<void> {
    const witness = new Witness(path)
    const before = { ...tally }
    const lives = Math.min(1 + numbers.below(MAX_LIVES), kills - tally.kills)
    tally.journals += 1
    for (let life = 1; life <= lives; life++) {
      await killOne(path, witness, life * 1000)
      tally.acknowledged = before.acknowledged + witness.acknowledged
      // Else the next writer is the first to open what this one left.
      if (life === lives || numbers.chance(0.6)) {
        const { records, untold, found, duplicates } = await witness.look()
        tally.recovered = before.recovered + records
        tally.untold = before.untold + untold
        tally.torn += found ? 1 : 0
        tally.duplicates += duplicates
      }
      onProgress?.(tally)
    }
  }

  async function killOne(path: string, witness: Witness, firstId: number): Promise<void> {
    const child = next
    next = program.start()
    const answers = numbers.chance(0.3) ? 0 : 1 + numbers.below(50)
    const milliseconds = numbers.next() * (answers === 0 ? 30 : 4)
    const steps = [...witness.unanswered, ...makeSteps(numbers, firstId, answers + 40)]
    child.give({ path, steps, sync: numbers.pick(['async', 'blocking']), holds: true })
    await child.saying((said) =>
      answers === 0
        ? said.length > 0
        : said.filter(({ what }) => what === 'acknowledged').length >= answers,
    )
    // Waits for nothing: the kill is to come at any moment.
    await setTimeout(milliseconds)
    child.kill()
    const how = await child.ended
    const failed = child.said.find(({ what }) => what === 'failed' || what === 'not opened')
    if (how !== 'SIGKILL' || failed) {
      const what = `the writer ended by itself (${how})`
      throw new BrokenPromise(`${what}: ${JSON.stringify(failed) ?? child.complaint}`)
    }
    tally.kills += 1
    if (!child.said.some(({ what }) => what === 'opened')) tally.whileOpening += 1
    witness.hear(steps, child.said)
  }
}
