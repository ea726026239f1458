// Step 2: (state, mutation) → next state, on an Immer draft. The only place where Immer runs.
import { Immer } from 'immer'
import { StoreError } from '../errors.ts'
import type { Meta, Part } from '../types.ts'

// An instance of our own: a user's setAutoFreeze(false) must not thaw the store.
const immer = new Immer({ autoFreeze: true })

/** Runs one reducer; `state` stays as it was. Throws StoreError `apply_failed`. */
export function reduce(state: unknown, { mutation, payload }: Part, meta: Meta): unknown {
  try {
    return immer.produce(state, (draft: unknown) => {
      const returned = mutation.apply(draft, payload, meta)
      if (isThenable(returned)) throw new TypeError('it is asynchronous: await before dispatch')
      if (returned === undefined || (returned && typeof returned === 'object')) return returned
      throw new TypeError(`it returned ${String(returned)}, which is no state`)
    })
  } catch (cause) {
    const what = `apply of ${mutation.type} failed at seq ${meta.seq}: ${cause}`
    throw new StoreError('apply_failed', what, { seq: meta.seq, cause })
  }
}

/** Also takes the promise over, so that its failing cannot end the process. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof (value as PromiseLike<unknown> | null)?.then !== 'function') return false
  Promise.resolve(value).catch(() => undefined)
  return true
}
