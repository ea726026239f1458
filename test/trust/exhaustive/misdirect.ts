// A disk that puts a sector in another's place, keeps an old version of one, or gives back a wrong one when it is read:
// each such mistake, in each sector of small journals.
import type * as Api from 'ministore-ts'
import type { FileSystem, OpenFile } from 'ministore-ts/file'
import { copyPlatter, type Inode, type Platter } from '../../../src/testing/platter.ts'
import { mount } from '../../../src/testing/simulated-disk.ts'
import { BrokenPromise, type Subject } from '../world.ts'
import { freeze, NO_CHOICE, newState, type State } from './explore.ts'
import {
  type Act,
  live,
  PATH,
  type Promised,
  type Reached,
  reach,
  type Scenario,
} from './scenario.ts'

const SECTOR_BYTES = 512

export interface Misdirected {
  /** Mistakes of the disk that were tried. */
  mistakes: number
  /** What came of them. */
  reached: Reached
}

export interface MisdirectOptions {
  readonly subject: Subject
  readonly scenario: Scenario
}

/** Throws BrokenPromise where a mistake gives another state, or harms what is on the disk. */
export async function misdirect(options: MisdirectOptions): Promise<Misdirected> {
  const all: Misdirected = { mistakes: 0, reached: new Map() }
  const restore = freeze()
  try {
    const { state, versions } = await write(options)
    await tryWrites(state, versions, options, all)
    await tryReads(state, versions, options, all)
    return all
  } finally {
    restore()
  }
}

/** By file: what each of its sectors ever held. */
type Versions = Map<Inode, Uint8Array[][]>

async function write({ subject, scenario }: MisdirectOptions) {
  const state = newState()
  const versions: Versions = new Map()
  const disk = mount(state.platter)
  const fileSystem = watching(disk, () => remember(state.platter, versions))
  await live({ ...state, subject, scenario, fileSystem, reached: new Map() }, scenario.acts)
  return { state, versions }
}

/** Calls `onChange` after each change of a file. */
const watching = (disk: FileSystem, onChange: () => void): FileSystem => ({
  ...disk,
  async open(path, flags) {
    const file = await disk.open(path, flags)
    const then = async <R>(running: R): Promise<Awaited<R>> => {
      const result = await running
      onChange()
      return result
    }
    return {
      ...file,
      write: (bytes, position) => then(file.write(bytes, position)),
      truncate: (size) => then(file.truncate(size)),
    }
  },
})

function remember({ names }: Platter, versions: Versions): void {
  for (const inode of names.values()) {
    const known = versions.get(inode) ?? []
    for (let sector = 0; sector * SECTOR_BYTES < inode.visible.length; sector++) {
      const content = sectorOf(inode.visible, sector)
      // Before it was first written, it was empty.
      const contents = known[sector] ?? [new Uint8Array(SECTOR_BYTES)]
      known[sector] = contents
      if (!contents.some((each) => same(each, content))) contents.push(content)
    }
    versions.set(inode, known)
  }
}

function sectorOf(bytes: Uint8Array, sector: number): Uint8Array {
  const whole = new Uint8Array(SECTOR_BYTES)
  whole.set(bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES))
  return whole
}

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

interface Mistake {
  readonly path: string
  readonly sector: number
  readonly content: Uint8Array
}

/** Of every file: each sector with each content that it had, or that another sector ever had. */
function* mistakes({ names }: Platter, versions: Versions): Generator<Mistake> {
  const contents = [...versions.values()].flat(2)
  for (const [path, inode] of names) {
    for (let sector = 0; sector * SECTOR_BYTES < inode.visible.length; sector++) {
      const right = sectorOf(inode.visible, sector)
      for (const content of contents) if (!same(content, right)) yield { path, sector, content }
    }
  }
}

/** The mistake alone, as of a stale sector; and together with the loss of the sector that was to be written. */
async function tryWrites(
  state: State,
  versions: Versions,
  options: MisdirectOptions,
  all: Misdirected,
): Promise<void> {
  const lastSector = ({ visible }: Inode) => Math.floor((visible.length - 1) / SECTOR_BYTES)
  for (const mistake of mistakes(state.platter, versions)) {
    await tryWrite(state, [mistake], options, all)
    const journal = state.platter.names.get(PATH)
    if (!journal || mistake.path !== PATH) continue
    const sector = lastSector(journal)
    if (!same(mistake.content, sectorOf(journal.visible, sector)) || mistake.sector === sector)
      continue
    for (const content of versions.get(journal)?.[sector] ?? [])
      await tryWrite(state, [mistake, { path: PATH, sector, content }], options, all)
  }
}

async function tryWrite(
  { platter, promised }: State,
  made: readonly Mistake[],
  { subject, scenario }: MisdirectOptions,
  all: Misdirected,
): Promise<void> {
  all.mistakes += 1
  const damaged = copyPlatter(platter, NO_CHOICE)
  for (const { path, sector, content } of made) {
    const inode = damaged.names.get(path)
    if (!inode) continue
    inode.visible = replaced(inode.visible, sector, content)
    inode.durable = inode.visible
  }
  const found = { seq: floorOf(platter, made), archives: {} }
  const seen = { subject, scenario, fileSystem: mount(damaged), reached: new Map() }
  const outcome = await live({ ...seen, promised: found, acceptsUnusedSnapshots: true }, []).then(
    () => (found.seq === promised.seq ? 'harmless' : 'taken for a torn write'),
    (error) => refusal(error, made),
  )
  reach(all.reached, outcome)
}

