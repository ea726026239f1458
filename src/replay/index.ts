// Step 3, the other way round: a journal's records → state.
import { freeze, reduce } from '../draft.ts'
import { StoreError } from '../errors.ts'
import { decode } from '../record/decode.ts'
import { remember } from '../record/keys.ts'
import type { Decoded, Definition, Journal, Keys, ReplayedHead } from '../types.ts'
import { inPlace } from './in-place.ts'

interface ReplayOptions {
  /** The last seq; default: all. */
  readonly until?: number | undefined
  /** Remembers the idempotency keys on the way. */
  readonly keys?: Keys
}

/**
 * The state after seq `until`. Throws StoreError at the first record that does not fit: `corrupt`
 * where a seq is missing, else as `decode` and `reduce` do.
 */
export async function replay(
  definition: Definition,
  journal: Journal,
  { until, keys }: ReplayOptions = {},
): Promise<ReplayedHead> {
  // Immer's word counts: it knows what this reducer does, and names what is wrong with it.
  const exactly = async (where: string, cause: unknown): Promise<ReplayedHead> => {
    const head = await replayExactly(definition, journal, { until, ...(keys && { keys }) })
    return { ...head, fallback: `${where} cannot be replayed in place: ${textOf(cause)}` }
  }
  const place = inPlace(definition.initial)
  let seq = 0
  for await (const records of readDecoded(definition, journal, until)) {
    for (const record of records) {
      try {
        place.apply(record)
      } catch (cause) {
        return exactly(`record ${record.meta.seq}`, cause)
      }
      if (keys) remember(keys, record)
      seq = record.meta.seq
    }
  }
  try {
    return { state: seq === 0 ? definition.initial : freeze(place.state), seq }
  } catch (cause) {
    // Nested too deeply to be frozen at once.
    return exactly(`what record ${seq} gives`, cause)
  }
}

/** Reducers throw what they like, also what has no text. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return typeof thrown
  }
}

async function replayExactly(
  definition: Definition,
  journal: Journal,
  { until, keys }: ReplayOptions,
): Promise<ReplayedHead> {
  let { state, seq } = { state: definition.initial, seq: 0 }
  for await (const records of readDecoded(definition, journal, until)) {
    for (const record of records) {
      for (const part of record.parts) state = reduce(state, part, record.meta)
      if (keys) remember(keys, record)
      seq = record.meta.seq
    }
  }
  return { state, seq }
}

/** The records in order. Throws StoreError `corrupt` where one is missing, else as `decode` does. */
export async function* readDecoded(
  definition: Definition,
  journal: Journal,
  until?: number,
): AsyncGenerator<Iterable<Decoded>> {
  let seq = 0
  for await (const entries of journal.read(0, { to: until })) {
    yield (function* () {
      for (const entry of entries) {
        // What the state already holds is skipped, so meeting a record twice is harmless.
        if (entry.seq <= seq) continue
        seq += 1
        if (entry.seq !== seq) {
          const gap = `${journal.name}: record ${seq} is missing, ${entry.seq} comes instead`
          throw new StoreError('corrupt', gap, { seq, path: journal.name })
        }
        yield decode(definition, entry)
      }
    })()
  }
}
