// Kills a program again and again, drops what it had not synced, and compares what is left with what it answered.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Random, random } from 'ministore-ts/testing'
import { bundle } from '../bundle.ts'
import { BrokenPromise } from '../world.ts'
import { type LossyLibrary, lossyEnvironment } from './library.ts'
import { ANY, type Change, type Said } from './programs/said.ts'
import { type LossyProgramName, PROGRAMS } from './programs.ts'
import { takeBack } from './undo.ts'

export interface LossyTally {
  kills: number
  /** How many of them came before the program had opened its files. */
  whileOpening: number
  /** Kills after which all that was not synced was lost; after the others, some of it. */
  lostAll: number
  acknowledged: number
  /** Asked for and not acknowledged when the kill came. */
  unanswered: number
  /** Files that lost contents, and directory operations that were lost. */
  lostContents: number
  lostNames: number
}

export interface LossyLoopOptions {
  readonly program: LossyProgramName
  readonly kills: number
  readonly seed: number
  /** In place of src/, such as a mutant. */
  readonly src?: string | undefined
  readonly library: LossyLibrary
  readonly onProgress?: ((tally: Readonly<LossyTally>) => void) | undefined
}

const MAX_LIVES = 12

/** Rejects with BrokenPromise, which names the seed, the kill and the directory. The directory is kept. */
export async function lossyLoop(options: LossyLoopOptions): Promise<LossyTally> {
  const { program, kills, seed, src, library, onProgress } = options
  const tally: LossyTally = {
    ...{ kills: 0, whileOpening: 0, lostAll: 0, acknowledged: 0, unanswered: 0 },
    ...{ lostContents: 0, lostNames: 0 },
  }
  const numbers = random(seed)
  const { main, remove } = await bundle(PROGRAMS[program].entry, src)
  try {
    while (tally.kills < kills) {
      const directory = mkdtempSync(join(tmpdir(), `ministore-lossy-${program}-`))
      const lives = Math.min(1 + numbers.below(MAX_LIVES), kills - tally.kills)
      const witness = new Witness(tally)
      for (let life = 0; life < lives; life++) {
        try {
          await killOne({ main, program, library, directory, life, numbers, tally, witness })
          onProgress?.(tally)
        } catch (error) {
          const where = `${program}, seed ${seed}, kill ${tally.kills}, see ${directory}`
          throw new BrokenPromise(`${where}: ${error}`)
        }
      }
      rmSync(directory, { recursive: true })
    }
    return tally
  } finally {
    remove()
  }
}

interface Killing {
  readonly main: string
  readonly program: LossyProgramName
  readonly library: LossyLibrary
  readonly directory: string
  readonly life: number
  readonly numbers: Random
  readonly tally: LossyTally
  readonly witness: Witness
}

async function killOne(killing: Killing): Promise<void> {
  const { main, program, library, directory, life, numbers, tally, witness } = killing
  const { argv, observe } = PROGRAMS[program]
  const files = join(directory, 'files')
  const syncMicroseconds = numbers.pick([0, 500, 3000])
  const place = { files, undo: join(directory, 'undo'), syncMicroseconds }
  mkdirSync(files, { recursive: true })
  const child = fork(main, argv(files, life), {
    execArgv: [],
    env: lossyEnvironment(library, place),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    complaint += text
  })
  const ended = once(child, 'close')
  const answers = numbers.chance(0.15) ? 0 : 1 + numbers.below(40)
  const milliseconds = numbers.next() * (answers === 0 ? 120 : 6)
  await listen(child, answers, witness)
  await setTimeout(milliseconds)
  child.kill('SIGKILL')
  const [code, signal] = await ended
  // Only the quickstart comes to an end, and only where nothing is left to do.
  if (signal !== 'SIGKILL' && !(program === 'quickstart' && code === 0))
    throw new Error(`the program ended by itself with ${code ?? signal}: ${complaint}`)
  tally.kills += 1
  if (!witness.hasOpened) tally.whileOpening += 1
  const losesAll = numbers.chance(0.5)
  tally.lostAll += Number(losesAll)
  const lost = takeBack(place, losesAll ? undefined : numbers)
  tally.lostContents += lost.files
  tally.lostNames += lost.names
  // Otherwise its next process is the first that opens what this one left.
  if (numbers.chance(0.7)) witness.compare(await observe(files))
}

/** Resolves when there were so many answers, or when the program has ended. */
function listen(child: ChildProcess, answers: number, witness: Witness): Promise<void> {
  witness.hasOpened = false
  let left = answers
  return new Promise((resolve) => {
    if (left === 0) resolve()
    child.once('close', () => resolve())
    child.on('message', (said: Said) => {
      if (witness.hear(said)) left -= 1
      if (left <= 0) resolve()
    })
  })
}

/** Knows which values each subject may have. */
class Witness {
  hasOpened = false
  readonly #tally: LossyTally
  readonly #possible = new Map<string, Set<string>>()

  constructor(tally: LossyTally) {
    this.#tally = tally
  }

  /** Whether it was an acknowledgement. */
  hear(said: Said): boolean {
    this.hasOpened = true
    if (said === 'opened') return false
    if (typeof said === 'string') return this.#done({ subject: said, value: 'there' })
    if ('done' in said) return this.#done(said.done)
    if (!('asked' in said)) throw new Error(`unknown: ${JSON.stringify(said)}`)
    const { subject, value } = said.asked
    const before = this.#possible.get(subject) ?? ['absent']
    this.#possible.set(subject, new Set([...before, value]))
    return false
  }

  #done({ subject, value }: Change): true {
    this.#possible.set(subject, new Set([value]))
    this.#tally.acknowledged += 1
    return true
  }

  /** What was seen once must stay. */
  compare(found: ReadonlyMap<string, string>): void {
    for (const [subject, possible] of this.#possible) {
      const value = found.get(subject) ?? 'absent'
      if (possible.size > 1) this.#tally.unanswered += 1
      if (!possible.has(value) && !(possible.has(ANY) && value !== 'absent'))
        throw new Error(`${subject} is ${value} and not ${[...possible].join(' or ')}`)
      this.#possible.set(subject, new Set([value]))
    }
  }
}
