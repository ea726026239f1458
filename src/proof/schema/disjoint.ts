// Whether an option of a union surely refuses what another one is: they are reported apart.
import type { Alternative } from './alternatives.ts'
import { propertyOf } from './containers.ts'
import { kindOf } from './meet.ts'
import type { Comparison } from './narrowing.ts'

/** How deep the property may be that tells two objects apart. */
const MAX_DEPTH = 4

/** Whether `is` refuses all that `was` takes; false if that cannot be told. */
export function isDisjoint(
  was: Alternative,
  is: Alternative,
  comparison: Comparison,
  depth = 0,
): boolean {
  if (was.kind === 'array' && is.kind === 'array') return was.min > is.max || is.min > was.max
  if (was.kind === 'value' && is.kind === 'value') {
    if (kindOf(was.value) !== kindOf(is.value)) return true
    return typeof was.value !== 'object' && JSON.stringify(was.value) !== JSON.stringify(is.value)
  }
  if (was.kind === 'value') return kindOf(was.value) !== is.kind
  if (is.kind === 'value') return kindOf(is.value) !== was.kind
  if (was.kind !== 'object' || is.kind !== 'object') return was.kind !== is.kind
  if (depth === MAX_DEPTH) return false
  return [...new Set([...was.required, ...is.required])].some((name) => {
    const before = comparison.locked(propertyOf(was, name))
    // It needs what these never have.
    if (before.length === 0) return is.required.has(name)
    // An unknown property may be dropped, which is not a refusal.
    const node = is.properties.get(name) ?? (is.patterns.size > 0 ? true : is.others)
    return isDisjointAll(before, comparison.now(node), comparison, depth + 1)
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
