// A JSON Schema taken apart: the alternatives that a value may be, each of one kind.
import type { JsonSchema, SchemaNode } from './lock.ts'
import { below, bound, higher, meetAll, meetSides } from './meet.ts'
import { textOf } from './text.ts'

export type Alternative = (OneValue | Strings | Numbers | Arrays | Objects) & Common

export interface Common {
  /** What is said and cannot be compared, but for being the same. */
  readonly beyond: readonly string[]
  /** What other options of a union accept: of a value that they change, this option is not asked. */
  readonly rivals: readonly SchemaNode[]
}
/** Of an enum, or one that stands alone: null, true, false. */
export interface OneValue {
  readonly kind: 'value'
  readonly value: unknown
  /** It must be one of these, too. */
  readonly within: readonly Alternative[]
}
export interface Strings {
  readonly kind: 'string'
  readonly min: number
  readonly max: number
  readonly patterns: readonly string[]
}
export interface Numbers {
  readonly kind: 'number'
  readonly isInteger: boolean
  readonly lower: Bound
  readonly upper: Bound
  readonly multiples: readonly number[]
}
export interface Bound {
  readonly value: number
  readonly isOpen: boolean
}
export interface Arrays {
  readonly kind: 'array'
  readonly min: number
  readonly max: number
  readonly first: readonly SchemaNode[]
  readonly rest: SchemaNode
}
export interface Objects {
  readonly kind: 'object'
  readonly properties: ReadonlyMap<string, SchemaNode>
  readonly required: ReadonlySet<string>
  /** By regular expression of the key. */
  readonly patterns: ReadonlyMap<string, SchemaNode>
  readonly keys: SchemaNode
  readonly others: SchemaNode
}

/** Takes nodes of one schema apart. Of equal nodes it is the same array. */
export type Reader = (node: SchemaNode) => readonly Alternative[]

/** `root` is what `$ref`s lead into. */
export function readerOf(root: JsonSchema): Reader {
  const known = new Map<string, readonly Alternative[]>()
  const read: Reader = (node) => {
    const text = textOf(node)
    const found = known.get(text)
    if (found) return found
    known.set(text, anything(`unresolved ${text}`, read))
    const alternatives = node === false ? [] : readNode(node === true ? {} : node, root, read)
    known.set(text, alternatives)
    return alternatives
  }
  return read
}

/** For what leads nowhere, or back to itself before it says anything: nothing can be shown of it. */
const anything = (why: string, read: Reader) =>
  ownAlternatives({}, read).map((each) => ({ ...each, beyond: [why] }))

function readNode(node: JsonSchema, root: JsonSchema, read: Reader): readonly Alternative[] {
  const { $ref, allOf = [], 'x-all': all = [], anyOf, oneOf, not, 'x-takes': takes } = node
  if (not === true || (typeof not === 'object' && Object.keys(not).length === 0)) return []
  const target = $ref === undefined ? undefined : resolved($ref, root)
  const composed = [
    ...(allOf.length > 0 ? [allOf.map(read).reduce(meetSides)] : []),
    ...all.map(read),
    ...(anyOf ? [inOrder(anyOf, takes, read)] : []),
    ...(oneOf ? [exclusive(oneOf, takes ?? oneOf, read)] : []),
    ...(target === undefined ? [] : [read(target)]),
    ...($ref !== undefined && target === undefined ? [anything(`unresolved ${$ref}`, read)] : []),
  ]
  const isOwn = composed.length === 0 || Object.keys(node).some((keyword) => OWN.has(keyword))
  const [first = [], ...others] = isOwn ? [ownAlternatives(node, read), ...composed] : composed
  const beyond = beyondOf(node)
  return others
    .reduce(meetAll, first)
    .map((each) => ({ ...each, beyond: [...each.beyond, ...beyond] }))
}

/** The first option that takes a value is the only one that is asked. */
const inOrder = (
  options: readonly SchemaNode[],
  takes: readonly SchemaNode[] = [],
  read: Reader,
): readonly Alternative[] =>
  options.flatMap((option, index) => withRivals(read(option), takes.slice(0, index)))

/** No other option may take the value. */
const exclusive = (
  options: readonly SchemaNode[],
  takes: readonly SchemaNode[],
  read: Reader,
): readonly Alternative[] =>
  options.flatMap((option, index) =>
    withRivals(
      read(option),
      takes.filter((_, other) => other !== index),
    ),
  )

function withRivals(some: readonly Alternative[], takes: readonly SchemaNode[]) {
  const rivals = takes.filter((each) => each !== false)
  return some.map((each) => ({ ...each, rivals: [...each.rivals, ...rivals] }))
}

