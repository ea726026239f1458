// A hash trie of small plain arrays: its shape is a function of its content, whatever its history.
import { digitsOf, WIDTH } from './hash.ts'

/**
 * A leaf is `[key, value, key, value …]`, sorted by key. A branch is `[count, child, child …]`, with
 * null for an empty child. What holds more than BUCKET keys is a branch, and nothing else is.
 * Plain arrays, so that Immer drafts, copies and freezes the few on the way to a key, and no others.
 */
export type Node = unknown[]
export type Pair = [key: string, value: unknown]

/** What holds the trie: the table. Also as a draft of it. */
export interface Rooted {
  root: Node
}

/** Where a key is, or would be. */
interface TriePosition {
  /** The slots from the root down to its leaf. */
  readonly path: readonly number[]
  /** Undefined if there is no leaf yet. */
  readonly leaf: Node | undefined
  /** Of the value in the leaf; -1 where there is no such key. */
  readonly at: number
}

const BUCKET = 8
/** Keys that agree up to here share a leaf of any size. It takes eight hash collisions in a row. */
const MAX_DEPTH = 48
/** As our drafts are marked, and those of an application's own Immer. */
const DRAFT = Symbol.for('ministore.draft')
const OTHER_DRAFT = Symbol.for('immer-state')

/** Sorted by key, and no key twice. */
export function build(pairs: readonly Pair[], depth = 0): Node {
  if (pairs.length <= BUCKET || depth === MAX_DEPTH) return leafOfPairs(pairs)
  const children = new Array<Pair[] | undefined>(WIDTH).fill(undefined)
  for (const pair of pairs) {
    const slot = digitsOf(pair[0])(depth)
    const child = children[slot]
    if (child) child.push(pair)
    else children[slot] = [pair]
  }
  const nodes = children.map((child) => (child ? build(child, depth + 1) : null))
  return ([pairs.length] as Node).concat(nodes)
}

export const rootOf = (table: Rooted): Node => peek(table, 'root') as Node

/** Unlike flat(), concat() leaves no room to grow, which in a million leaves would add up. */
const leafOfPairs = (pairs: readonly Pair[]): Node => ([] as Node).concat(...pairs)

export function sizeOf(node: Node): number {
  const first = peek(node, 0)
  return typeof first === 'number' ? first : (peek(node, 'length') as number) / 2
}

/** Looks, and makes no drafts. */
export function find(table: Rooted, key: string): TriePosition {
  const path: number[] = []
  const digit = digitsOf(key)
  let node: Node | null = rootOf(table)
  while (node && isBranch(node)) {
    const slot = 1 + digit(path.length)
    path.push(slot)
    node = peek(node, slot) as Node | null
  }
  return { path, leaf: node ?? undefined, at: node ? indexOf(node, key) : -1 }
}

/** Of a key that is there. If the table is a draft, so is an object that this returns. */
export function read(table: Rooted, { path, leaf, at }: TriePosition): unknown {
  const value = leaf && peek(leaf, at)
  if (typeof value !== 'object' || value === null || !isDraft(table)) return value
  return leafOf(table, path)[at]
}

/** Puts a value where the key already is. */
export function replace(table: Rooted, { path, leaf, at }: TriePosition, value: unknown): void {
  if (leaf && !Object.is(peek(leaf, at), value)) leafOf(table, path)[at] = value
}

/** Adds a key that is not there. */
export function insert(table: Rooted, { path }: TriePosition, pair: Pair): void {
  const { parent, slot } = descend(table, path, (node) => {
    node[0] = sizeOf(node) + 1
    return false
  })
  const old = parent[slot] ?? []
  let at = 0
  while (at < old.length && (old[at] as string) < pair[0]) at += 2
  // Copied, so that objects are read from the leaf's draft: only as drafts may they change places.
  const leaf = old.slice(0, at).concat(pair, old.slice(at))
  parent[slot] = leaf.length > 2 * BUCKET ? build(pairsIn(leaf), path.length) : leaf
}

