// What a reducer put into the state, before Immer finishes it: no draft in a frozen object, and no -0.
//
// Immer takes what is frozen for finished, so a draft in it would stay in the state, revoked. Such objects come
// from Object.freeze(), and from produce() of an application's own Immer.
//
// JSON has no -0: the state has 0 instead, as it would after reopening.
import { isTable } from '../table/index.ts'
import { copyTable } from '../table/table.ts'
import { type DraftState, isOtherDraft, stateOf } from './other-immer.ts'

/** Frozen through and through, without a draft: they stay so, and are not looked at again. */
const finished = new WeakSet<object>()

/**
 * In all that the reducer assigned to `draft` and the drafts below, and in what it returned: puts a copy
 * that is not frozen in the place of each frozen object that holds a draft or -0, and 0 in the place of -0.
 * Returns `returned`, or its copy. Throws TypeError for a draft of another Immer.
 */
export function openFrozen(draft: unknown, returned?: unknown): unknown {
  const search = new Search()
  for (const each of stateOf(draft as object)?.scope_.drafts_ ?? [])
    openAssigned(stateOf(each), search)
  return search.open(returned)
}

function openAssigned(state: DraftState | undefined, search: Search): void {
  if (!state?.assigned_ || !state.copy_) return
  for (const [key, isAssigned] of state.assigned_) {
    const value = isAssigned ? state.copy_[key] : undefined
    // Not by way of the draft, for which 0 is no change.
    if (Object.is(value, -0)) Reflect.set(state.copy_, key, 0)
    const opened = search.open(value)
    // By way of the draft: Immer notes what is assigned to it.
    if (opened !== value) Reflect.set(state.draft_, key, opened)
  }
}

class Search {
  /** What each object is replaced by, or itself. */
  readonly #opened = new Map<object, object>()
  /** Those that hold a draft, at any depth. */
  readonly #holders = new Set<unknown>()

  open(value: unknown): unknown {
    if (!isObject(value) || finished.has(value) || stateOf(value)) return value
    const known = this.#opened.get(value)
    if (known) return known
    if (isOtherDraft(value))
      throw new TypeError('it puts a draft of another Immer into the state: finish that first')
    if (!isPlain(value)) return value
    // An object that leads to itself stands for itself.
    this.#opened.set(value, value)
    const opened = this.#openInside(value)
    this.#opened.set(value, opened)
    return opened
  }

  #openInside(value: object): object {
    const changed = new Map<PropertyKey, unknown>()
    let holdsDraft = false
    let isFinished = Object.isFrozen(value)
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      const inner: unknown = Reflect.get(value, key)
      if (Object.is(inner, -0)) changed.set(key, 0)
      if (!isObject(inner)) continue
      const opened = this.open(inner)
      if (opened !== inner) changed.set(key, opened)
      holdsDraft ||= stateOf(opened as object) !== undefined || this.#holders.has(opened)
      isFinished &&= finished.has(inner)
    }
    if (!holdsDraft && changed.size === 0) {
      if (isFinished) finished.add(value)
      return value
    }
    const open = Object.isFrozen(value) ? copyOf(value) : value
    for (const [key, inner] of changed) Reflect.set(open, key, inner)
    if (holdsDraft) this.#holders.add(open)
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

/** Of one level. */
function copyOf(value: object): object {
  if (isTable(value)) return copyTable(value, (inner) => inner)
  if (Array.isArray(value)) return value.slice()
  return Object.assign(Object.create(Object.getPrototypeOf(value)), value)
}
