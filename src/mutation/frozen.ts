// What a reducer put into the state, before Immer finishes it: no draft in a frozen object, and no -0.
//
// Immer takes what is frozen for finished, so a draft in it would stay in the state, revoked. Such objects come
// from Object.freeze(), and from produce() of an application's own Immer.
//
// JSON has no -0: the state has 0 instead, as it would after reopening.
//
// Nor has it cycles, and Immer looks for drafts in plain objects only: in a Map or in an instance of a class,
// they would stay. Both are refused here, before they are in a state.
import { isTable } from '../table/index.ts'
import { copyTable } from '../table/table.ts'
import { assertNoCycle, CYCLE, type Link } from './cycles.ts'
import { type DraftState, isOtherDraft, stateOf } from './other-immer.ts'
import { describe } from './result.ts'

/** Frozen through and through, without a draft: they stay so, and are not looked at again. */
const finished = new WeakSet<object>()

/**
 * In all that the reducer assigned to `draft` and the drafts below, and in what it returned: puts a copy
 * that is not frozen in the place of each frozen object that holds a draft or -0, and 0 in the place of -0.
 * Returns `returned`, or its copy. Throws TypeError for a draft of another Immer, for one in a Map, a Set or
 * an instance of a class, and for a cycle.
 */
export function openFrozen(draft: unknown, returned?: unknown): unknown {
  const search = new Search()
  const drafts = (stateOf(draft as object)?.scope_.drafts_ ?? []).map((each) => stateOf(each))
  const states = drafts.filter((state) => state !== undefined)
  const links: Link[] = []
  for (const state of states) openAssigned(state, search, links)
  assertNoCycle(links, states)
  return search.open(returned)
}

function openAssigned(state: DraftState, search: Search, links: Link[]): void {
  if (!state.assigned_ || !state.copy_) return
  for (const [key, isAssigned] of state.assigned_) {
    const value = isAssigned ? state.copy_[key] : undefined
    // Not by way of the draft, for which 0 is not a change.
    if (Object.is(value, -0)) Reflect.set(state.copy_, key, 0)
    const opened = search.open(value)
    // By way of the draft: Immer notes what is assigned to it.
    if (opened !== value) Reflect.set(state.draft_, key, opened)
    for (const inner of search.draftsIn(opened)) links.push([state, inner])
  }
}

class Search {
  /** What each object is replaced by, or itself; undefined while it is searched. */
  readonly #opened = new Map<object, object | undefined>()
  /** Those that hold drafts, at any depth, with these. */
  readonly #held = new Map<unknown, readonly DraftState[]>()

  open(value: unknown): unknown {
    if (!isObject(value) || finished.has(value) || stateOf(value)) return value
    const known = this.#opened.get(value)
    if (known) return known
    if (this.#opened.has(value)) throw new TypeError(CYCLE)
    if (isOtherDraft(value))
      throw new TypeError('it puts a draft of another Immer into the state: finish that first')
    if (!isPlain(value)) return withoutDrafts(value)
    this.#opened.set(value, undefined)
    const opened = this.#openInside(value)
    this.#opened.set(value, opened)
    return opened
  }

  /** `value` is a draft, or what `open` returned. */
  draftsIn(value: unknown): readonly DraftState[] {
    const state = isObject(value) ? stateOf(value) : undefined
    return state ? [state] : (this.#held.get(value) ?? [])
  }

  #openInside(value: object): object {
    const changed = new Map<PropertyKey, unknown>()
    const held = new Set<DraftState>()
    let isFinished = Object.isFrozen(value)
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      const inner: unknown = Reflect.get(value, key)
      if (Object.is(inner, -0)) changed.set(key, 0)
      if (!isObject(inner)) continue
      const opened = this.open(inner)
      if (opened !== inner) changed.set(key, opened)
      for (const state of this.draftsIn(opened)) held.add(state)
      isFinished &&= finished.has(inner)
    }
    if (held.size === 0 && changed.size === 0) {
      if (isFinished) finished.add(value)
      return value
    }
    const open = Object.isFrozen(value) ? copyOf(value) : value
    for (const [key, inner] of changed) Reflect.set(open, key, inner)
    if (held.size > 0) this.#held.set(open, [...held])
    return open
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Immer looks into these for drafts, and into no others. A plain object's prototype has none itself. */
function isPlain(value: object): boolean {
  if (Array.isArray(value) || isTable(value)) return true
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Throws TypeError if something that Immer does not look into holds a draft. */
function withoutDrafts(value: object): object {
  const seen = new Set<unknown>([value])
  for (const holder of seen) {
    for (const inner of partsOf(holder as object)) {
      if (!isObject(inner)) continue
      if (stateOf(inner) || isOtherDraft(inner))
        throw new TypeError(
          `it puts a part of its draft into ${describe(value)}, which cannot be in a state. Put a plain object there`,
        )
      seen.add(inner)
    }
  }
  return value
}

/** Without running a getter. */
function partsOf(value: object): unknown[] {
  if (ArrayBuffer.isView(value)) return []
  const own = Object.values(Object.getOwnPropertyDescriptors(value))
  const listed = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : []
  return [...own.map((property): unknown => property.value), ...listed]
}

/** Of one level. */
function copyOf(value: object): object {
  if (isTable(value)) return copyTable(value, (inner) => inner)
  if (Array.isArray(value)) return value.slice()
  return Object.assign(Object.create(Object.getPrototypeOf(value)), value)
}
