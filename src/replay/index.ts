// Step 3, the other way round: a journal's records → state.

import { StoreError } from '../errors.ts'
import { freeze } from '../json/index.ts'
import { reduce } from '../mutation/reduce.ts'
import { textOf } from '../mutation/result.ts'
import type { CompiledDefinition } from '../mutation/spec.ts'
import type { Entry, Journal } from '../port/journal.ts'
import type { StateAt } from '../port/snapshots.ts'
import { decode, parseTexts } from '../record/decode.ts'
import type { Keys } from '../record/keys.ts'
import type { Decoded } from '../record/record.ts'
import { InPlaceReplay } from './in-place.ts'
import type { AppliedRecord, ReplayedState, ReplayOrigin } from './replayed.ts'

interface ReplayOptions {
  /** The last seq; default: all. */
  readonly until?: number | undefined
  /** Remembers the idempotency keys on the way. */
  readonly keys?: Keys
  /** What stands for the first records; default: there are none before the first. */
  readonly start?: ReplayOrigin | undefined
}

/**
 * The state after seq `until`. Throws StoreError `compacted` if that is before `start`; else at the
 * first record that does not fit: `corrupt` where a seq is missing, else as `decode` and `reduce` do.
 */
export async function replay(
  definition: CompiledDefinition,
  journal: Journal,
  options: ReplayOptions = {},
): Promise<ReplayedState> {
  // Immer's word counts: it knows what this reducer does, and names what is wrong with it.
  const exactly = async (where: string, cause: unknown): Promise<ReplayedState> => {
    const head = await replayExactly(definition, journal, options)
    return { ...head, fallback: `${where} cannot be replayed in place: ${textOf(cause)}` }
  }
  const { until, keys } = options
  const begin = await loadOrigin(definition, journal, options)
  const place = new InPlaceReplay(begin.state)
  let { seq, at } = begin
  for await (const records of readDecoded(definition, journal, until, seq)) {
    for (const record of records) {
      try {
        place.apply(record)
      } catch (cause) {
        return exactly(`record ${record.meta.seq}`, cause)
      }
      keys?.add(record)
      seq = record.meta.seq
      at = record.meta.at
    }
  }
  try {
    const state = seq === 0 ? definition.initial : freeze(place.state)
    return { state, seq, at, records: seq - begin.seq }
  } catch (cause) {
    // Nested too deeply to be frozen at once.
    return exactly(`what record ${seq} gives`, cause)
  }
}

async function replayExactly(
  definition: CompiledDefinition,
  journal: Journal,
  options: ReplayOptions,
): Promise<ReplayedState> {
  const { until, keys } = options
  const begin = await loadOrigin(definition, journal, options)
  let head: StateAt = { ...begin, state: freeze(begin.state) }
  for await (const records of readDecoded(definition, journal, until, begin.seq)) {
    for (const record of advance(head, records)) {
      keys?.add(record)
      head = headOf(record)
    }
  }
  return { ...head, records: head.seq - begin.seq }
}

/** The head that a record gives. */
export const headOf = ({ state, meta: { seq, at } }: AppliedRecord): StateAt => ({ state, seq, at })

/** Records after a state, through Immer, each with the state that it produces. Throws StoreError as `reduce` does. */
export function* advance(head: StateAt, records: Iterable<Decoded>): Generator<AppliedRecord> {
  let { state } = head
  for (const record of records) {
    if (record.meta.seq <= head.seq) continue
    for (const part of record.parts) state = reduce(state, part, record.meta)
    yield { ...record, state }
  }
}

async function loadOrigin(
  { initial }: CompiledDefinition,
  { name }: Journal,
  { until = Number.POSITIVE_INFINITY, keys, start }: ReplayOptions,
): Promise<StateAt> {
  if (!start) {
    const head = { state: initial, seq: 0, at: '' }
    keys?.reset([], head)
    return head
  }
  const begin = await start()
  if (until < begin.seq) {
    const what = `${name} was compacted: its states begin at seq ${begin.seq}, so the state at ${until} is not available`
    throw new StoreError('compacted', `${what}; the archive has them`, { path: name })
  }
  keys?.reset(begin.keys, begin)
  const { state, seq, at } = begin
  return { state, seq, at }
}

/** The records after seq `after`, in order. Throws as `decodeBehind` and the journal do. */
export async function* readDecoded(
  definition: CompiledDefinition,
  journal: Journal,
  until?: number,
  after = 0,
): AsyncGenerator<Iterable<Decoded>> {
  let seq = after
  for await (const entries of journal.read(after, { to: until })) {
    yield decodeBehind(definition, journal, entries, seq)
    seq = Math.max(seq, entries.at(-1)?.seq ?? 0)
  }
}

/** Those of the entries after seq `after`. Throws StoreError `corrupt` if one is missing, else as `decode` does. */
export function* decodeBehind(
  definition: CompiledDefinition,
  { name }: Journal,
  entries: readonly Entry[],
  after: number,
): Generator<Decoded> {
  const values = parseTexts(entries)
  let seq = after
  for (const [index, entry] of entries.entries()) {
    // What the state already holds is skipped, so meeting a record twice is harmless.
    if (entry.seq <= seq) continue
    seq += 1
    if (entry.seq !== seq) {
      const gap = `${name}: record ${seq} is missing, ${entry.seq} comes instead`
      throw new StoreError('corrupt', gap, { seq, path: name })
    }
    yield decode(definition, entry, values[index])
  }
}
