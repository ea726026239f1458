// Who may hold what during a replay in place: each object of the state that is not frozen stands in one place, and
// no other code holds it.
import { isTable } from '../table/index.ts'
import { copy, isObject, ownValue, thawed, withoutSign } from './copies.ts'

/** An object of the state that the reducer has seen. */
export interface Drafted {
  readonly original: object
  readonly draft: object
  readonly parent: Drafted | undefined
  readonly revoke: () => void
}

/** The objects that the running reducer has seen; none between two. */
export class Drafts {
  #byOriginal = new Map<object, Drafted>()
  #byDraft = new Map<unknown, Drafted>()

  add(drafted: Drafted): void {
    this.#byOriginal.set(drafted.original, drafted)
    this.#byDraft.set(drafted.draft, drafted)
  }

  ofOriginal(value: object): Drafted | undefined {
    return this.#byOriginal.get(value)
  }

  ofDraft(value: unknown): Drafted | undefined {
    return this.#byDraft.get(value)
  }

  revoke(): void {
    for (const { revoke } of this.#byOriginal.values()) revoke()
    // New ones: of one that is cleared, V8 keeps the old table alive in the next, and so on.
    this.#byOriginal = new Map()
    this.#byDraft = new Map()
  }
}

export class Ownership {
  /** The payload: frozen through and through, known to be JSON, and new. Any other is as what reducers make. */
  fromRecord: unknown
  /** Whether the running reducer has changed its draft. */
  isChanged = false
  readonly #drafts: Drafts
  readonly #refuse: (what: string) => never
  /** Where an object was put: it is the reducer's own until it is done. */
  #assigned = new Map<object, Set<PropertyKey>>()
  /** Objects of the state that were taken from their only place. */
  #detached = new Set<object>()
  /** Objects of the state that were put somewhere, and those that are there already. */
  #referenced = new Set<object>()
  #relocated = new Set<object>()
  /** Where the reducer put -0, of which the state has 0 once it is done. */
  readonly #zeros: [object, PropertyKey][] = []
  /** What the reducer put in: frozen when it is done, as Immer does. */
  readonly #created: object[] = []
  /** The state has copies of these, where Immer has these themselves and would see no change. */
  readonly #copied = new WeakSet<object>()

  constructor(drafts: Drafts, refuse: (what: string) => never) {
    this.#drafts = drafts
    this.#refuse = refuse
  }

  isAssigned(target: object, key: PropertyKey): boolean {
    return this.#assigned.size > 0 && (this.#assigned.get(target)?.has(key) ?? false)
  }

  /** The value to be changed: itself, or a copy of its first level if it is frozen. */
  thaw(value: object): object {
    const open = thawed(value)
    if (open !== value) this.#copied.add(value)
    return open
  }

  /** What the reducer put in itself is not a draft. */
  readBack(value: object): object {
    return this.#copied.has(value) ? this.#refuse('it reads what it put in before') : value
  }

  /** Notes that `old` leaves its place. */
  detach(target: object, key: PropertyKey, old: unknown): void {
    // What was never drafted, no one can put anywhere else.
    const isSeen = isObject(old) && this.#drafts.ofOriginal(old) !== undefined
    if (isSeen && !this.isAssigned(target, key)) this.#detached.add(old)
    if (this.#assigned.size > 0) this.#assigned.get(target)?.delete(key)
    this.isChanged = true
  }

  /** Notes that `value` takes the place of `old`. False if there is nothing to change. */
  assign(target: object, key: PropertyKey, old: unknown, value: unknown): boolean {
    // As in Immer: no change, and 0 does not become -0.
    if (old === value && old !== undefined) {
      this.isChanged ||= !Object.is(old, value)
      return false
    }
    this.detach(target, key, old)
    if (Object.is(value, -0)) this.#zeros.push([target, key])
    if (isObject(value) && value !== this.fromRecord) {
      const keys = this.#assigned.get(target)
      if (keys) keys.add(key)
      else this.#assigned.set(target, new Set([key]))
    }
    return true
  }

  /** What `returned` holds becomes the state's own, in place of all that `state` held. */
  replace(state: object, returned: unknown): object {
    this.#detached.add(state)
    this.#noteReferences(returned)
    return this.#adopt(returned) as object
  }

  /** What the reducer put in becomes the state's own. */
  settle(): void {
    for (const [target, key] of this.#zeros.splice(0)) {
      if (!Object.is(ownValue(target, key), -0)) continue
      if (isTable(target)) target.set(String(key), 0)
      else Reflect.set(target, key, 0)
    }
    if (this.#detached.size > 0) {
      for (const [target, keys] of this.#assigned)
        for (const key of keys) this.#noteReferences(ownValue(target, key))
    }
    for (const [target, keys] of this.#assigned) {
      for (const key of keys) {
        const value = ownValue(target, key)
        if (isTable(target)) target.set(String(key), this.#adopt(value))
        // A shorter array has lost its last places.
        else if (Object.hasOwn(target, key)) Reflect.set(target, key, this.#adopt(value))
        keys.delete(key)
      }
    }
  }

  /** Forgets all that is the running reducer's. */
  end(): void {
    for (const each of this.#created) this.#copied.add(Object.freeze(each))
    this.isChanged = false
    this.#created.length = 0
    if (this.#assigned.size > 0) this.#assigned = new Map()
    if (this.#detached.size > 0) this.#detached = new Set()
    if (this.#referenced.size > 0) this.#referenced = new Set()
    if (this.#relocated.size > 0) this.#relocated = new Set()
  }

  /** Notes what is put somewhere, however deep in what the reducer made. */
  #noteReferences(value: unknown): void {
    if (!isObject(value)) return
    const drafted = this.#drafts.ofDraft(value)
    if (drafted) this.#referenced.add(drafted.original)
    else if (!Object.isFrozen(value))
      for (const inner of Object.values(value)) this.#noteReferences(inner)
  }

  #isFree({ original, parent }: Drafted): boolean {
    if (this.#detached.has(original)) return true
    return parent !== undefined && !this.#referenced.has(parent.original) && this.#isFree(parent)
  }

  /** What the state may hold: moved where its place is gone, shared where it is frozen, else a copy. */
  readonly #adopt = (value: unknown): unknown => {
    if (!isObject(value) || value === this.fromRecord) return withoutSign(value)
    const drafted = this.#drafts.ofDraft(value)
    if (!drafted) {
      if (Object.isFrozen(value)) return this.#share(value)
      this.#created.push(value)
      return copy(value, this.#adopt)
    }
    const { original } = drafted
    if (this.#relocated.has(original) || !this.#isFree(drafted)) return this.#copyOriginal(original)
    this.#relocated.add(original)
    return original
  }

  /** Immer takes it for frozen through and through, and does not look for drafts in there. */
  #share(value: unknown): unknown {
    if (this.#drafts.ofDraft(value)) this.#refuse('it freezes what holds a draft')
    if (!isObject(value)) return withoutSign(value)
    let isFrozen = Object.isFrozen(value)
    const made = copy(value, (inner) => {
      const owned = this.#share(inner)
      isFrozen &&= Object.is(owned, inner)
      return owned
    })
    if (isFrozen) return value
    this.#created.push(value)
    return made
  }

  #copyOriginal(original: object): object {
    return copy(original, (value, key) => {
      if (!isObject(value)) return value
      if (this.isAssigned(original, key)) return this.#adopt(value)
      return Object.isFrozen(value) ? value : this.#copyOriginal(value)
    })
  }
}
