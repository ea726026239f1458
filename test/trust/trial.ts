// One trial: random dispatches on a simulated disk with random faults, up to four lives, and what
// must hold whatever happens.
import type * as Api from 'ministore-ts'
import type { FileSystem } from 'ministore-ts/file'
import {
  type Fault,
  type Random,
  random,
  type SimulatedDisk,
  simulatedDisk,
} from 'ministore-ts/testing'
import { checkChain } from './chain.ts'
import { cutBack, flip, mistake, tearHeader } from './damage.ts'
import {
  BrokenPromise,
  isOf,
  type Ledger,
  type LedgerStore,
  ledgerFor,
  PATH,
  payloadsOf,
  type Subject,
  type Tally,
  type World,
} from './world.ts'

const MAX_LIVES = 4
const MORE = 1_000_000_007

/** Throws BrokenPromise, naming the seed, where the store does. */
export async function trial(given: Subject, seed: number, tally: Tally): Promise<void> {
  const world: World = {
    random: random(seed),
    tally,
    submitted: [],
    promised: 0,
    refused: new Set(),
    keys: new Map(),
    nextId: 1,
    base: 0,
    archives: new Map(),
    isChained: seed % 3 === 0,
  }
  try {
    const subject = named(given, seed)
    let disk = simulatedDisk({ seed })
    if (isInPlace(seed)) await makeEmptyFile(disk)
    let faults = plan(world.random, disk.operations)
    disk = disk.restart({ faults })
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
    await checkArchives(subject, disk.restart(), world)
    if (world.isChained) {
      tally.chained += 1
      checkChain(disk.bytes(PATH) ?? new Uint8Array(), world.submitted)
    }
    const isCut = world.random.chance(0.1)
    // From numbers of its own: the others stay what they were for each seed.
    const more = random(seed + MORE)
    if (more.chance(0.1)) await tearHeader(subject, seed, world)
    if (isCut) await cutBack(subject, disk, world)
    else if (more.chance(0.25)) await mistake(subject, disk, world, more)
    else await flip(subject, disk, world)
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error
    throw new BrokenPromise(`seed ${seed}: ${error.message}`)
  }
}

/** Some trials find an empty file, as a deployment makes one: the journal is created in it. */
const isInPlace = (seed: number) => seed % 4 === 0

async function makeEmptyFile(disk: SimulatedDisk): Promise<void> {
  const file = await disk.open(PATH, 'wx')
  await file.sync()
  await disk.syncDir('/data')
}

/** In half of those the header takes more than one sector. */
function named(subject: Subject, seed: number): Subject {
  if (seed % 8 !== 0) return subject
  const name = `ledger ${'😀'.repeat(120)}`
  const defineStore = (config: { name: string }) =>
    subject.defineStore({ ...config, name } as never)
  return { ...subject, defineStore: defineStore as unknown as Subject['defineStore'] }
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
  const chain = world.isChained || undefined
  const journal = subject.fileJournal(PATH, { fileSystem, chain })
  const store = await open(ledger, spyOn(journal, world), isLast, world)
  if (!store) return
  await verify(store, journal, world, isLast)
  for (const [key, { seq, ...payload }] of world.keys) {
    const again = await store.dispatch('add', payload, { key }).catch(failed(world))
    if (again && (again.seq !== seq || !again.duplicate)) {
      throw new BrokenPromise(`key ${key} of seq ${seq} came back as ${JSON.stringify(again)}`)
    }
    if (again) world.tally.branches.duplicate += 1
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
      const sync = () => {
        if (random.chance(0.02)) disk.end('power cut')
        if (random.chance(0.02)) faults.set(disk.operations, { errno: 'EIO' })
        return file.sync()
      }
      return { ...file, datasync, sync }
    },
    async rename(from, to) {
      const how = random.pick(['power cut', 'kill'] as const)
      if (random.chance(0.05)) disk.end(how)
      await disk.rename(from, to)
      if (random.chance(0.05)) disk.end(how)
    },
  }
}

