// Whether one JSON Schema takes all that another one takes; if not, where not and why.
import { type Alternative, type Reader, readerOf } from './alternatives.ts'
import { arrayNarrowings, at, objectNarrowings } from './containers.ts'
import { isDisjoint, isOtherOption } from './disjoint.ts'
import type { JsonSchema, SchemaNode } from './lock.ts'
import { numberNarrowings, stringNarrowings, takes } from './scalars.ts'
import { textOf } from './text.ts'
import { isWhole, unreadNarrowing } from './unread.ts'

export interface Narrowing {
  /** Inside the payload: `.topics[].name`; empty for all of it. */
  readonly path: string
  /** `maxLength 10 where it had none`. */
  readonly change: string
  /** There must be something that was not always there. */
  readonly isMissing?: true
  /** It is code, or something else that no one here can compare. */
  readonly isUnread?: true
}

/** Two schemas, while they are compared. */
export interface Comparison {
  readonly locked: Reader
  readonly now: Reader
  readonly compare: (locked: SchemaNode, now: SchemaNode) => readonly Narrowing[]
  /** Whether two parts say the same, word by word, and by what their `$ref`s lead to. */
  readonly isSame: (locked: unknown, now: unknown) => boolean
}

/**
 * Empty where every value that `locked` takes is taken by `now`. If that cannot be shown, it is
 * reported, as a narrowing: a `pattern` that changed, a `refine` that is new.
 */
export function narrowings(locked: JsonSchema, now: JsonSchema): readonly Narrowing[] {
  const { $defs: _, 'x-optional': isOptional, ...before } = locked
  const { $defs: __, 'x-optional': isStillOptional, ...after } = now
  const missing: Narrowing = { path: '', change: 'required where it was optional', isMissing: true }
  const [was, is] = [before['x-zod'] ?? [], after['x-zod'] ?? []]
  const isNew = (mark: string) => mark.startsWith(ABSENT_PAYLOAD) && !was.includes(mark)
  const found = comparisonOf(locked, now).compare(before, after)
  // Where no value is taken but the absent one, nothing else tells of such a mark.
  const isTold = !isOptional || found.some(({ isUnread }) => isUnread)
  const unread = isTold ? [] : is.filter(isNew).map((mark) => unreadNarrowing(mark, was, is))
  return [...(isOptional && !isStillOptional ? [missing] : []), ...unread, ...found]
}

/** What begins a mark that is about no payload, not about a value. */
const ABSENT_PAYLOAD = 'absent payload'

function comparisonOf(lockedRoot: JsonSchema, nowRoot: JsonSchema): Comparison {
  const hasSameParts = textOf(lockedRoot.$defs) === textOf(nowRoot.$defs)
  const failed = new Map<string, readonly Narrowing[]>()
  // A pair that is met again while it is compared holds if all else does: the schemas are recursive,
  // and their values end. When it turns out not to hold, what it has helped to show is open again.
  const assumed = new Set<string>()
  const comparison: Comparison = {
    locked: readerOf(lockedRoot),
    now: readerOf(nowRoot),
    isSame(locked, now) {
      const was = textOf(locked)
      return was === textOf(now) && (hasSameParts || !was.includes('$ref'))
    },
    compare(locked, now) {
      if (comparison.isSame(locked, now)) return []
      const pair = `${textOf(locked)} ${textOf(now)}`
      if (assumed.has(pair)) return []
      const known = failed.get(pair)
      if (known) return known
      const before = assumed.size
      assumed.add(pair)
      const found = compareAlternatives(locked, now, comparison)
      if (found.length === 0) return []
      for (const each of [...assumed].slice(before)) assumed.delete(each)
      failed.set(pair, found)
      return found
    },
  }
  return comparison
}

