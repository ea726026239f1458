// Two schemas at once: the alternatives that are of both.
import type {
  Alternative,
  Arrays,
  Bound,
  Common,
  Objects,
  OneValue,
  Strings,
} from './alternatives.ts'
import type { SchemaNode } from './lock.ts'
import { textOf } from './text.ts'

/** What is the one and the other. */
export const meetAll = (
  some: readonly Alternative[],
  others: readonly Alternative[],
): Alternative[] => some.flatMap((one) => others.flatMap((other) => meet(one, other, 'x-all')))

/** What zod puts together of two sides: of an object, each side looks at what it names. */
export const meetSides = (
  some: readonly Alternative[],
  others: readonly Alternative[],
): Alternative[] => some.flatMap((one) => others.flatMap((other) => meet(one, other, 'allOf')))

type How = 'x-all' | 'allOf'

/** Empty if nothing can be both. */
function meet(one: Alternative, other: Alternative, how: How): Alternative[] {
  const common = {
    beyond: [...one.beyond, ...other.beyond],
    rivals: [...one.rivals, ...other.rivals],
  }
  if (one.kind === 'value') return meetValue(one, other, common)
  if (other.kind === 'value') return meetValue(other, one, common)
  if (one.kind === 'string' && other.kind === 'string') {
    const patterns = union(one.patterns, other.patterns)
    return [{ ...one, ...meetLength(one, other), patterns, ...common }]
  }
  if (one.kind === 'number' && other.kind === 'number') {
    const isInteger = one.isInteger || other.isInteger
    const lower = higher(one.lower, other.lower, isInteger)
    const upper = below(one.upper, other.upper, isInteger)
    const multiples = union(one.multiples, other.multiples)
    return [{ kind: 'number', isInteger, lower, upper, multiples, ...common }]
  }
  if (one.kind === 'array' && other.kind === 'array') {
    const longer = one.first.length > other.first.length ? one : other
    const first = longer.first.map((_, index) =>
      both(itemAt(one, index), itemAt(other, index), how),
    )
    const rest = both(one.rest, other.rest, how)
    return [{ ...one, ...meetLength(one, other), first, rest, ...common }]
  }
  if (one.kind !== 'object' || other.kind !== 'object') return []
  if (how === 'x-all') return [{ ...meetObjects(one, other), ...common }]
  // What is checked of a part of the object is not checked of all of it.
  const beyond = common.beyond.map((each) => `${each} (of a part)`)
  return [{ ...meetObjectSides(one, other), ...common, beyond }]
}

function meetValue(one: OneValue & Common, other: Alternative, common: Common): Alternative[] {
  if (other.kind !== 'value') {
    const fits = kindOf(one.value) === other.kind
    return fits ? [{ ...one, within: [...one.within, other], ...common }] : []
  }
  const isSame = JSON.stringify(one.value) === JSON.stringify(other.value)
  return isSame ? [{ ...one, within: [...one.within, ...other.within], ...common }] : []
}

const meetLength = (one: Strings | Arrays, other: Strings | Arrays) => ({
  min: Math.max(one.min, other.min),
  max: Math.min(one.max, other.max),
})

function meetObjects(one: Objects, other: Objects): Objects {
  const each = (object: Objects, name: string) => object.properties.get(name) ?? object.others
  const others = both(one.others, other.others, 'x-all')
  return { ...meetParts(one, other, each, 'x-all'), others }
}

/** As zod intersects objects: a key is unknown only where both do not know it. */
function meetObjectSides(one: Objects, other: Objects): Objects {
  const isClosed = one.others === false && other.others === false
  const others = isClosed ? false : both(open(one), open(other), 'allOf')
  return { ...meetParts(one, other, said, 'allOf'), others }
}

function meetParts(
  one: Objects,
  other: Objects,
  each: (object: Objects, name: string) => SchemaNode,
  how: How,
): Omit<Objects, 'others'> {
  const names = union([...one.properties.keys()], [...other.properties.keys()])
  const patterns = new Map(one.patterns)
  for (const [pattern, node] of other.patterns) {
    patterns.set(pattern, both(patterns.get(pattern) ?? true, node, how))
  }
  return {
    kind: 'object',
    properties: new Map(
      names.map((name) => [name, both(each(one, name), each(other, name), how)] as const),
    ),
    required: new Set([...one.required, ...other.required]),
    patterns,
    keys: both(one.keys, other.keys, 'x-all'),
  }
}

const said = (object: Objects, name: string) => object.properties.get(name) ?? open(object)

const open = ({ others }: Objects): SchemaNode => (others === false ? true : others)

/** Equal pairs give equal nodes, so that recursive schemas come to an end. */
function both(one: SchemaNode, other: SchemaNode, how: How): SchemaNode {
  if (how === 'x-all' && (one === false || other === false)) return false
  const parts = [one, other].flatMap((node) => partsOf(node, how)).filter((part) => part !== true)
  const texts = new Map(parts.map((part) => [textOf(part), part]))
  const all = [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part)
  return all.length > 1 ? { [how]: all } : (all[0] ?? true)
}

function partsOf(node: SchemaNode, how: How): readonly SchemaNode[] {
  const parts = typeof node === 'boolean' ? undefined : node[how]
  if (!parts || Object.keys(node).length > 1) return [node]
  return parts.flatMap((part) => partsOf(part, how))
}

const union = <T>(some: readonly T[], others: readonly T[]) => [...new Set([...some, ...others])]

export const itemAt = ({ first, rest }: Arrays, index: number): SchemaNode => first[index] ?? rest

export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return value === null ? 'null' : typeof value
}

export const bound = (value: number, isOpen = false): Bound => ({
  value,
  isOpen: isOpen && Number.isFinite(value),
})

/** The stricter of two lower bounds; that of an integer is one that it can reach. */
export function higher(one: Bound, other: Bound, isInteger: boolean): Bound {
  const { value, isOpen } =
    one.value > other.value || (one.value === other.value && one.isOpen) ? one : other
  if (!isInteger) return bound(value, isOpen)
  return bound(isOpen ? Math.floor(value) + 1 : Math.ceil(value))
}

/** The stricter of two upper bounds. */
export const below = (one: Bound, other: Bound, isInteger: boolean): Bound =>
  negative(higher(negative(one), negative(other), isInteger))

const negative = ({ value, isOpen }: Bound): Bound => ({ value: -value, isOpen })
