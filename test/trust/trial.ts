// One trial: random dispatches on a simulated disk with random faults, up to four lives, and what
// must hold whatever happens.
import type * as Api from 'ministore-ts'
import type { FileSystem } from 'ministore-ts'
import type * as FileApi from 'ministore-ts/file'
import {
  type Fault,
  type Random,
  random,
  type SimulatedDisk,
  simulatedDisk,
} from 'ministore-ts/testing'
import { z } from 'zod'

/** The store under trial: the real one, or a mutant of it. */
export interface Subject {
  readonly defineStore: typeof Api.defineStore
  readonly fileJournal: typeof FileApi.fileJournal
}

/** What a trial met, for the summary. */
export interface Tally {
  lives: number
  acknowledged: number
  recovered: number
  kills: number
  powerCuts: number
  failedCalls: number
  torn: number
  flips: number
}

export const emptyTally = (): Tally => ({
  lives: 0,
  acknowledged: 0,
  recovered: 0,
  kills: 0,
  powerCuts: 0,
  failedCalls: 0,
  torn: 0,
  flips: 0,
})

/** A promise of the store that a trial saw broken. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'
}

const PATH = '/data/ledger.jsonl'
const MAX_LIVES = 4

function ledgerFor({ defineStore }: Subject) {
  return defineStore({
    name: 'ledger',
    state: { ids: [] as number[] },
    mutations: {
      add: {
        payload: z.object({ id: z.number(), filler: z.string() }),
        apply: (draft, { id }) => void draft.ids.push(id),
      },
    },
  })
}
type Ledger = ReturnType<typeof ledgerFor>
type LedgerStore = Api.StoreOf<Ledger>

/** What all lives together know. */
interface World {
  readonly random: Random
  readonly tally: Tally
  /** By seq - 1: the text of every record that was ever handed to the journal, in its last form. */
  submitted: string[]
  /** Seq up to which somebody was told, or shown, that it is safe. */
  promised: number
  /** Ids whose dispatch was refused by the disk: certainly not written. */
  readonly refused: Set<number>
  /** Keys that were acknowledged, and with which seq. */
  readonly keys: Map<string, { seq: number; id: number; filler: string }>
  nextId: number
}

/** Throws BrokenPromise, naming the seed, where the store does. */
export async function trial(subject: Subject, seed: number, tally: Tally): Promise<void> {
  const world: World = {
    random: random(seed),
    tally,
    submitted: [],
    promised: 0,
    refused: new Set(),
    keys: new Map(),
    nextId: 1,
  }
  try {
    let faults = plan(world.random, 0)
    let disk = simulatedDisk({ seed, faults })
    const lives = 1 + world.random.below(MAX_LIVES)
    for (let life = 0; life < lives; life++) {
      await live(subject, shaky(disk, faults, world.random), world, disk.ended)
      if (world.random.chance(0.5)) disk.end(world.random.chance(0.5) ? 'power cut' : 'kill')
      const how = await Promise.race([disk.ended, Promise.resolve('kill' as const)])
      tally[how === 'kill' ? 'kills' : 'powerCuts'] += 1
      faults = life === lives - 1 ? new Map() : plan(world.random, disk.operations)
      disk = disk.restart({ faults })
    }
    await live(subject, disk, world)
    await flip(subject, disk, world)
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error
    throw new BrokenPromise(`seed ${seed}: ${error.message}`)
  }
}

/** Few enough that something happens before them, near enough that they do happen. */
function plan(random: Random, from: number): Map<number, Fault> {
  const planned = new Map<number, Fault>()
  const at = () => from + random.below(random.chance(0.3) ? 20 : 80)
  if (random.chance(0.35)) {
    const fault = random.pick<Fault>([
      { errno: 'EIO' },
      { errno: 'ENOSPC' },
      { short: random.next() },
    ])
    const first = at()
    planned.set(first, fault)
    // Troubles come in company: the rollback may fail as well.
    if (random.chance(0.5)) planned.set(first + 1 + random.below(3), { errno: 'EIO' })
  }
  if (random.chance(0.8)) planned.set(at(), random.chance(0.6) ? 'power cut' : 'kill')
  return planned
}

/** Until the process ends, by itself or otherwise; the last one, whom nothing ends, must succeed. */
async function live(
  subject: Subject,
  disk: FileSystem,
  world: World,
  ended?: Promise<unknown>,
): Promise<void> {
  world.tally.lives += 1
  const running = run(subject, disk, world, ended === undefined)
  await Promise.race(ended === undefined ? [running] : [ended, running])
  // Answers that were on their way when the process ended are still answers.
  await new Promise((resolve) => setImmediate(resolve))
}

async function run(subject: Subject, fileSystem: FileSystem, world: World, isLast: boolean) {
  const ledger = ledgerFor(subject)
  const journal = subject.fileJournal(PATH, { fileSystem })
  const store = await open(ledger, spyOn(journal, world), isLast, world)
  if (!store) return
  await verify(store, journal, world)
  for (const [key, { seq, ...payload }] of world.keys) {
    const again = await store.dispatch('add', payload, { key }).catch(failed(world))
    if (again && (again.seq !== seq || !again.duplicate)) {
      throw new BrokenPromise(`key ${key} of seq ${seq} came back as ${JSON.stringify(again)}`)
    }
  }
  await work(store, world)
  await store.close().catch(failed(world))
}

/**
 * The moment between a write and the end of its sync is short, and the one between a failed sync and
 * its rollback shorter; here trouble finds them more often than by chance.
 */
