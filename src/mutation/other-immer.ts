// What another Immer finds in our drafts: a reducer may call current(), original(), isDraft() and
// produce() of the application's Immer, whichever version or build that is.

/** Marks our drafts. The same in every copy of this package. */
export const DRAFT: unique symbol = Symbol.for('ministore.draft')

/** Marks the drafts of every published Immer. Each of its functions asks a draft for it. */
export const OTHER_IMMER: unique symbol = Symbol.for('immer-state')

/** What Immer keeps about one draft. */
export interface DraftState {
  readonly base_: object
  readonly draft_: object
  readonly copy_: Readonly<Record<PropertyKey, unknown>> | null
  readonly modified_: boolean
  readonly parent_: DraftState | undefined
  /** Where the parent has it, or had it. */
  readonly key_: PropertyKey | undefined
  /** The keys that were assigned (true) or removed (false). */
  readonly assigned_: ReadonlyMap<PropertyKey, boolean> | undefined
  readonly scope_: { readonly drafts_: readonly object[] }
}

/** Undefined for what is not a draft of ours. Throws TypeError for a draft of an earlier reducer. */
export const stateOf = (value: object): DraftState | undefined =>
  (value as { readonly [DRAFT]?: DraftState })[DRAFT]

/** Asked of what is not a draft of ours. */
export const isOtherDraft = (value: object): boolean =>
  (value as { readonly [OTHER_IMMER]?: object })[OTHER_IMMER] !== undefined

/** The draft that the last answer was about, if nothing was read from our drafts since. */
export const lastAnswer: { about: DraftState | undefined } = { about: undefined }

/**
 * The state of a draft for another Immer, which reads it by the names that its build has.
 *
 * The published builds for development, and the ES module for all of them, have Immer's own names, all
 * of which end in `_`. They are answered from the state. CommonJS in production has other letters in
 * each version, so only the order of reading tells what is meant:
 *
 * - `original(draft)` asks whether it is a draft, then asks again and reads the base.
 * - `produce(draft, …)`, having read a property, reads the latest version of the same draft.
 * - `current(draft)` reads whether the draft was modified, where any object means yes. Then it reads
 *   options of ours, which are off.
 */
export function answerOther(state: DraftState): object {
  const isSecond = lastAnswer.about === state
  lastAnswer.about = state
  let reads = 0
  return new Proxy(state, {
    get(_, name) {
      if (isOwnName(name)) return Reflect.get(state, name)
      reads += 1
      if (reads > 1) return OFF
      return isSecond ? state.base_ : (state.copy_ ?? state.base_)
    },
    // Immer marks a draft while it copies it. By another name, it would mark nothing.
    set: (_, name, value) => !isOwnName(name) || Reflect.set(state, name, value),
  })
}

const isOwnName = (name: PropertyKey): boolean => String(name).endsWith('_')

/** Whatever is read from it or called in it, in the end nothing is switched on. */
const OFF: object = new Proxy(() => undefined, { get: () => OFF, apply: () => undefined })
