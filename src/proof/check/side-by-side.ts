// One record, replayed three times side by side: twice through Immer, which is what a live store
// does, and in place, which is what opening does.
import { isSame } from '../../diff/index.ts'
import { StoreError } from '../../errors.ts'
import { freeze } from '../../json/index.ts'
import { reduce } from '../../mutation/reduce.ts'
import type { CompiledDefinition, Meta, PreparedMutation } from '../../mutation/spec.ts'
import type { Decoded } from '../../record/record.ts'
import { type InPlace, InPlaceReplay } from '../../replay/in-place.ts'
import {
  describeDifference,
  describeUse,
  findDifference,
  type Run,
  type Subject,
  variantsFor,
} from './elsewhere.ts'
import { type FindingDraft, isThrown, messageOf } from './findings.ts'
import { type Conditions, HERE, type Use, watch } from './watch.ts'

/**
 * Of each mutation so many records go through Immer twice, unless their reducers use something impure. For
 * all others the replay in place is the second run: it is compared with the first as far as that changed
 * the state, and at the end in full.
 */
const TWICE = 1_000
/** So many records of a mutation that use something impure are replayed in all conditions. */
const IN_ALL = 100
/** In even variants the clock shows the time of the record: that of the live store. */
const AS_LIVE = 2
/** How often a reducer is run again before a difference is held for ours. */
const ATTEMPTS = [AS_LIVE, 1, 3]

/** Of a mutation of the record. */
interface UseOf extends Use {
  readonly type: string
}
type Result = { readonly state: unknown } | { readonly thrown: string }

export class SideBySide {
  /** Frozen, of the last record that could be replayed. */
  state: unknown
  #place: InPlace | undefined
  /** By mutation: how many records, and how many that used something impure. */
  readonly #runs = new Map<string, number>()
  readonly #impure = new Map<string, number>()
  readonly #tell: (found: FindingDraft) => void

  constructor({ initial }: CompiledDefinition, tell: (found: FindingDraft) => void) {
    this.state = initial
    this.#place = new InPlaceReplay(initial)
    this.#tell = tell
  }

  /** At another state than the initial one: what compacting left, which is its own. */
  begin(state: unknown): void {
    this.#place = new InPlaceReplay(state)
    this.state = freeze(state)
  }

