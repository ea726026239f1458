// Step 2: (state, mutation) → next state, on an Immer draft. The only place where Immer runs.
import { StoreError } from '../errors.ts'
import { openFrozen } from './frozen.ts'
import { Immer } from './immer.ts'
import { isOtherDraft, stateOf } from './other-immer.ts'
import { PART_RETURNED, stateIssue, textOf } from './result.ts'
import type { Meta, PreparedMutation } from './spec.ts'

const immer = new Immer({ autoFreeze: true })

/** Runs one reducer; `state` stays as it was. Throws StoreError `apply_failed`. */
export function reduce(
  state: unknown,
  { mutation, payload }: PreparedMutation,
  meta: Meta,
): unknown {
  // Called without `this`: of the declaration, a reducer sees nothing.
  const { apply } = mutation
  try {
    return immer.produce(state, (draft: unknown) => {
      const returned = apply(draft, payload, meta)
      if (returned === undefined || returned === draft) return openFrozen(draft)
      assertState(returned, state)
      return openFrozen(draft, returned)
    })
  } catch (cause) {
    const what = `apply of ${mutation.type} failed at seq ${meta.seq}: ${textOf(cause)}`
    throw new StoreError('apply_failed', what, { seq: meta.seq, cause })
  }
}

function assertState(returned: unknown, state: unknown): void {
  const isDraft = typeof returned === 'object' && returned !== null && isAnyDraft(returned)
  const issue = isDraft ? PART_RETURNED : stateIssue(returned, state)
  if (issue !== undefined) throw new TypeError(issue)
}

const isAnyDraft = (value: object) => stateOf(value) !== undefined || isOtherDraft(value)
