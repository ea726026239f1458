// Which record it was: by replaying the journal once more.
import { freeze } from '../../json/index.ts'
import { reduce } from '../../mutation/reduce.ts'
import type { CompiledDefinition } from '../../mutation/spec.ts'
import type { Journal } from '../../port/journal.ts'
import type { StateAt } from '../../port/snapshots.ts'
import type { Decoded } from '../../record/record.ts'
import { readBase } from '../../replay/base.ts'
import { type InPlace, InPlaceReplay } from '../../replay/in-place.ts'
import { readDecoded } from '../../replay/index.ts'
import { watch } from './watch.ts'

export interface Step {
  readonly record: Decoded
  readonly before: unknown
  readonly after: unknown
}

/** Seqs; `after` itself is not meant. */
export interface Range {
  readonly after: number
  readonly until: number
}

/** The first record in the range for which `isIt`. The journal is open. Throws as replaying does. */
export async function locate(
  definition: CompiledDefinition,
  journal: Journal,
  range: Range,
  isIt: (step: Step) => boolean,
): Promise<Step | undefined> {
  const base = await readBase(definition, journal)
  const begin = base
    ? { ...base, state: freeze(base.state) }
    : { state: definition.initial, seq: 0, at: '' }
  const search = (place?: InPlace) => searchFrom(definition, journal, range, isIt, begin, place)
  return search(new InPlaceReplay(begin.state)).catch(() => search())
}

/** In place up to the range, which costs little; through Immer where both states are needed. */
async function searchFrom(
  definition: CompiledDefinition,
  journal: Journal,
  { after, until }: Range,
  isIt: (step: Step) => boolean,
  begin: StateAt,
  place?: InPlace,
): Promise<Step | undefined> {
  let { state } = begin
  for await (const records of readDecoded(definition, journal, until, begin.seq)) {
    for (const record of records) {
      const isInRange = record.meta.seq > after
      if (place && !isInRange) {
        watch(() => place.apply(record))
        state = place.state
        continue
      }
      const before = state
      state = watch(() =>
        record.parts.reduce((from, part) => reduce(from, part, record.meta), before),
      )
      const step = { record, before, after: state }
      if (isInRange && isIt(step)) return step
    }
  }
  return undefined
}

/** How many states of a range are looked at before it is narrowed down. */
const LOOKS = 10

/**
 * The record that makes the state one for which `isIt`; before the range it is not, and at its end it
 * is. For an `isIt` that looks at the whole state, which is too much to ask at each record.
 */
export async function locateState(
  definition: CompiledDefinition,
  journal: Journal,
  { after, until }: Range,
  isIt: (state: unknown) => boolean,
): Promise<Step | undefined> {
  const stride = Math.ceil((until - after) / LOOKS)
  const found = await locate(definition, journal, { after, until }, (step) => {
    const { seq } = step.record.meta
    return ((seq - after) % stride === 0 || seq === until) && isIt(step.after)
  })
  if (!found || stride === 1) return found
  const { seq } = found.record.meta
  const last = seq - ((seq - after) % stride || stride)
  return locateState(definition, journal, { after: last, until: seq }, isIt)
}
