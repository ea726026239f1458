// Reducers on one private state that is changed at once: no copy of what a record does not touch.
import { isOtherDraft, OTHER_IMMER } from '../mutation/other-immer.ts'
import { PART_RETURNED, stateIssue } from '../mutation/result.ts'
import type { Meta, PreparedMutation } from '../mutation/spec.ts'
import type { Decoded } from '../record/record.ts'
import { isTable } from '../table/index.ts'
import { copyTable } from '../table/table.ts'
import { type TableHooks, tableInPlace } from './table-in-place.ts'

export interface InPlace {
  /** Changes from record to record; no other code may keep or change any of it. */
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
 * that write through. What is not frozen in the state stands in one place only, and no other code holds
 * it: whatever object reducers put in is copied when they are done, be it for the second time, or a
 * constant of theirs. What is frozen, such as a payload, may be shared with anyone; it is copied when
 * a reducer asks for it. `initial` is frozen, or no other code holds it.
 */
export function inPlace(initial: unknown): InPlace {
  // All of these are of the reducer that is running, and empty between two.
  let byOriginal = new Map<object, Drafted>()
  let byDraft = new Map<unknown, Drafted>()
  /** Where an object was put: it is the reducer's own until it is done. */
  let given = new Map<object, Set<PropertyKey>>()
  /** Objects of the state that were taken from their only place. */
  let taken = new Set<object>()
  /** Objects of the state that were put somewhere, and those that are there already. */
  let used = new Set<object>()
  let moved = new Set<object>()
  /** Where the reducer put -0, of which the state has 0 once it is done. */
  const zeros: [object, PropertyKey][] = []
  /** What the reducer put in: frozen when it is done, as Immer does. */
  const fresh: object[] = []
  /** The payload: frozen through and through, known to be JSON, and new. Any other is as what reducers make. */
  let fromRecord: unknown
  let isChanged = false
  let refusal: TypeError | undefined

  const draftOf = (original: object, parent?: Drafted): object => {
    const drafted = byOriginal.get(original)
    if (drafted) return drafted.draft
    const { proxy: draft, revoke } = isTable(original)
      ? tableInPlace(original, place)
      : Proxy.revocable(original, traps)
    const first = { original, draft, parent, revoke }
    byOriginal.set(original, first)
    byDraft.set(draft, first)
    return draft
  }
  /** Even where the reducer catches it. */
  const refuse = (what: string): never => {
    refusal ??= new TypeError(what)
    throw refusal
  }
  /** The state has copies of these, where Immer has these themselves and would see no change. */
  const copied = new WeakSet<object>()
  const thaw = (value: object): object => {
    const open = thawed(value)
    if (open !== value) copied.add(value)
    return open
  }
  /** What the reducer put in itself is not a draft. */
  const readBack = (value: object): object =>
    copied.has(value) ? refuse('it reads what it put in before') : value
  const isGiven = (target: object, key: PropertyKey) =>
    given.size > 0 && (given.get(target)?.has(key) ?? false)
  const take = (target: object, key: PropertyKey, old: unknown) => {
    // What was never drafted, no one can put anywhere else.
    if (isObject(old) && byOriginal.has(old) && !isGiven(target, key)) taken.add(old)
    if (given.size > 0) given.get(target)?.delete(key)
    isChanged = true
  }
  /** False if there is nothing to change. */
  const replaces = (target: object, key: PropertyKey, old: unknown, value: unknown): boolean => {
    // As in Immer: no change, and 0 does not become -0.
    if (old === value && old !== undefined) {
      isChanged ||= !Object.is(old, value)
      return false
    }
    take(target, key, old)
    if (Object.is(value, -0)) zeros.push([target, key])
    if (isObject(value) && value !== fromRecord) {
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
    const isChange = replaces(target, key, plainValue(target, key), value)
    return !isChange || Reflect.set(target, key, value)
  }
  const refuseShape = () => refuse('it defines, freezes or retypes what it was given')
  /** In place of an object in a property's descriptor, which nearly no one looks at. */
  const unread = new Proxy(
    {},
    refusingAll(() => refuse('it looks into a property descriptor')),
  )
  const traps: ProxyHandler<object> = {
    get(target, key) {
      const value = Reflect.get(target, key)
      if (key === OTHER_IMMER) refuse('it asks Immer about its draft')
      if (!isObject(value) || !Object.hasOwn(target, key)) return value
      if (value === fromRecord) return value
      if (isGiven(target, key)) return readBack(value)
      const open = thaw(value)
      if (open !== value) Reflect.set(target, key, open)
      return draftOf(open, byOriginal.get(target))
    },
    set: put,
    deleteProperty(target, key) {
      // As in Immer: an array has no holes.
      if (Array.isArray(target)) return put(target, key, undefined)
      take(target, key, plainValue(target, key))
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
  const place: TableHooks = {
    refuse,
    read(table, key) {
      const value = table.get(key)
      if (!isObject(value) || value === fromRecord) return value
      if (isGiven(table, key)) return readBack(value)
      const open = thaw(value)
      if (open !== value) table.set(key, open)
      return draftOf(open, byOriginal.get(table))
    },
    write(table, key, value) {
      if (replaces(table, key, table.get(key), value)) table.set(key, value)
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
    else if (!Object.isFrozen(value)) for (const inner of Object.values(value)) use(inner)
  }
  const isFree = ({ original, parent }: Drafted): boolean =>
    taken.has(original) || (parent !== undefined && !used.has(parent.original) && isFree(parent))

  /** What the state may hold: moved where its place is gone, shared where it is frozen, else a copy. */
  const own = (value: unknown): unknown => {
    if (!isObject(value) || value === fromRecord) return withoutSign(value)
    const drafted = byDraft.get(value)
    if (!drafted) {
      if (Object.isFrozen(value)) return shared(value)
      fresh.push(value)
      return copy(value, own)
    }
    const { original } = drafted
    if (moved.has(original) || !isFree(drafted)) return copyOriginal(original)
    moved.add(original)
    return original
  }
  /** Immer takes it for frozen through and through, and does not look for drafts in there. */
  const shared = (value: unknown): unknown => {
    if (byDraft.has(value)) refuse('it freezes what holds a draft')
    if (!isObject(value)) return withoutSign(value)
    let isFrozen = Object.isFrozen(value)
    const made = copy(value, (inner) => {
      const owned = shared(inner)
      isFrozen &&= Object.is(owned, inner)
      return owned
    })
    if (isFrozen) return value
    fresh.push(value)
    return made
  }
  const copyOriginal = (original: object): object =>
    copy(original, (value, key) => {
      if (!isObject(value)) return value
      if (isGiven(original, key)) return own(value)
      return Object.isFrozen(value) ? value : copyOriginal(value)
    })

  function run({ mutation, payload, version }: PreparedMutation, meta: Meta): void {
    state = thaw(state)
    fromRecord = version === undefined ? payload : undefined
    const draft = draftOf(state)
    const { apply } = mutation
    const returned = apply(draft, payload, meta)
    if (refusal) throw refusal
    if (returned !== undefined && returned !== draft) {
      const issue = byDraft.has(returned) ? PART_RETURNED : stateIssue(returned, state)
      if (issue !== undefined) throw new TypeError(issue)
      if (isChanged) throw new TypeError('it changed its draft and returned a state')
      taken.add(state)
      use(returned)
      state = own(returned) as object
    }
    settle()
    for (const { revoke } of byOriginal.values()) revoke()
    for (const each of fresh) copied.add(Object.freeze(each))
    isChanged = false
    fresh.length = 0
    // New ones: of one that is cleared, V8 keeps the old table alive in the next, and so on.
    byOriginal = new Map()
    byDraft = new Map()
    if (given.size > 0) given = new Map()
    if (taken.size > 0) taken = new Set()
    if (used.size > 0) used = new Set()
    if (moved.size > 0) moved = new Set()
  }

  /** What the reducer put in becomes the state's own. */
  function settle(): void {
    for (const [target, key] of zeros.splice(0)) {
      if (!Object.is(ownValue(target, key), -0)) continue
      if (isTable(target)) target.set(String(key), 0)
      else Reflect.set(target, key, 0)
    }
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
  return {
    get state() {
      return state
    },
    apply({ meta, parts }) {
      for (const part of parts) run(part, meta)
    },
  }
}

/** Longer arrays are not asked for properties with names, such as those of `match()`. */
const MOST_NAMED = 100

/** To be changed: the object itself, or a copy of its first level where it is frozen. */
function thawed(value: object): object {
  if (!Object.isFrozen(value)) return value
  if (isTable(value)) return copyTable(value, (inner) => inner)
  if (Array.isArray(value)) return value.slice()
  const isBare = Object.getPrototypeOf(value) === null
  return isBare ? Object.assign(Object.create(null), value) : { ...value }
}

/** Throws where a copy would not be the same in every respect. */
function copy(value: object, inner: (value: unknown, key: string) => unknown): object {
  if (isOtherDraft(value)) throw new TypeError('it is a draft of another Immer')
  if (Object.getOwnPropertySymbols(value).length > 0) throw new TypeError('it has symbols as keys')
  if (isTable(value)) return copyTable(value, inner)
  if (Array.isArray(value)) return copyArray(value, inner)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError('it is not JSON')
  const result = prototype === null ? Object.create(null) : {}
  for (const key of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (key === '__proto__' || !property?.enumerable || property.get || property.set)
      throw new TypeError(`its ${key} is not a plain property`)
    result[key] = inner(property.value, key)
  }
  return result
}

function copyArray(value: unknown[], inner: (value: unknown, key: string) => unknown): unknown[] {
  const isPlain =
    Object.getPrototypeOf(value) === Array.prototype &&
    (value.length > MOST_NAMED || Object.keys(value).length <= value.length)
  if (!isPlain) throw new TypeError('it is not a plain array')
  return value.map((each, index) => inner(each, String(index)))
}

/** Its own, and as it is: no draft. */
const ownValue = (target: object, key: PropertyKey): unknown =>
  isTable(target) ? target.get(String(key)) : plainValue(target, key)

const plainValue = (target: object, key: PropertyKey): unknown =>
  Object.hasOwn(target, key) ? Reflect.get(target, key) : undefined

/** 0 for -0, which JSON has not. */
const withoutSign = (value: unknown): unknown => (Object.is(value, -0) ? 0 : value)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isPlace = (key: PropertyKey) => key === 'length' || /^(0|[1-9]\d{0,8})$/.test(String(key))

const refusingAll = (refuse: () => never): ProxyHandler<object> =>
  Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((operation) => [operation, refuse]))
