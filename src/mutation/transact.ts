// Steps 1 and 2 for all that one call dispatches: a pure function of the state, which writes nothing.
import { Rejection } from '../errors.ts'
import type { Stopwatch } from '../port/observer.ts'
import { reduce } from './reduce.ts'
import { assertResult } from './result.ts'
import type {
  CheckedMetadata,
  CompiledDefinition,
  Meta,
  Metadata,
  PreparedMutation,
} from './spec.ts'
import { NO_METADATA, runGuard, validatePayload } from './validate.ts'

/** Decides on the state that `tx` has, and dispatches. */
export type Run = (tx: LooseTx) => unknown

/** A transaction without its types. */
export interface LooseTx {
  readonly at: string
  readonly metadata: Metadata
  getState(): unknown
  dispatch(type: string, payload?: unknown): Meta
}

/** What a transaction gives: its mutations in order, the state after them, and what `run` returned. */
export interface Transacted {
  readonly parts: readonly PreparedMutation[]
  readonly state: unknown
  readonly value: unknown
}

/**
 * Runs `run` on `state`, which stays as it is: each dispatch is validated, its guard asked, and its reducer applied.
 * Throws the Rejection that `run` or a guard gives, `invalid`, and StoreError as `validatePayload` and `reduce` do.
 */
export function transact(
  definition: CompiledDefinition,
  state: unknown,
  run: Run,
  meta: Meta,
  metadata?: CheckedMetadata,
  watch?: Stopwatch,
): Transacted {
  watch?.decide()
  const parts: PreparedMutation[] = []
  let next = state
  let isOver = false
  const dispatch = (type: string, payload?: unknown) => {
    if (isOver) throw new TypeError('this transaction is over: dispatch in run() only')
    const mutation = definition.find(type)
    watch?.check(type)
    const part = validatePayload(mutation, payload)
    runGuard(part, next, meta, metadata?.value)
    watch?.draft()
    next = reduce(next, part, meta)
    watch?.done()
    parts.push(part)
    return meta
  }
  try {
    const given = metadata?.value ?? NO_METADATA
    const value = run({ at: meta.at, metadata: given, dispatch, getState: () => next })
    if (value !== undefined) assertValue(value)
    return { parts, state: next, value }
  } finally {
    isOver = true
  }
}

/** Throws the Rejection that `run` returned, and TypeError for what no caller can have meant. */
function assertValue(value: unknown): void {
  if (value instanceof Rejection) throw value
  assertResult(value)
}
