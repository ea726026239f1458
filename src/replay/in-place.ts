// Reducers on one private state that is changed at once: no copy of what a record does not touch.
import { isThenable } from '../draft.ts'
import { isTable } from '../table/index.ts'
import { copyTable } from '../table/table.ts'
import type { Decoded } from '../types.ts'
import { type Place, tableInPlace } from './table-in-place.ts'

export interface InPlace {
  /** Changes from record to record; nobody else may keep or change any of it. */
  readonly state: unknown
  /** Throws whatever is not certain to be what Immer would do; the state is then of no use. */
  apply(record: Decoded): void
}

/** An object of the state that the reducer has seen. */
interface Drafted {
  readonly original: object
  readonly draft: object
  readonly parent: Drafted | undefined
  readonly revoke: () => void
}

/**
 * The same states as Immer gives, at a cost that does not grow with the state. Reducers see drafts
 * that write through. Whatever object they put into the state is copied when they are done, so that
 * the state stays a tree that nobody else holds a part of: an object put in twice, a payload, or a
 * constant of theirs that later records would otherwise change in several places. `initial` is copied,
 * unless it is private: a tree that nobody else holds a part of.
 */
export function inPlace(initial: unknown, isPrivate = false): InPlace {
  // All of these are of the reducer that is running, and empty between two.
  const byOriginal = new Map<object, Drafted>()
  const byDraft = new Map<unknown, Drafted>()
  /** Where an object was put: it is the reducer's own until it is done. */
  const given = new Map<object, Set<PropertyKey>>()
  /** Objects of the state that were taken from their only place. */
  const taken = new Set<object>()
  /** Objects of the state that were put somewhere, and those that are there already. */
  const used = new Set<object>()
  const moved = new Set<object>()
  /** What the reducer put in: frozen when it is done, as Immer does. */
  const fresh: object[] = []
  let isChanged = false
  let refusal: TypeError | undefined

  const draftOf = (original: object, parent?: Drafted): object => {
    const known = byOriginal.get(original)
    if (known) return known.draft
    const { proxy: draft, revoke } = isTable(original)
      ? tableInPlace(original, place)
      : Proxy.revocable(original, traps)
    const drafted = { original, draft, parent, revoke }
    byOriginal.set(original, drafted)
    byDraft.set(draft, drafted)
    return draft
  }
  /** Even where the reducer catches it. */
  const refuse = (what: string): never => {
    refusal ??= new TypeError(what)
    throw refusal
  }
  const isGiven = (target: object, key: PropertyKey) => given.get(target)?.has(key) ?? false
  const take = (target: object, key: PropertyKey, old: unknown) => {
    if (isObject(old) && !isGiven(target, key)) taken.add(old)
    given.get(target)?.delete(key)
    isChanged = true
  }
  /** False where there is nothing to change. */
  const replaces = (target: object, key: PropertyKey, value: unknown): boolean => {
    const old = ownValue(target, key)
    // As in Immer: no change, and 0 does not become -0.
    if (old === value && old !== undefined) {
      isChanged ||= !Object.is(old, value)
      return false
    }
    take(target, key, old)
    if (isObject(value)) {
      const keys = given.get(target)
      if (keys) keys.add(key)
      else given.set(target, new Set([key]))
    }
    return true
  }
  const put = (target: object, key: PropertyKey, value: unknown): boolean => {
    // Immer and plain objects disagree on these: let Immer decide.
    if (key === '__proto__' || typeof key === 'symbol' || (Array.isArray(target) && !isPlace(key)))
      refuse(`it sets ${String(key)}`)
    return !replaces(target, key, value) || Reflect.set(target, key, value)
  }
  const refuseShape = () => refuse('it defines, freezes or retypes what it was given')
  /** In place of an object in a property's descriptor, which nearly nobody looks at. */
  const unread = new Proxy(
    {},
    refusingAll(() => refuse('it looks into a property descriptor')),
  )
  const traps: ProxyHandler<object> = {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (key === IMMER_DRAFT) refuse('it asks Immer about its draft')
      if (!isObject(value) || !Object.hasOwn(target, key)) return value
      if (given.size > 0 && isGiven(target, key)) return value
      return draftOf(value, byOriginal.get(target))
    },
    set: put,
    deleteProperty(target, key) {
      // As in Immer: an array has no holes.
      if (Array.isArray(target)) return put(target, key, undefined)
      take(target, key, ownValue(target, key))
      return Reflect.deleteProperty(target, key)
    },
    getOwnPropertyDescriptor(target, key) {
      const property = Reflect.getOwnPropertyDescriptor(target, key)
      if (isObject(property?.value)) property.value = unread
      return property
    },
    defineProperty: refuseShape,
    setPrototypeOf: refuseShape,
    preventExtensions: refuseShape,
  }
  const place: Place = {
    refuse,
    read(table, key) {
      const value = table.get(key)
      return !isObject(value) || isGiven(table, key) ? value : draftOf(value, byOriginal.get(table))
    },
    write(table, key, value) {
      if (replaces(table, key, value)) table.set(key, value)
    },
    remove(table, key) {
      take(table, key, table.get(key))
      return table.delete(key)
    },
  }

  /** Notes what is put somewhere, however deep in what the reducer made. */
  const use = (value: unknown): void => {
    if (!isObject(value)) return
    const drafted = byDraft.get(value)
    if (drafted) used.add(drafted.original)
    else for (const inner of Object.values(value)) use(inner)
  }
  const isFree = ({ original, parent }: Drafted): boolean =>
    taken.has(original) || (parent !== undefined && !used.has(parent.original) && isFree(parent))

  /** What the state may hold: moved where its place is gone, else a copy. */
  const own = (value: unknown): unknown => {
    if (!isObject(value)) return value
    const drafted = byDraft.get(value)
    if (!drafted) {
      fresh.push(value)
      return copy(value, Object.isFrozen(value) ? ownFrozen : own)
    }
    const { original } = drafted
    if (moved.has(original) || !isFree(drafted)) return copyOriginal(original)
    moved.add(original)
    return original
  }
  /** Immer does not look for drafts in there. */
  const ownFrozen = (value: unknown): unknown => {
    if (byDraft.has(value)) refuse('it freezes what holds a draft')
    if (!isObject(value)) return value
    fresh.push(value)
    return copy(value, ownFrozen)
  }
  const copyOriginal = (original: object): object =>
    copy(original, (value, key) => {
      if (!isObject(value)) return value
      return isGiven(original, key) ? own(value) : copyOriginal(value)
    })

  function run({ mutation, payload }: Decoded['parts'][number], meta: Decoded['meta']): void {
    const draft = draftOf(state)
    const returned = mutation.apply(draft, payload, meta)
    if (refusal) throw refusal
    if (returned !== undefined && returned !== draft) {
      if (isThenable(returned)) throw new TypeError('it is asynchronous')
      if (isChanged || !isObject(returned)) throw new TypeError('it returned what it may not')
      taken.add(state)
      use(returned)
      state = own(returned) as object
    }
    settle()
    for (const { revoke } of byOriginal.values()) revoke()
    for (const each of fresh) Object.freeze(each)
    isChanged = false
    fresh.length = 0
    for (const each of [byOriginal, byDraft, given, taken, used, moved]) each.clear()
  }

  /** What the reducer put in becomes the state's own. */
  function settle(): void {
    if (taken.size > 0) {
      for (const [target, keys] of given) for (const key of keys) use(ownValue(target, key))
    }
    for (const [target, keys] of given) {
      for (const key of keys) {
        const value = ownValue(target, key)
        if (isTable(target)) target.set(String(key), own(value))
        // A shorter array has lost its last places.
        else if (Object.hasOwn(target, key)) Reflect.set(target, key, own(value))
        keys.delete(key)
      }
    }
  }

  let state = initial as object
  const clone = (value: unknown): unknown => (isObject(value) ? copy(value, clone) : value)
  if (!isPrivate) state = copy(state, clone)
  return {
    get state() {
      return state
    },
    apply({ meta, parts }) {
      for (const part of parts) run(part, meta)
    },
  }
}

