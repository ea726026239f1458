// Records that are on the disk before the answer: one caller, a thousand callers, and who really syncs.
import { spawnSync } from 'node:child_process'
import { closeSync, fdatasync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileJournal, nodeFileSystem } from 'ministore-ts/file'
import { childArguments, type Given } from './child-process.ts'
import { type Contestant, type Figure, race, startAll } from './measure.ts'
import { line, order, orders, warmUp } from './orders.ts'
import { betterSqlite3 } from './peers/better-sqlite3.ts'
import { classicLevel } from './peers/classic-level.ts'
import { emmettSqlite } from './peers/emmett.ts'
import { eventStorage, eventStorageDefault } from './peers/event-storage.ts'
import { lmdb, lmdbDefault } from './peers/lmdb.ts'
import { report } from './progress.ts'
import { atLeast, atMost, directoryIn, type Options, type Row } from './row.ts'

const CALLERS = 1000

const blockingFloor = floor('writeSync + fdatasyncSync', (fd) => fdatasyncSync(fd), true)
const awaitedFloor = floor('writeSync + awaited fdatasync', promisify(fdatasync), false)

const ministore: Contestant = ministoreAs('ministore', 'async')
const ministoreBlocking: Contestant = ministoreAs("ministore, sync: 'blocking'", 'blocking')

const peers = [
  betterSqlite3,
  classicLevel,
  lmdb,
  eventStorage,
  emmettSqlite,
  lmdbDefault,
  eventStorageDefault,
]

/** All that write, by name: for the children that are watched. */
export const durable: readonly Contestant[] = [
  blockingFloor,
  awaitedFloor,
  ministore,
  ministoreBlocking,
  ...peers,
]

export async function oneCaller(options: Options): Promise<Row> {
  const title = 'durable, one caller'
  await warmUp(options)
  const { figures, skipped, ratio } = await race(title, durable, {
    ...{ rounds: options.rounds, count: 50, way: 'in turn', isLatency: true },
    directory: directoryIn(options),
  })
  const best = bestOf(figures, peers)
  return {
    id: 'durable-one',
    title,
    work: `each call awaited before the next; a record of ${line.length} bytes; one durable commit per call`,
    unit: 'µs',
    figures,
    targets: [
      atMost('ministore ≤ 1.2 × the awaited floor', ratio(ministore.name, awaitedFloor.name), 1.2),
      atMost(
        'blocking ministore ≤ 1.2 × the blocking floor',
        ratio(ministoreBlocking.name, blockingFloor.name),
        1.2,
      ),
      atMost(
        `ministore ahead of every peer that syncs${named(best)}`,
        ratio(ministore.name, best?.name ?? ''),
        1,
      ),
      atMost(
        `blocking ministore ahead of every peer that syncs`,
        ratio(ministoreBlocking.name, best?.name ?? ''),
        1,
      ),
    ],
    skipped,
    notes: doubts(figures),
  }
}

export async function manyCallers(options: Options): Promise<Row> {
  const title = `durable, ${CALLERS} callers at once`
  const counted = onCountingDisk()
  await warmUp(options)
  const { figures, skipped, ratio } = await race(title, [oneWrite, counted.contestant, ...peers], {
    ...{ rounds: Math.min(options.rounds, options.isQuick ? 3 : 10), count: CALLERS },
    ...{ way: 'at once', directory: directoryIn(options) },
  })
  const alone = bestOf(
    figures,
    peers.filter(({ isGrouping }) => !isGrouping),
  )
  const together = bestOf(
    figures,
    peers.filter(({ isGrouping }) => isGrouping),
  )
  return {
    id: 'durable-many',
    title,
    work: `Promise.all of ${CALLERS} calls; those that take one at a time get 100, in turn`,
    unit: 'µs',
    figures,
    targets: [
      atLeast(
        `ministore ≥ 10 × the best peer with one durable commit per call${named(alone)}`,
        ratio(alone?.name ?? '', ministore.name),
        10,
      ),
      atMost(
        `ministore ahead of the best peer that syncs once for many calls, too${named(together)}`,
        ratio(ministore.name, together?.name ?? ''),
        1,
      ),
    ],
    skipped,
    notes: [
      ...doubts(figures),
      `ministore: ${counted.recordsPerSync().toFixed(0)} records per fdatasync`,
    ],
  }
}

const SYNCS = 'fsync,fdatasync,sync_file_range,msync'

/** Counted by strace, in children. */
export const syncsInTurn = (options: Options): Promise<Row> =>
  countSyncs(options, {
    ...{ id: 'syncs', title: 'who really syncs', few: 10, many: 60, calls: 1, of: durable },
    target: 'each journal that is called durable syncs once per call, or more',
    limit: 1,
  })

/** What shares a sync with others takes fewer than one. */
export const syncsAtOnce = (options: Options): Promise<Row> =>
  countSyncs(options, {
    ...{ id: 'syncs-many', title: `who syncs for many, ${CALLERS} at once`, few: 1, many: 3 },
    ...{ calls: CALLERS, of: [ministore, ...peers.filter(({ isGrouping }) => isGrouping)] },
  })

interface Counting {
  readonly id: string
  readonly title: string
  /** Rounds: the difference counts, so that opening does not. */
  readonly few: number
  readonly many: number
  /** In a round. */
  readonly calls: number
  readonly of: readonly Contestant[]
  readonly target?: string
  readonly limit?: number
}

