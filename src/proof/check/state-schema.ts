// The state's schema: does it give the same initial state, and the same answer about a state, at any time?
import { isSame } from '../../diff/index.ts'
import type { CompiledDefinition } from '../../mutation/spec.ts'
import { parse as parseState } from '../../mutation/validate.ts'
import {
  describeDifference,
  describeUse,
  findDifference,
  type Run,
  variantsFor,
} from './elsewhere.ts'
import type { FindingDraft } from './findings.ts'
import { findInvalid } from './state.ts'
import { HERE, type Use, watch } from './watch.ts'

type Result = { readonly initial: unknown } | undefined

/** Parses `{}` with the state's schema, as `defineStore` does, at several times and places. */
export function checkInitial(
  { state: schema }: CompiledDefinition,
  tell: (found: FindingDraft) => void,
): void {
  if (!schema) return
  const uses: Use[] = []
  const run: Run<Result> = (conditions, onUse) => {
    try {
      const parse = () => parseState('the state', schema, {}, 'state')
      return { initial: watch(parse, conditions, onUse) }
    } catch {
      return undefined
    }
  }
  const here = run(HERE, (use) => uses.push(use))
  const isAlike = (one: Result, other: Result) =>
    one && other ? isSame(one.initial, other.initial) : one === other
  const found = findDifference(run, here, uses, variantsFor(uses, 0), isAlike)
  const subject = { name: "the state's schema", result: 'initial state' }
  const advice = 'Give it a constant default, and let a mutation set the value from its payload'
  const tellOf = (about: FindingDraft) => tell({ ...about, seq: 0, line: undefined })
  if (found) {
    const between = [here?.initial, found.again?.initial, ['once', 'again']] as const
    tellOf({ ...describeDifference(subject, found.uses, advice), between })
  } else for (const use of uses) tellOf(describeUse(subject, use, {}))
}

/**
 * What the state's schema says about a state; undefined if it fits. Tells where that depends on more
 * than the state.
 */
export function findInvalidSteadily(
  definition: CompiledDefinition,
  state: unknown,
  tell: (found: FindingDraft) => void,
): FindingDraft | undefined {
  const uses: Use[] = []
  const run: Run<FindingDraft | undefined> = (conditions, onUse) =>
    watch(() => findInvalid(definition, state), conditions, onUse)
  const here = run(HERE, (use) => uses.push(use))
  if (uses.length === 0) return here
  const isAlike = (one: FindingDraft | undefined, other: FindingDraft | undefined) =>
    !one === !other
  const found = findDifference(run, here, uses, variantsFor(uses, 0), isAlike)
  const subject = { name: "the state's schema", result: 'answer about the state' }
  if (found) tell(describeDifference(subject, found.uses))
  else for (const use of uses) tell(describeUse(subject, use, {}))
  return here
}