/** `#`, or `#/$defs/name`. */
function resolved(ref: string, root: JsonSchema): SchemaNode | undefined {
  if (ref === '#') return root
  const [, name] = /^#\/\$defs\/([^/]*)$/.exec(ref) ?? []
  return entriesOf(root.$defs).get((name ?? '').replaceAll('~1', '/').replaceAll('~0', '~'))
}

const KINDS = ['null', 'boolean', 'string', 'number', 'array', 'object']
const OWN = new Set([
  ...['type', 'enum', 'const', 'minLength', 'maxLength', 'pattern', 'format', 'minimum', 'maximum'],
  ...['exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'prefixItems', 'items', 'minItems'],
  ...['maxItems', 'properties', 'required', 'additionalProperties', 'patternProperties'],
  'propertyNames',
])
/** Read elsewhere, or without any say in what is valid. */
const OTHERS = new Set([
  ...['$ref', '$defs', 'allOf', 'anyOf', 'oneOf', 'x-all', 'x-takes', 'x-optional', 'x-zod'],
  ...['x-code', '$schema', '$id'],
  ...['$comment', 'title', 'description', 'default', 'examples', 'deprecated', 'readOnly'],
  ...['writeOnly', 'contentEncoding', 'contentMediaType'],
])

/** What can only be compared for being the same. */
function beyondOf(node: JsonSchema): string[] {
  const unknown = Object.keys(node).filter((keyword) => !OWN.has(keyword) && !OTHERS.has(keyword))
  // A format beside a pattern is its name; alone, it is what no one spells out.
  const unread = node.pattern === undefined && node.format !== undefined ? ['format'] : []
  const told = [...unknown, ...unread].map(
    (keyword) => `${keyword} ${JSON.stringify(node[keyword])}`,
  )
  return [...(node['x-zod'] ?? []), ...told]
}

const COMMON: Common = { beyond: [], rivals: [] }

/** What a node says itself. */
function ownAlternatives(node: JsonSchema, read: Reader): readonly Alternative[] {
  if (Object.hasOwn(node, 'const')) return [oneValue(node.const)]
  if (node.enum) return node.enum.map(oneValue)
  const { type = KINDS } = node
  return [type].flat().flatMap((kind): Alternative[] => {
    if (kind === 'null') return [oneValue(null)]
    if (kind === 'boolean') return [oneValue(true), oneValue(false)]
    if (kind === 'string') return [{ ...COMMON, ...stringsOf(node) }]
    if (kind === 'number') return [{ ...COMMON, ...numbersOf(node, false) }]
    if (kind === 'integer') return [{ ...COMMON, ...numbersOf(node, true) }]
    if (kind === 'array') return [{ ...COMMON, ...arraysOf(node) }]
    return [{ ...COMMON, ...objectsOf(node, read) }]
  })
}

const oneValue = (value: unknown): Alternative => ({ ...COMMON, kind: 'value', value, within: [] })

function stringsOf({ minLength = 0, maxLength, pattern }: JsonSchema): Strings {
  const patterns = pattern === undefined ? [] : [pattern]
  return { kind: 'string', min: minLength, max: maxLength ?? Infinity, patterns }
}

function numbersOf(node: JsonSchema, isInteger: boolean): Numbers {
  const { minimum = -Infinity, exclusiveMinimum = -Infinity } = node
  const { maximum = Infinity, exclusiveMaximum = Infinity, multipleOf } = node
  const lower = higher(bound(minimum), bound(exclusiveMinimum, true), isInteger)
  const upper = below(bound(maximum), bound(exclusiveMaximum, true), isInteger)
  const multiples = multipleOf === undefined ? [] : [multipleOf]
  return { kind: 'number', isInteger, lower, upper, multiples }
}

function arraysOf(node: JsonSchema): Arrays {
  const { prefixItems: first = [], items: rest = true, minItems = 0, maxItems = Infinity } = node
  const max = rest === false ? Math.min(maxItems, first.length) : maxItems
  return { kind: 'array', min: minItems, max, first, rest }
}

function objectsOf(node: JsonSchema, read: Reader): Objects {
  const { propertyNames: keys = true, additionalProperties: others = true } = node
  const required = new Set(node.required)
  const properties = entriesOf(node.properties)
  const patterns = entriesOf(node.patternProperties)
  const names = keys === true ? [] : read(keys)
  const isCounted =
    keys !== true && names.every(({ kind, beyond }) => kind === 'value' && beyond.length === 0)
  if (!isCounted) return { kind: 'object', properties, required, patterns, keys, others }
  // Keys that can be counted are properties.
  const counted = names.map((name) => String(name.kind === 'value' && name.value))
  const all = new Map(counted.map((name) => [name, properties.get(name) ?? others]))
  return { kind: 'object', properties: all, required, patterns, keys: true, others: false }
}

const entriesOf = (map: object | undefined) =>
  new Map<string, SchemaNode>(Object.entries(map ?? {}))