async function countSyncs(options: Options, counting: Counting): Promise<Row> {
  const { id, title, few, many, calls, of, target, limit = 0 } = counting
  const directory = directoryIn(options)
  const { running, skipped } = await startAll(of, directory)
  for (const { runner } of running) await runner.close?.()
  const figures: Figure[] = []
  for (const { contestant } of running) {
    report(`${title}: ${contestant.name}`)
    const { name, role, isDurable } = contestant
    const [first, second] = [few, many].map((rounds) =>
      countedByStrace({ name, rounds, calls, directory: directory('strace') }),
    )
    if (typeof first === 'number' && typeof second === 'number') {
      const value = (second - first) / ((many - few) * calls)
      figures.push({ name, role, value, ...(isDurable !== undefined && { isDurable }) })
    } else {
      skipped.push({ name, reason: String(typeof first === 'number' ? second : first) })
    }
  }
  report()
  const claiming = figures.filter(({ isDurable }) => isDurable).map(({ value }) => value)
  const least = claiming.length > 0 ? Math.min(...claiming) : Number.NaN
  return {
    ...{ id, title, unit: 'syncs', figures, skipped },
    work: `${SYNCS.replaceAll(',', ', ')} per call, counted by strace`,
    targets: target === undefined ? [] : [atLeast(target, least, limit)],
  }
}

/** The number of system calls that sync, or why there is none. */
function countedByStrace(given: Given<'append'>): number | string {
  const trace = join(given.directory, 'trace')
  const child = childArguments('append', given)
  const watch = ['-f', '-qq', '-e', `trace=${SYNCS}`, '-o', trace, process.execPath]
  const ran = spawnSync('strace', [...watch, ...child], { encoding: 'utf8' })
  if (ran.error) return `strace cannot be run: ${ran.error.message}`
  if (ran.status !== 0) return ran.stderr.trim().split('\n').at(-1) ?? `exit code ${ran.status}`
  const lines = readFileSync(trace, 'utf8').split('\n')
  // A call that another thread interrupts takes two lines.
  return lines.filter((each) => /\w+\(/.test(each) && !each.includes('resumed')).length
}

/** Nothing that syncs can be faster than the floor: then the rounds differ more than the contestants. */
const doubts = (figures: readonly Figure[]): string[] =>
  figures
    .filter(({ isDurable, ratio = 1 }) => isDurable && ratio < 0.8)
    .map(({ name }) => `${name} is ahead of the floor, which is noise: measure on an idle machine`)

const named = (figure: Figure | undefined) => (figure ? ` (${figure.name})` : '')

function bestOf(figures: readonly Figure[], of: readonly Contestant[]): Figure | undefined {
  const names = new Set(of.filter(({ isDurable }) => isDurable).map(({ name }) => name))
  return figures.filter(({ name }) => names.has(name)).toSorted((a, b) => a.value - b.value)[0]
}

function floor(name: string, sync: (fd: number) => unknown, isSync: boolean): Contestant {
  return {
    ...{ name, role: 'floor', isDurable: true, note: 'the same bytes' },
    async start(directory) {
      const fd = openSync(join(directory, 'floor'), 'w')
      let end = 0
      const call = () => {
        end += writeSync(fd, line, end)
        return sync(fd)
      }
      return { isSync, call, close: () => closeSync(fd) }
    },
  }
}

const oneWrite: Contestant = {
  ...{ name: `one write + one fdatasync of ${CALLERS} lines`, role: 'floor', isDurable: true },
  async start(directory) {
    const fd = openSync(join(directory, 'floor'), 'w')
    let end = 0
    const many = (_: number, count: number) => {
      end += writeSync(fd, line.repeat(count), end)
      fdatasyncSync(fd)
    }
    return { call: () => undefined, many, close: () => closeSync(fd) }
  },
}

function ministoreAs(name: string, sync: 'async' | 'blocking'): Contestant {
  const how = sync === 'async' ? 'as it comes: fdatasync awaited' : 'fdatasync in this thread'
  return {
    ...{ name, role: 'ministore', isDurable: true, note: `${how}; schema, reducer, checksum` },
    async start(directory) {
      const store = await orders.open(join(directory, 'orders.jsonl'), { sync })
      return { call: (n) => store.dispatch('put', order(n)), close: store.close }
    },
  }
}

/** ministore, on a disk that counts. */
function onCountingDisk(): { contestant: Contestant; recordsPerSync: () => number } {
  let [syncs, records] = [0, 0]
  const disk = nodeFileSystem()
  const fileSystem: typeof disk = {
    ...disk,
    async open(...args) {
      const file = await disk.open(...args)
      const datasync = () => {
        syncs += 1
        return file.datasync()
      }
      return { ...file, datasync }
    },
  }
  const contestant: Contestant = {
    ...ministore,
    async start(directory) {
      const store = await orders.open(fileJournal(join(directory, 'orders.jsonl'), { fileSystem }))
      syncs = 0
      const call = (n: number) => {
        records += 1
        return store.dispatch('put', order(n))
      }
      return { call, close: store.close }
    },
  }
  return { contestant, recordsPerSync: () => records / syncs }
}