/** Removes a key that is there. The highest branch that has become small enough turns into a leaf. */
export function remove(table: Rooted, { path }: TriePosition, key: string): void {
  const { parent, slot } = descend(table, path, (node) => {
    node[0] = sizeOf(node) - 1
    return sizeOf(node) <= BUCKET
  })
  const rest = pairsIn(parent[slot] ?? []).filter(([each]) => each !== key)
  parent[slot] = rest.length > 0 || slot === 'root' ? leafOfPairs(rest.sort(byKey)) : null
}

/** Unsorted, and without making drafts. */
export function keysIn(node: Node, into: string[] = []): string[] {
  const length = peek(node, 'length') as number
  const isLeaf = !isBranch(node)
  for (let at = isLeaf ? 0 : 1; at < length; at += isLeaf ? 2 : 1) {
    const each = peek(node, at)
    if (isLeaf) into.push(each as string)
    else if (each) keysIn(each as Node, into)
  }
  return into
}

/** The same trie with other values, in nodes of its own. */
export function mapValues(node: Node, change: (value: unknown, key: string) => unknown): Node {
  if (isBranch(node))
    return node.map((each) => (Array.isArray(each) ? mapValues(each, change) : each))
  return node.map((each, at) => (at % 2 === 0 ? each : change(each, node[at - 1] as string)))
}

/** The keys whose value is not the same in both. What the two share is not looked at. */
export function changedKeys(before: Node, after: Node, into: string[] = []): string[] {
  if (before === after) return into
  if (isBranch(before) && isBranch(after)) {
    for (let slot = 1; slot <= WIDTH; slot++) {
      changedKeys((before[slot] as Node | null) ?? [], (after[slot] as Node | null) ?? [], into)
    }
    return into
  }
  const [old, next] = [new Map(pairsIn(before)), new Map(pairsIn(after))]
  for (const key of new Set([...old.keys(), ...next.keys()])) {
    if (!Object.is(old.get(key), next.get(key))) into.push(key)
  }
  return into
}

export const byKey = ([one]: Pair, [other]: Pair): number => (one < other ? -1 : 1)

type Peekable = Record<PropertyKey, unknown>

const isDraft = (value: object): boolean =>
  (value as Peekable)[DRAFT] !== undefined || (value as Peekable)[OTHER_DRAFT] !== undefined

const isBranch = (node: Node) => typeof peek(node, 0) === 'number'

/** Reading a draft makes drafts of what it gives; reading its descriptor does not. */
function peek(holder: object, key: PropertyKey): unknown {
  if (!isDraft(holder)) return (holder as Peekable)[key]
  return Object.getOwnPropertyDescriptor(holder, key)?.value
}

/** Of the value, in a leaf; keys are in its even places. */
function indexOf(leaf: Node, key: string): number {
  const keyAt = isDraft(leaf) ? (at: number) => peek(leaf, at) : (at: number) => leaf[at]
  const length = isDraft(leaf) ? (peek(leaf, 'length') as number) : leaf.length
  for (let at = 0; at < length; at += 2) if (keyAt(at) === key) return at + 1
  return -1
}

type Holder = Record<PropertyKey, Node | null>

const leafOf = (table: Rooted, path: readonly number[]): Node => {
  const { parent, slot } = descend(table, path, () => false)
  return parent[slot] ?? []
}

/** Down to the parent of the path's end, or to where `visit`, given each branch, says to stop. */
function descend(table: Rooted, path: readonly number[], visit: (node: Node) => boolean) {
  let parent = table as unknown as Holder
  let slot: PropertyKey = 'root'
  for (const next of path) {
    const node = parent[slot] ?? []
    if (visit(node)) break
    parent = node as unknown as Holder
    slot = next
  }
  return { parent, slot }
}

/** Sorted within each leaf only. Objects as drafts, where the node is one. */
function pairsIn(node: Node, into: Pair[] = []): Pair[] {
  const isLeaf = !isBranch(node)
  for (let at = isLeaf ? 0 : 1; at < node.length; at += isLeaf ? 2 : 1) {
    if (isLeaf) into.push([node[at] as string, node[at + 1]])
    else if (peek(node, at)) pairsIn(node[at] as Node, into)
  }
  return into
}
