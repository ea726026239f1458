// Whether an option of a union surely refuses what another one is: they are told apart.
import type { Alternative } from './alternatives.ts'
import { propertyOf } from './containers.ts'
import { kindOf } from './meet.ts'
import type { Comparison } from './narrowing.ts'

/** How deep the property may be that tells two objects apart. */
const MAX_DEPTH = 4

/** Whether `is` refuses all that `was` takes; false where that cannot be told. */
export function isDisjoint(
  was: Alternative,
  is: Alternative,
  comparison: Comparison,
  depth = 0,
): boolean {
  if (was.kind === 'value' && is.kind === 'value') {
    return JSON.stringify(was.value) !== JSON.stringify(is.value)
  }
  if (was.kind === 'value') return kindOf(was.value) !== is.kind
  if (is.kind === 'value') return kindOf(is.value) !== was.kind
  if (was.kind !== 'object' || is.kind !== 'object') return was.kind !== is.kind
  if (depth === MAX_DEPTH) return false
  // A default fills in what is missing, and what is unknown is dropped: neither is refused.
  return [...was.required].some((name) => {
    const node = is.properties.get(name)
    if (node === undefined) return false
    const [ones, others] = [comparison.locked(propertyOf(was, name)), comparison.now(node)]
    return isDisjointAll(ones, others, comparison, depth + 1)
  })
}

const isDisjointAll = (
  was: readonly Alternative[],
  is: readonly Alternative[],
  comparison: Comparison,
  depth: number,
): boolean =>
  was.length > 0 &&
  was.every((one) => is.every((other) => isDisjoint(one, other, comparison, depth)))

/** Whether a literal that both have tells them apart. */
export function isOtherOption(was: Alternative, is: Alternative, comparison: Comparison): boolean {
  if (was.kind !== 'object' || is.kind !== 'object') return false
  return [...was.required].some((name) => {
    const node = is.properties.get(name)
    if (node === undefined) return false
    const [ones, others] = [comparison.locked(propertyOf(was, name)), comparison.now(node)]
    const areLiterals = [...ones, ...others].every(({ kind }) => kind === 'value')
    return areLiterals && isDisjointAll(ones, others, comparison, 0)
  })
}