/** Names the code; what is no refusal is thrown. */
function refusal(error: unknown, made: readonly Mistake[]): string {
  if (error instanceof BrokenPromise && error.cause instanceof Error && 'code' in error.cause)
    return `refused as ${error.cause.code}`
  if (error instanceof Error && error.name === 'StoreError')
    return `refused as ${(error as Api.StoreError).code}`
  const places = made.map(({ path, sector }) => `sector ${sector} of ${path}`)
  throw new BrokenPromise(`${places.join(' and ')}: ${error}`, { cause: error })
}

function replaced(bytes: Uint8Array, sector: number, content: Uint8Array): Uint8Array {
  const next = Uint8Array.from(bytes)
  const from = sector * SECTOR_BYTES
  next.set(content.subarray(0, next.length - from), from)
  return next
}

/**
 * The records that must be there, unless opening refuses. Nothing proves a record that is damaged and that neither a
 * whole record of a later group follows, nor a snapshot has: this is "Loss at the very end" in docs/JOURNAL.md.
 */
function floorOf({ names }: Platter, made: readonly Mistake[]): number {
  const journal = Buffer.from(names.get(PATH)?.visible ?? [])
  const isWhole = ({ begin, end }: Place) =>
    made.every(
      ({ path, sector }) =>
        path !== PATH || end <= sector * SECTOR_BYTES || begin >= (sector + 1) * SECTOR_BYTES,
    )
  const lines = linesOf(journal)
  const last = lines.at(-1)?.seq ?? 0
  const damaged = lines.find((line) => !isWhole(line))
  if (!damaged) return last
  const isProved = lines.some((line) => isWhole(line) && line.seq - line.b > damaged.seq)
  return isProved ? last : damaged.seq - 1
}

interface Place {
  readonly begin: number
  readonly end: number
}

/** Those of its records. */
function linesOf(journal: Buffer): (Place & { readonly seq: number; readonly b: number })[] {
  const lines = []
  for (let begin = 0; begin < journal.length; ) {
    const end = journal.indexOf('\n', begin) + 1
    const { seq, b = 0 }: { seq?: number; b?: number } = JSON.parse(
      journal.toString('utf8', begin, end),
    )
    if (seq !== undefined) lines.push({ begin, end, seq, b })
    begin = end
  }
  return lines
}

/** What a process does of which one read goes wrong. */
const READING: readonly Act[] = ['snapshot', 'compact and two']

/** One read goes wrong, once: afterwards all is there, whatever came of it. */
async function tryReads(
  state: State,
  versions: Versions,
  options: MisdirectOptions,
  all: Misdirected,
): Promise<void> {
  for (let wrong = 0; ; wrong++) {
    let isReached = false
    for (const mistake of mistakes(state.platter, versions)) {
      if (await tryRead(state, mistake, wrong, options, all)) isReached = true
    }
    if (!isReached) return
  }
}

/** Whether there is such a read. */
async function tryRead(
  { platter, promised }: State,
  mistake: Mistake,
  wrong: number,
  { subject, scenario }: MisdirectOptions,
  all: Misdirected,
): Promise<boolean> {
  const { path, sector, content } = mistake
  const copy = copyPlatter(platter, NO_CHOICE)
  let reads = 0
  let isWrong = false
  const disk = mount(copy)
  const fileSystem: FileSystem = {
    ...disk,
    async open(opened, flags) {
      const file: OpenFile = await disk.open(opened, flags)
      const inode = copy.names.get(opened)
      return {
        ...file,
        async read(into, position) {
          const count = await file.read(into, position)
          if (reads++ !== wrong) return count
          const from = sector * SECTOR_BYTES
          const isIn = from < position + count && from + SECTOR_BYTES > position
          if (inode !== copy.names.get(path) || !isIn) return count
          isWrong = true
          const begin = Math.max(from, position)
          const end = Math.min(from + SECTOR_BYTES, position + count)
          into.set(content.subarray(begin - from, end - from), begin - position)
          return count
        },
      }
    },
  }
  // The wrong read may be of an archive, which this process does not change.
  const after: Promised = { seq: promised.seq, archives: {} }
  const seen = { subject, scenario, reached: new Map(), acceptsUnusedSnapshots: true }
  const running = live({ ...seen, fileSystem, promised: after }, READING)
  const outcome = await running.then(
    () => 'harmless',
    (error) => refusal(error, [mistake]),
  )
  if (!isWrong) return reads > wrong
  all.mistakes += 1
  reach(all.reached, `a read: ${outcome}`)
  const archives = { ...promised.archives, ...after.archives }
  const kept = { seq: after.seq, archives }
  await live({ ...seen, fileSystem: mount(copy), promised: kept }, []).catch((error) => {
    const what = `${path}, sector ${sector}, read ${wrong} (${outcome})`
    throw new BrokenPromise(`a wrong read did harm: ${what}: ${error}`, { cause: error })
  })
  return true
}
