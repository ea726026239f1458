// Replaying for someone who asks: the state at a seq, and what each mutation did to it.
import { InvalidArgumentError } from 'commander'
import { type Source, toRead } from '../cli/sources/source.ts'
import { Refusal } from '../cli/terminal/refusal.ts'
import type { AnyStoreDefinition, Replayed } from '../define/store-definition.ts'
import type { StoreError } from '../errors.ts'
import { fileJournal, nodeFileSystem } from '../journals/file/index.ts'
import { freeze } from '../json/index.ts'
import { definitionOf } from '../mutation/brand.ts'
import { reduce } from '../mutation/reduce.ts'
import type { CompiledDefinition } from '../mutation/spec.ts'
import type { FileSystem } from '../port/file-system.ts'
import type { Journal } from '../port/journal.ts'
import type { StateAt } from '../port/snapshots.ts'
import { committed } from '../record/decode.ts'
import type { Committed } from '../record/record.ts'
import { readBase } from '../replay/base.ts'
import type { InPlace } from '../replay/in-place.ts'
import { InPlaceReplay } from '../replay/in-place.ts'
import { readDecoded } from '../replay/index.ts'

interface InspectedState extends Replayed<unknown> {
  /** The damage of the journal after this state. */
  readonly damage?: string
}

/** The state after one mutation, or after a record that has none. */
interface Step {
  /** The state before the first record. */
  readonly isBase?: true
  readonly record?: Committed
  readonly seq: number
  /** Changes with the next step: what is kept of it must be copied. */
  readonly state: unknown
}

/** Bytes of a file that are not what was written, and so end what can be read. */
interface Damage {
  readonly path: string
  readonly message: string
  readonly seq: number
  readonly offset: number
}

/**
 * The state after `seq`, or after the last record. Of a damaged journal only the states before the
 * damage are known, and only when asked for by their seq: no one shall take one of them for the last.
 * Throws Refusal, and Error if the journal ends before `seq`.
 */
export async function stateAt(
  store: AnyStoreDefinition,
  source: Source,
  seq?: number,
): Promise<InspectedState> {
  const found = await replaySound(store, source, seq)
  if (seq === undefined || found.seq >= seq) return found
  throw endsBefore(source.name, seq, found.seq)
}

export const beginsBehind = (path: string, seq: number, base: number): Error =>
  new Error(
    `${path} was compacted: its states begin at seq ${base}, so the state at ${seq} is not available. The archive has it`,
  )

export const endsBefore = (path: string, seq: number, last: number): Error =>
  new Error(`${path} has no record ${seq}: its last one is ${last}`)

async function replaySound(
  store: AnyStoreDefinition,
  source: Source,
  until: number | undefined,
): Promise<InspectedState> {
  try {
    return await store.replay(toRead(source), { until })
  } catch (error) {
    const damage = damageIn(error, source)
    if (!damage || until === undefined || until >= damage.seq) throw refused(error, source)
    const replayed = await store.replay(soundPart(damage), { until })
    return { ...replayed, damage: told(damage) }
  }
}

/**
 * The state on which the records stand, then every mutation up to seq `until` with the state after it.
 * If the journal is damaged, or does not fit the definition from some record on, what is before that
 * is yielded; then it throws Refusal.
 */
export async function* steps(
  store: AnyStoreDefinition,
  source: Source,
  until?: number,
): AsyncGenerator<Step> {
  const { journal, damage } = await openSound(store.name, source)
  try {
    yield* stepsOf(definitionOf(store), journal, until)
  } catch (error) {
    throw refused(error, source)
  } finally {
    await journal.close()
  }
  if (damage) throw new Refusal(told(damage))
}

/** In place, at a cost that does not grow with the state; or through Immer from the point where that does not work. */
async function* stepsOf(
  definition: CompiledDefinition,
  journal: Journal,
  until: number | undefined,
): AsyncGenerator<Step> {
  let done = 0
  try {
    for await (const step of walk(
      definition,
      journal,
      until,
      certain(await startOf(definition, journal)),
    )) {
      yield step
      done += 1
    }
    return
  } catch (error) {
    if (!(error instanceof Uncertain)) throw error
  }
  for await (const step of walk(
    definition,
    journal,
    until,
    exact(await startOf(definition, journal)),
  )) {
    if (done === 0) yield step
    else done -= 1
  }
}

