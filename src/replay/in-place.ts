// Reducers on one private state that is changed at once: no copy of what a record does not touch.
import { OTHER_IMMER } from '../mutation/other-immer.ts'
import { PART_RETURNED, stateIssue } from '../mutation/result.ts'
import type { Meta, PreparedMutation } from '../mutation/spec.ts'
import type { Decoded } from '../record/record.ts'
import { isTable } from '../table/index.ts'
import { isObject, plainValue } from './copies.ts'
import { Drafts, Ownership } from './ownership.ts'
import { type TableHooks, tableInPlace } from './table-in-place.ts'

export interface InPlace {
  /** Changes from record to record; no other code may keep or change any of it. */
  readonly state: unknown
  /** Throws whatever is not certain to be what Immer would do; the state is then of no use. */
  apply(record: Decoded): void
}

/**
 * The same states as Immer gives, at a cost that does not grow with the state. Reducers see drafts
 * that write through. What is not frozen in the state stands in one place only, and no other code holds
 * it: whatever object reducers put in is copied when they are done, be it for the second time, or a
 * constant of theirs. What is frozen, such as a payload, may be shared with anyone; it is copied when
 * a reducer asks for it.
 */
export class InPlaceReplay implements InPlace {
  #state: object
  readonly #drafts = new Drafts()
  readonly #owned = new Ownership(this.#drafts, (what) => this.#refuse(what))
  #refusal: TypeError | undefined
  /** In place of an object in a property's descriptor, which nearly no one looks at. */
  readonly #unread: object = new Proxy(
    {},
    refusingAll(() => this.#refuse('it looks into a property descriptor')),
  )
  readonly #traps: ProxyHandler<object> = this.#makeTraps()
  readonly #tableHooks: TableHooks = this.#makeTableHooks()

  /** `initial` is frozen, or no other code holds it. */
  constructor(initial: unknown) {
    this.#state = initial as object
  }

  get state(): unknown {
    return this.#state
  }

  apply({ meta, parts }: Decoded): void {
    for (const part of parts) this.#run(part, meta)
  }

  #run({ mutation, payload, version }: PreparedMutation, meta: Meta): void {
    const owned = this.#owned
    this.#state = owned.thaw(this.#state)
    owned.fromRecord = version === undefined ? payload : undefined
    const draft = this.#draftOf(this.#state)
    const { apply } = mutation
    const returned = apply(draft, payload, meta)
    if (this.#refusal) throw this.#refusal
    if (returned !== undefined && returned !== draft) this.#replaceState(returned)
    owned.settle()
    this.#drafts.revoke()
    owned.end()
  }

  #replaceState(returned: unknown): void {
    const isPart = this.#drafts.ofDraft(returned) !== undefined
    const issue = isPart ? PART_RETURNED : stateIssue(returned, this.#state)
    if (issue !== undefined) throw new TypeError(issue)
    if (this.#owned.isChanged) throw new TypeError('it changed its draft and returned a state')
    this.#state = this.#owned.replace(this.#state, returned)
  }

  #draftOf(original: object, parent?: object): object {
    const drafted = this.#drafts.ofOriginal(original)
    if (drafted) return drafted.draft
    const { proxy: draft, revoke } = isTable(original)
      ? tableInPlace(original, this.#tableHooks)
      : Proxy.revocable(original, this.#traps)
    const above = parent && this.#drafts.ofOriginal(parent)
    this.#drafts.add({ original, draft, parent: above, revoke })
    return draft
  }

  /** Even where the reducer catches it. */
  #refuse(what: string): never {
    this.#refusal ??= new TypeError(what)
    throw this.#refusal
  }

  /** What a reducer does with its draft of an object or an array. */
  #makeTraps(): ProxyHandler<object> {
    const refuseShape = () => this.#refuse('it defines, freezes or retypes what it was given')
    return {
      get: (target, key) => {
        const value = Reflect.get(target, key)
        if (key === OTHER_IMMER) this.#refuse('it asks Immer about its draft')
        if (!isObject(value) || !Object.hasOwn(target, key)) return value
        const owned = this.#owned
        if (value === owned.fromRecord) return value
        if (owned.isAssigned(target, key)) return owned.readBack(value)
        const open = owned.thaw(value)
        if (open !== value) Reflect.set(target, key, open)
        return this.#draftOf(open, target)
      },
      set: (target, key, value) => this.#put(target, key, value),
      deleteProperty: (target, key) => {
        // As in Immer: an array has no holes.
        if (Array.isArray(target)) return this.#put(target, key, undefined)
        this.#owned.detach(target, key, plainValue(target, key))
        return Reflect.deleteProperty(target, key)
      },
      getOwnPropertyDescriptor: (target, key) => {
        const property = Reflect.getOwnPropertyDescriptor(target, key)
        if (isObject(property?.value)) property.value = this.#unread
        return property
      },
      defineProperty: refuseShape,
      setPrototypeOf: refuseShape,
      preventExtensions: refuseShape,
    }
  }

  #put(target: object, key: PropertyKey, value: unknown): boolean {
    // Immer and plain objects disagree on these: let Immer decide.
    if (key === '__proto__' || typeof key === 'symbol' || (Array.isArray(target) && !isPlace(key)))
      this.#refuse(`it sets ${String(key)}`)
    const isChange = this.#owned.assign(target, key, plainValue(target, key), value)
    return !isChange || Reflect.set(target, key, value)
  }

  /** What a reducer does with its draft of a table. */
  #makeTableHooks(): TableHooks {
    const owned = this.#owned
    return {
      refuse: (what) => this.#refuse(what),
      read: (table, key) => {
        const value = table.get(key)
        if (!isObject(value) || value === owned.fromRecord) return value
        if (owned.isAssigned(table, key)) return owned.readBack(value)
        const open = owned.thaw(value)
        if (open !== value) table.set(key, open)
        return this.#draftOf(open, table)
      },
      write(table, key, value) {
        if (owned.assign(table, key, table.get(key), value)) table.set(key, value)
      },
      remove(table, key) {
        owned.detach(table, key, table.get(key))
        return table.delete(key)
      },
    }
  }
}

const isPlace = (key: PropertyKey) => key === 'length' || /^(0|[1-9]\d{0,8})$/.test(String(key))

const refusingAll = (refuse: () => never): ProxyHandler<object> =>
  Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((operation) => [operation, refuse]))