function shaky(disk: SimulatedDisk, faults: Map<number, Fault>, random: Random): FileSystem {
  return {
    ...disk,
    async open(path, flags) {
      const file = await disk.open(path, flags)
      const datasync = () => {
        if (random.chance(0.03)) disk.end('power cut')
        if (random.chance(0.02)) {
          faults.set(disk.operations, { errno: 'EIO' })
          if (random.chance(0.6))
            faults.set(disk.operations + 1, random.chance(0.5) ? 'kill' : { errno: 'EIO' })
        }
        return file.datasync()
      }
      return { ...file, datasync }
    },
  }
}

/** Remembers what goes to the journal, before the journal sees it. */
function spyOn(journal: Api.Journal, world: World): Api.Journal {
  return {
    name: journal.name,
    maxEntryBytes: journal.maxEntryBytes,
    open: (store) => journal.open(store),
    append(batch, expected) {
      world.submitted = [...world.submitted.slice(0, expected), ...batch.map(({ text }) => text)]
      return journal.append(batch, expected)
    },
    read: (after, options) => journal.read(after, options),
    close: () => journal.close(),
  }
}

async function open(ledger: Ledger, journal: Api.Journal, isLast: boolean, world: World) {
  try {
    return await ledger.open(journal)
  } catch (error) {
    const { code, message } = error as Api.StoreError
    // The disk may say no to opening; but a crash alone never makes a journal unreadable.
    if (code === 'io' && !isLast) return failed(world)()
    throw new BrokenPromise(`a crash made open refuse with ${code}: ${message}`)
  }
}

async function verify(store: LedgerStore, journal: Api.Journal, world: World): Promise<void> {
  const { tally, submitted, promised } = world
  if (store.recovery.found) tally.torn += 1
  tally.recovered += store.seq
  if (store.seq < promised) {
    throw new BrokenPromise(`${promised} records were promised, ${store.seq} are there`)
  }
  const ghost = store.state.ids.find((id) => world.refused.has(id))
  if (ghost !== undefined) throw new BrokenPromise(`${ghost} was refused with io, and is there`)
  // What was shown counts as promised, whether somebody was told or not.
  world.promised = store.seq
  world.submitted = submitted.slice(0, store.seq)
  const texts = await readTexts(journal).catch(failed(world))
  if (!texts) return
  const wrong = texts.findIndex((text, index) => text !== submitted[index])
  if (wrong >= 0 || texts.length !== store.seq) {
    throw new BrokenPromise(`record ${wrong + 1} is not what was submitted: ${texts[wrong]}`)
  }
  const ids = texts.flatMap(idsOf)
  if (JSON.stringify(store.state.ids) !== JSON.stringify(ids)) {
    throw new BrokenPromise(`the state has ${store.state.ids}, its records say ${ids}`)
  }
}

async function readTexts(journal: Api.Journal): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of journal.read(0)) texts.push(...entries.map(({ text }) => text))
  return texts
}

interface Parsed {
  payload: { id: number }
  batch?: Parsed[]
}
function idsOf(text: string): number[] {
  const { batch, payload }: Parsed = JSON.parse(text)
  return batch ? batch.map((part) => part.payload.id) : [payload.id]
}

/** Singles, batches and keyed ones, alone and many at once. */
async function work(store: LedgerStore, world: World): Promise<void> {
  const { random } = world
  const pending: Promise<unknown>[] = []
  for (let steps = random.below(14); steps > 0; steps--) {
    const burst = random.chance(0.3) ? 1 + random.below(8) : 1
    for (let n = 0; n < burst; n++) pending.push(dispatchOne(store, world))
    if (random.chance(0.6)) await Promise.all(pending.splice(0))
  }
  await Promise.all(pending)
}

async function dispatchOne(store: LedgerStore, world: World): Promise<void> {
  const { random } = world
  const payload = () => {
    const filler = 'x @'.repeat(random.chance(0.2) ? random.below(600) : random.below(40))
    return { id: world.nextId++, filler }
  }
  const key = random.chance(0.3) ? `key-${world.nextId}` : undefined
  const first = payload()
  const isBatch = random.chance(0.2)
  const receipt = await (isBatch
    ? store.dispatchAll([
        { type: 'add', payload: first },
        { type: 'add', payload: payload() },
      ])
    : store.dispatch('add', first, { key })
  ).catch((error: Api.StoreError) => {
    if (error.code === 'io') world.refused.add(first.id)
    return failed(world)()
  })
  if (!receipt) return
  world.tally.acknowledged += 1
  world.promised = Math.max(world.promised, receipt.seq)
  if (key !== undefined && !isBatch) world.keys.set(key, { seq: receipt.seq, ...first })
}

const failed = (world: World) => () => {
  world.tally.failedCalls += 1
  return undefined
}

/** One bit of what was acknowledged: the store refuses, and never comes back with less. */
async function flip(subject: Subject, disk: SimulatedDisk, world: World): Promise<void> {
  const bytes = disk.bytes(PATH)
  if (!bytes || world.promised === 0) return
  world.tally.flips += 1
  // The last byte of the last whole sector is where a flipped bit can best pass for a torn write.
  const sectorEnd = Math.floor(bytes.length / 512) * 512 - 1
  const isThere = world.random.chance(0.4) && sectorEnd > 0
  const at = isThere ? sectorEnd : world.random.below(bytes.length)
  const bit = world.random.below(8)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  const journal = subject.fileJournal(PATH, { fileSystem: disk.restart() })
  const opened = await ledgerFor(subject)
    .open(journal)
    .catch((error: Api.StoreError) => error.code)
  if (typeof opened === 'string') return
  throw new BrokenPromise(`bit ${bit} of byte ${at} was flipped, and ${opened.seq} records opened`)
}