  /** False if the state can no longer be known. */
  apply(record: Decoded): boolean {
    const before = this.state
    const uses: UseOf[] = []
    try {
      this.state = reduceAll(record, before, HERE, (use) => uses.push(use))
    } catch (error) {
      if (!this.#dependsOn(record, before, uses, error))
        this.#tell(describeFailure(record, before, error))
      return false
    }
    const type = record.parts[0]?.mutation.type ?? ''
    const runs = count(this.#runs, type)
    const isTwice = runs <= TWICE || !this.#place || uses.length > 0
    const isAll = uses.length > 0 && count(this.#impure, type) <= IN_ALL
    const variants = variantsFor(isAll ? uses : [], record.meta.seq)
    if (isTwice && !this.#isSteady(record, before, uses, variants)) this.#place = undefined
    if (!this.#place || !this.#applyInPlace(this.#place, record, type)) return true
    const { state } = this.#place
    if (isAlike(() => isSameChange(before, this.state, state))) return true
    if (this.#isSteady(record, before, uses, ATTEMPTS)) this.end(type)
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

  #applyInPlace(place: InPlace, record: Decoded, type: string): boolean {
    try {
      runInPlace(place, record)
      return true
    } catch (cause) {
      this.#place = undefined
      const message = `${type} cannot be replayed in place (${messageOf(cause)}), so opening takes the long way through Immer`
      this.#tell({ rule: 'not_in_place', severity: 'note', message, type })
      return false
    }
  }

  /** Whether the reducers give the same state at another time and place. */
  #isSteady(
    record: Decoded,
    before: unknown,
    uses: readonly UseOf[],
    variants: readonly number[],
  ): boolean {
    const run = runOf(record, before)
    const found = findDifference(run, { state: this.state }, uses, variants, isSameResult)
    if (found) {
      const { again } = found
      const other = 'state' in again ? again.state : before
      const names = ['once', 'again'] as const
      this.#tell({
        ...describeDifference(subjectOf(found.uses[0]?.type ?? typeOf(record)), found.uses),
        between: [this.state, other, names],
      })
      return false
    }
    this.#tellUses(record, uses)
    return true
  }

  #tellUses(record: Decoded, uses: readonly UseOf[]): void {
    for (const use of uses) {
      const mutation = record.parts.find((part) => part.mutation.type === use.type)?.mutation
      this.#tell(describeUse(subjectOf(use.type), use, mutation?.accept ?? {}))
    }
  }

  /** Whether it fails, as it did, only at this time and place; then that is reported. */
  #dependsOn(record: Decoded, before: unknown, uses: readonly UseOf[], error: unknown): boolean {
    const run = runOf(record, before)
    const here = { thrown: messageOf(error) }
    const variants = uses.length > 0 ? variantsFor(uses, 0) : []
    const found = findDifference(run, here, uses, variants, isSameResult)
    if (!found?.uses[0]) {
      this.#tellUses(record, uses)
      return false
    }
    const type = found.uses[0].type
    const subject = { name: `apply of ${type} fails here, and`, result: 'result', type }
    this.#tell(describeDifference(subject, found.uses))
    return true
  }
}

function count(counts: Map<string, number>, type: string): number {
  const next = (counts.get(type) ?? 0) + 1
  counts.set(type, next)
  return next
}

const typeOf = ({ parts }: Decoded): string => parts[0]?.mutation.type ?? ''

const subjectOf = (type: string): Subject => ({ name: `apply of ${type}`, result: 'state', type })

/** The state after all parts of a record. Throws what `reduce` throws. */
function reduceAll(
  { meta, parts }: Decoded,
  before: unknown,
  conditions: Conditions,
  onUse: (use: UseOf) => void,
): unknown {
  let state = before
  for (const part of parts) {
    const { type, accept } = part.mutation
    const from = state
    const here = conditions.variant === 0 ? HERE : { ...conditions, accepted: accept }
    state = watch(
      () => reduce(from, part, meta),
      here,
      (use) => onUse({ ...use, type }),
    )
  }
  return state
}

function runOf(record: Decoded, before: unknown): Run<Result, UseOf> {
  const { at } = record.meta
  return (conditions, onUse) => {
    try {
      return { state: reduceAll(record, before, { ...conditions, at }, onUse) }
    } catch (error) {
      return { thrown: messageOf(error) }
    }
  }
}

function isSameResult(one: Result, other: Result): boolean {
  if ('state' in one && 'state' in other) return isAlike(() => isSame(one.state, other.state))
  return 'thrown' in one && 'thrown' in other
}

/** At the time of the record, on another host. */
function runInPlace(place: InPlace, record: Decoded): void {
  const { meta, parts } = record
  const accepted =
    parts.length === 1
      ? parts[0]?.mutation.accept
      : Object.assign({}, ...parts.map(({ mutation }) => mutation.accept))
  watch(() => place.apply(record), { variant: AS_LIVE, at: meta.at, accepted })
}

/** What cannot be compared, such as a cycle, is no JSON: that is reported by itself. */
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

function describeFailure({ meta, parts }: Decoded, before: unknown, error: unknown): FindingDraft {
  const failed = (
    rule: 'apply_failed' | 'nondeterministic',
    type: string,
    more = '',
  ): FindingDraft => {
    const what = `apply of ${type} failed at seq ${meta.seq}: ${messageOf(error)}`
    const message = `${isThrown(error, StoreError) ? error.message : what}${more}`
    return { rule, severity: 'error', message, type }
  }
  let state = before
  for (const part of parts) {
    const { type } = part.mutation
    try {
      state = watch(() => reduce(state, part, meta))
    } catch {
      if (!writesToPayload(part, state, meta)) return failed('apply_failed', type)
      const message = `apply of ${type} writes to its payload: copy it first`
      return { rule: 'payload_changed', severity: 'error', message, type }
    }
  }
  const type = parts[0]?.mutation.type ?? ''
  return failed('nondeterministic', type, ', and did not fail the second time')
}

/** Payloads are frozen, so it fails; on a payload of its own it does not. */
function writesToPayload(part: PreparedMutation, state: unknown, meta: Meta): boolean {
  const payload = structuredClone(part.payload)
  try {
    watch(() => reduce(state, { ...part, payload }, meta))
    return true
  } catch {
    return false
  }
}