/** How Immer asks whether something is a draft: another answer than its own would be a wrong one. */
const IMMER_DRAFT = Symbol.for('immer-state')
/** Longer arrays are not asked for properties with names, such as those of `match()`. */
const MOST_NAMED = 100

/** Throws where a copy would not be the same in every respect. */
function copy(value: object, inner: (value: unknown, key: string) => unknown): object {
  if (Object.getOwnPropertySymbols(value).length > 0) throw new TypeError('it has symbols as keys')
  if (isTable(value)) return copyTable(value, inner)
  if (Array.isArray(value)) return copyArray(value, inner)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('it is not JSON')
  const copied = prototype === null ? Object.create(null) : {}
  for (const key of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (key === '__proto__' || !property?.enumerable || property.get || property.set)
      throw new TypeError(`its ${key} is not a plain property`)
    copied[key] = inner(property.value, key)
  }
  return copied
}

function copyArray(value: unknown[], inner: (value: unknown, key: string) => unknown): unknown[] {
  const isPlain =
    Object.getPrototypeOf(value) === Array.prototype &&
    (value.length > MOST_NAMED || Object.keys(value).length <= value.length)
  if (!isPlain) throw new TypeError('it is no plain array')
  return value.map((each, index) => inner(each, String(index)))
}

/** Its own, and as it is: no draft. */
function ownValue(target: object, key: PropertyKey): unknown {
  if (isTable(target)) return target.get(String(key))
  return Object.hasOwn(target, key) ? Reflect.get(target, key) : undefined
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isPlace = (key: PropertyKey) => key === 'length' || /^(0|[1-9]\d{0,8})$/.test(String(key))

const refusingAll = (refuse: () => never): ProxyHandler<object> =>
  Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((operation) => [operation, refuse]))