/** Each alternative of `locked` must be within one of `now`. */
function compareAlternatives(
  locked: SchemaNode,
  now: SchemaNode,
  comparison: Comparison,
): readonly Narrowing[] {
  const [before, after] = [comparison.locked(locked), comparison.now(now)]
  const refused: string[] = []
  const found = before.flatMap((was) => {
    const isOnly = before.every((other) => other === was || other.kind !== was.kind)
    const [best] = counterparts(was, after, isOnly, comparison)
      .map((is) => alternativeNarrowings(was, is, comparison))
      .sort((some, others) => some.length - others.length)
    if (!best) refused.push(describe(was, comparison.locked))
    return at(isOnly ? '' : optionOf(was, comparison.locked), best ?? [])
  })
  const all = refused.length === 0 ? found : [...found, here(refusalOf(refused))]
  return [...new Map(all.map((each) => [`${each.path} ${each.change}`, each])).values()]
}

function refusalOf(refused: readonly string[]): string {
  const isBoolean = refused.includes('true') && refused.includes('false')
  const names = refused.map((each) =>
    isBoolean && /^(true|false)$/.test(each) ? 'a boolean' : each,
  )
  return `refuses ${[...new Set(names)].join(', ')}, which it took`
}

/** Those that may take it: of the same kind, and not another option of a union. */
function counterparts(
  was: Alternative,
  now: readonly Alternative[],
  isOnly: boolean,
  comparison: Comparison,
): readonly Alternative[] {
  if (was.kind === 'value') return now.filter((is) => takes(is, was.value))
  const same = now.filter((is) => is.kind === was.kind)
  const near = same.filter((is) => !isOtherOption(was, is, comparison))
  // The only object of each side is the same object, however much it has changed.
  return near.length === 0 && isOnly && same.length === 1 ? same : near
}

function describe(each: Alternative, read: Reader): string {
  if (each.kind === 'value') return JSON.stringify(each.value)
  const article = each.kind === 'array' || each.kind === 'object' ? 'an' : 'a'
  return [article, each.kind, optionOf(each, read)].filter((word) => word !== '').join(' ')
}

/** `(kind: "circle")`: what tells this object from others, if anything does. */
function optionOf(each: Alternative, read: Reader): string {
  if (each.kind !== 'object') return ''
  const literals = [...each.properties].flatMap(([name, node]) => {
    const [first, ...others] = read(node)
    const isLiteral = first?.kind === 'value' && others.length === 0
    return isLiteral ? [`${name}: ${JSON.stringify(first.value)}`] : []
  })
  return literals.length === 0 ? '' : `(${literals.join(', ')})`
}

function alternativeNarrowings(
  was: Alternative,
  is: Alternative,
  comparison: Comparison,
): Narrowing[] {
  const isAlone = is.rivals.every(
    (rival) =>
      comparison.now(rival).every((other) => isDisjoint(was, other, comparison)) ||
      was.rivals.some((before) => comparison.isSame(before, rival)),
  )
  const found = kindNarrowings(was, is, comparison)
  const unread = newOnes(was.beyond, is.beyond, comparison)
    // Of a whole that changed, the part is told that can be seen.
    .filter((mark) => found.length === 0 || !isWhole(mark))
    .map((mark) => unreadNarrowing(mark, was.beyond, is.beyond))
  return [
    ...found,
    ...unread,
    ...(isAlone
      ? []
      : [here('may fit several options of a union, of which another one refuses or changes it')]),
  ]
}

/** Of two alternatives that are near. */
function kindNarrowings(was: Alternative, is: Alternative, comparison: Comparison): Narrowing[] {
  if (was.kind === 'string' && is.kind === 'string') return stringNarrowings(was, is)
  if (was.kind === 'number' && is.kind === 'number') return numberNarrowings(was, is)
  if (was.kind === 'array' && is.kind === 'array') return arrayNarrowings(was, is, comparison)
  if (was.kind === 'object' && is.kind === 'object') return objectNarrowings(was, is, comparison)
  return []
}

/** As often as it is now, less as often as it was. */
function newOnes(
  was: readonly string[],
  is: readonly string[],
  { isSame }: Comparison,
): readonly string[] {
  const left = [...was]
  return is.filter((each) => {
    const index = left.findIndex((before) => isSame(before, each))
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

const here = (change: string): Narrowing => ({ path: '', change })