/** Remembers what goes to the journal, before the journal sees it. */
function spyOn(journal: Api.Journal, world: World): Api.Journal {
  return {
    name: journal.name,
    maxEntryBytes: journal.maxEntryBytes,
    ...(journal.snapshots && { snapshots: journal.snapshots }),
    async open(store) {
      const info = await journal.open(store)
      world.base = info.base?.seq ?? 0
      return info
    },
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

async function verify(
  store: LedgerStore,
  journal: Api.Journal,
  world: World,
  isLast: boolean,
): Promise<void> {
  const { tally, submitted, promised, base } = world
  const { snapshot, found, created } = store.recovery
  tally.branches[created ? 'created' : (found?.kind ?? 'whole')] += 1
  if (base > 0) tally.branches.base += 1
  if (snapshot) tally.branches[snapshot.used ? 'snapshot used' : 'snapshot outdated'] += 1
  tally.basesUsed += Number(base > 0)
  tally.snapshotsUsed += Number(snapshot?.used ?? false)
  if (isLast && snapshot?.used === false && snapshot.reason !== 'the journal was compacted since') {
    throw new BrokenPromise(`a crash made a snapshot unusable: ${snapshot.reason}`)
  }
  if (found) tally.torn += 1
  tally.recovered += store.seq
  if (store.seq < promised) {
    throw new BrokenPromise(`${promised} records were promised, ${store.seq} are there`)
  }
  const ghost = store.state.ids.find((id) => world.refused.has(id))
  if (ghost !== undefined) throw new BrokenPromise(`${ghost} was refused with io, and is there`)
  // What was shown counts as promised, whether somebody was told or not.
  world.promised = store.seq
  world.submitted = submitted.slice(0, store.seq)
  const texts = await readTexts(journal, base).catch(failed(world))
  if (!texts) return
  const wrong = texts.findIndex((text, index) => text !== submitted[base + index])
  if (wrong >= 0 || base + texts.length !== store.seq) {
    throw new BrokenPromise(`record ${base + wrong + 1} is not what was submitted: ${texts[wrong]}`)
  }
  if (!isOf(store.state, world.submitted)) {
    const ids = world.submitted.flatMap(payloadsOf).map(({ id }) => id)
    const state = JSON.stringify(store.state)
    throw new BrokenPromise(`the state is ${state}, its records say ${ids}`)
  }
}

async function readTexts(journal: Api.Journal, after: number): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of journal.read(after)) texts.push(...entries.map(({ text }) => text))
  return texts
}

/** Singles, batches and keyed ones, alone and many at once. */
async function work(store: LedgerStore, world: World): Promise<void> {
  const { random } = world
  const pending: Promise<unknown>[] = []
  for (let steps = random.below(14); steps > 0; steps--) {
    const burst = random.chance(0.3) ? 1 + random.below(8) : 1
    for (let n = 0; n < burst; n++) pending.push(dispatchOne(store, world))
    if (random.chance(0.15)) {
      pending.push(keep(store, world))
      if (random.chance(0.5)) pending.push(dispatchMeanwhile(store, world))
    }
    if (random.chance(0.6)) await Promise.all(pending.splice(0))
  }
  await Promise.all(pending)
}

/** One after the other, so that they come in at every step of what else is under way. */
async function dispatchMeanwhile(store: LedgerStore, world: World): Promise<void> {
  for (let steps = world.random.below(8); steps > 0; steps--) await dispatchOne(store, world)
}

/** A snapshot, or compacting, while dispatches may be under way. */
async function keep(store: LedgerStore, world: World): Promise<void> {
  const { random, tally, archives } = world
  const refused = ({ code, message }: Api.StoreError) => {
    if (['io', 'unknown', 'closed'].includes(code)) return failed(world)()
    throw new BrokenPromise(`a snapshot was refused with ${code}: ${message}`)
  }
  if (random.chance(0.5)) {
    const receipt = await store.snapshot().catch(refused)
    tally.snapshots += Number(receipt !== undefined)
    return
  }
  const receipt = await store.compact({ archive: random.chance(0.7) }).catch(refused)
  tally.compactions += Number(receipt !== undefined)
  if (receipt?.archive !== undefined) archives.set(receipt.archive, receipt.seq)
}

/** Each opens by itself, and has what was compacted. */
async function checkArchives(subject: Subject, fileSystem: FileSystem, world: World) {
  const ledger = ledgerFor(subject)
  for (const [path, seq] of world.archives) {
    const journal = subject.fileJournal(path, { fileSystem, readOnly: true })
    const head = await ledger.replay(journal).catch((error: Api.StoreError) => error)
    if (!(head instanceof Error) && head.seq >= seq) continue
    throw new BrokenPromise(`the archive ${path} does not have record ${seq}: ${head}`)
  }
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
    if (error.message.includes('was rolled back')) world.tally.branches['rolled back'] += 1
    if (error.message.includes('not be rolled back')) world.tally.branches['not rolled back'] += 1
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