async function* walk(
  definition: CompiledDefinition,
  journal: Journal,
  until: number | undefined,
  { place, after }: Started,
): AsyncGenerator<Step> {
  yield { isBase: true, seq: after, state: place.state }
  for await (const records of readDecoded(definition, journal, until, after)) {
    for (const record of records) {
      if (record.parts.length === 0) yield { seq: record.meta.seq, state: place.state }
      for (const [index, mutation] of committed(record).entries()) {
        place.apply({ ...record, parts: record.parts.slice(index, index + 1) })
        yield { record: mutation, seq: record.meta.seq, state: place.state }
      }
    }
  }
}

/** A record cannot be replayed in place. */
class Uncertain extends Error {}

/** Where the records begin: a compacted journal's stand on the state that it was compacted to. */
async function startOf(definition: CompiledDefinition, journal: Journal): Promise<StateAt> {
  return (await readBase(definition, journal)) ?? { state: definition.initial, seq: 0, at: '' }
}

interface Started {
  readonly place: InPlace
  readonly after: number
}

function certain({ state: initial, seq: after }: StateAt): Started {
  const place = new InPlaceReplay(initial)
  const guarded: InPlace = {
    get state() {
      return place.state
    },
    apply(record) {
      try {
        place.apply(record)
      } catch (cause) {
        throw new Uncertain('not in place', { cause })
      }
    },
  }
  return { place: guarded, after }
}

function exact({ state: initial, seq: after }: StateAt): Started {
  let state = freeze(initial)
  const place: InPlace = {
    get state() {
      return state
    },
    apply({ meta, parts }) {
      for (const part of parts) state = reduce(state, part, meta)
    },
  }
  return { place, after }
}

/** An argument that names a seq; 0 is the initial state. */
export function parseSeq(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A seq is a whole number: 0 for the initial state, 1, 2, 3 …')
}

async function openSound(
  name: string,
  source: Source,
): Promise<{ journal: Journal; damage?: Damage }> {
  const whole = toRead(source)
  try {
    await whole.open(name)
    return { journal: whole }
  } catch (error) {
    const damage = damageIn(error, source)
    if (!damage) throw refused(error, source)
    const journal = soundPart(damage)
    await journal.open(name)
    return { journal, damage }
  }
}

/** The journal as if it ended where the damage begins: everything before that is checked as ever. */
const soundPart = ({ path, offset }: Damage): Journal =>
  fileJournal(path, { readOnly: true, fileSystem: endingAt(offset) })

function endingAt(end: number): FileSystem {
  const disk = nodeFileSystem()
  return {
    ...disk,
    async open(path, flags) {
      const file = await disk.open(path, flags)
      return {
        ...file,
        size: async () => Math.min(await file.size(), end),
        async read(into, position) {
          const left = Math.max(0, end - position)
          return left === 0 ? 0 : file.read(into.subarray(0, left), position)
        },
      }
    },
  }
}

// By its fields, not instanceof: the definition may come with another copy of this package.
function damageIn(error: unknown, { path }: Source): Damage | undefined {
  const { code, message = '', seq, offset } = error as Partial<StoreError>
  if (code !== 'corrupt' || seq === undefined || offset === undefined) return undefined
  return path === undefined ? undefined : { path, message, seq, offset }
}

const told = ({ message, seq }: Damage) => `${message}\n  ${soundUpTo(seq - 1)}`

const soundUpTo = (seq: number) =>
  `Up to seq ${seq} all is well: \`npx ministore-ts state --at ${seq}\` prints the state there`

/** What is wrong with a record, or with the whole journal, is a finding; anything else is passed on. */
function refused(error: unknown, { name }: Source): unknown {
  const { code, message = '', seq, path } = error as Partial<StoreError>
  if (code === undefined || (code !== 'corrupt' && seq === undefined)) return error
  const where = path === undefined ? `${name}: ${message}` : message
  return new Refusal(seq === undefined ? where : `${where}\n  ${soundUpTo(seq - 1)}`)
}
