// One record, replayed three times side by side: twice through Immer, which is what a live store
// does, and in place, which is what opening does.
import { isSame } from '../diff/index.ts'
import { freeze, type InPlace, inPlace, reduce, StoreError } from '../index.ts'
import type { Decoded, Definition, Meta, Part } from '../types.ts'
import { type Found, isThrown, messageOf } from './findings.ts'
import { rerun, watch } from './traps.ts'

/**
 * Of each mutation so many records go through Immer twice. For all others the replay in place is the
 * second run: it is compared with the first as far as that changed the state, and at the end in full.
 */
const TWICE = 1_000
/** How often a reducer is asked again before a difference is held for ours. */
const ATTEMPTS = 3

export class SideBySide {
  /** Frozen, of the last record that could be replayed. */
  state: unknown
  #place: InPlace | undefined
  readonly #runs = new Map<string, number>()
  readonly #tell: (found: Found) => void

  constructor({ initial }: Definition, tell: (found: Found) => void) {
    this.state = initial
    this.#place = inPlace(initial)
    this.#tell = tell
  }

  /** At another state than the initial one: what compacting left, which is its own. */
  begin(state: unknown): void {
    this.#place = inPlace(state)
    this.state = freeze(state)
  }

  /** False where the state can no longer be known. */
  apply(record: Decoded): boolean {
    const before = this.state
    try {
      this.state = reduceAll(record, before, (run, type) =>
        watch((what) => this.#tellUse(type, what), run),
      )
    } catch (error) {
      this.#tell(describeFailure(record, before, error))
      return false
    }
    const type = record.parts[0]?.mutation.type ?? ''
    const runs = (this.#runs.get(type) ?? 0) + 1
    this.#runs.set(type, runs)
    const isTwice = runs <= TWICE || !this.#place
    if (isTwice && !this.#isSteady(record, before, type, 1)) this.#place = undefined
    if (!this.#place || !this.#applyInPlace(this.#place, record, type)) return true
    const { state } = this.#place
    if (isAlike(() => isSameChange(before, this.state, state))) return true
    if (this.#isSteady(record, before, type, ATTEMPTS)) this.end(type)
    this.#place = undefined
    return true
  }

  /** What may only show in the whole: a change of the state in place that Immer did not make. */
  end(type: string): void {
    const { state } = this.#place ?? this
    if (isAlike(() => isSame(this.state, state))) return
    const message = `replay in place gives another state than Immer, from ${type} on or before: a reducer that is not always the same, or a bug of ministore`
    const between = [this.state, state, ['through Immer', 'in place']] as const
    this.#tell({ rule: 'nondeterministic', severity: 'error', message, type, between })
  }

  #tellUse(type: string, what: string): void {
    const message = `apply of ${type} uses ${what}: a replay has another one. Put the value into the payload, or use meta.at`
    this.#tell({ rule: 'impure', severity: 'error', message, type })
  }

  #applyInPlace(place: InPlace, record: Decoded, type: string): boolean {
    try {
      rerun(() => place.apply(record))
      return true
    } catch (cause) {
      this.#place = undefined
      const message = `${type} cannot be replayed in place (${messageOf(cause)}), so opening takes the long way through Immer`
      this.#tell({ rule: 'not_in_place', severity: 'note', message, type })
      return false
    }
  }

  #isSteady(record: Decoded, before: unknown, type: string, attempts: number): boolean {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const again = tryAgain(record, before)
      if (again && isAlike(() => isSame(again.state, this.state))) continue
      const message = `apply of ${type} gives another state each time: it may use nothing but draft, payload and meta`
      const between = [this.state, again ? again.state : before, ['once', 'again']] as const
      this.#tell({ rule: 'nondeterministic', severity: 'error', message, type, between })
      return false
    }
    return true
  }
}

type Watched = (run: () => unknown, type: string) => unknown

/** The state after all parts of a record. Throws what `reduce` throws. */
function reduceAll({ meta, parts }: Decoded, before: unknown, watched: Watched): unknown {
  return parts.reduce(
    (state, part) => watched(() => reduce(state, part, meta), part.mutation.type),
    before,
  )
}

/** Undefined where a reducer throws this time. */
function tryAgain(record: Decoded, before: unknown): { readonly state: unknown } | undefined {
  try {
    return { state: reduceAll(record, before, rerun) }
  } catch {
    return undefined
  }
}

/** What cannot be compared, such as a cycle, is no JSON: that is told by itself. */
function isAlike(compare: () => boolean): boolean {
  try {
    return compare()
  } catch {
    return true
  }
}

/**
 * Whether `other`, which was equal to `before`, is equal to `after`: looks only at what the two do
 * not share, so the cost is that of the change.
 */
function isSameChange(before: unknown, after: unknown, other: unknown): boolean {
  if (!isContainer(after)) return Object.is(after, other)
  if (Object.is(before, after)) return true
  if (!isContainer(other) || Array.isArray(after) !== Array.isArray(other)) return false
  const keys = Object.keys(after)
  if (keys.length !== Object.keys(other).length) return false
  const was = isContainer(before) ? before : {}
  for (const key of keys) {
    const next = after[key]
    // Nearly all of a large container: the same object as before, so nothing of it was changed.
    if (isContainer(next) && next === was[key]) continue
    if (!Object.hasOwn(other, key) || !isSameChange(was[key], next, other[key])) return false
  }
  return true
}

type Container = Readonly<Record<string, unknown>>

const isContainer = (value: unknown): value is Container =>
  typeof value === 'object' && value !== null

function describeFailure({ meta, parts }: Decoded, before: unknown, error: unknown): Found {
  const failed = (rule: 'apply_failed' | 'nondeterministic', type: string, more = ''): Found => {
    const what = `apply of ${type} failed at seq ${meta.seq}: ${messageOf(error)}`
    const message = `${isThrown(error, StoreError) ? error.message : what}${more}`
    return { rule, severity: 'error', message, type }
  }
  let state = before
  for (const part of parts) {
    const { type } = part.mutation
    try {
      state = rerun(() => reduce(state, part, meta))
    } catch {
      if (!writesToPayload(part, state, meta)) return failed('apply_failed', type)
      const message = `apply of ${type} writes to its payload: copy it first`
      return { rule: 'payload_changed', severity: 'error', message, type }
    }
  }
  const type = parts[0]?.mutation.type ?? ''
  return failed('nondeterministic', type, ', and did not fail when it was asked again')
}

/** Payloads are frozen, so it fails; on a payload of its own it does not. */
function writesToPayload(part: Part, state: unknown, meta: Meta): boolean {
  const payload = structuredClone(part.payload)
  try {
    rerun(() => reduce(state, { ...part, payload }, meta))
    return true
  } catch {
    return false
  }
}
