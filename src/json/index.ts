// What JSON can hold, and the one text of it. Of this package it knows tables, which are plain objects there.
import stringify from 'fast-json-stable-stringify'
import { isTable, type Table } from '../table/index.ts'
import { canonicalChunks } from './chunks.ts'

export interface JsonIssue {
  readonly path: PropertyKey[]
  readonly message: string
}

export const MAX_DEPTH: number = 128
const FORBIDDEN = new Set<PropertyKey>(['__proto__', 'constructor', 'prototype'])

/** Keys sorted, no white space: equal values have equal texts. `undefined` if there is no value. */
export const canonicalText = (value: unknown): string | undefined =>
  value === undefined ? undefined : stringify(value)

/** `sha256:…` over the state's canonical text: equal states have equal digests, on every machine. */
export async function digest(state: unknown): Promise<string> {
  const bytes = await canonicalBytes(state)
  const hash = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes))
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** A string has no room for more than 512 MB. */
async function canonicalBytes(state: unknown): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new TextEncoder().encode(stringify(state))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const blob = new Blob([...canonicalChunks(state)])
    return new Uint8Array(await blob.arrayBuffer())
  }
}

/** The first thing in `value` that JSON cannot hold, or that could pollute a prototype. */
export const jsonIssue = (value: unknown): JsonIssue | undefined => firstIssue(value, 0, tableIssue)

/** The same of a state, which code makes: also what a value has that its JSON does not show. */
export const stateIssue = (value: unknown): JsonIssue | undefined =>
  firstIssue(value, 0, tableIssue, hiddenIn)

/** The same of a payload, which cannot hold tables either: of its JSON, nothing would be one again. */
export const payloadIssue = (value: unknown): JsonIssue | undefined =>
  firstIssue(value, 0, () => TABLE)

const TABLE: JsonIssue = {
  path: [],
  message: 'is a table, which a payload cannot hold: give its entries as plain JSON',
}

type OfTable = (table: Table<unknown>, depth: number) => JsonIssue | undefined

function firstIssue(
  value: unknown,
  depth: number,
  ofTable: OfTable,
  hidden: (value: unknown) => string | undefined = () => undefined,
): JsonIssue | undefined {
  const what = issueIn(value, depth) ?? hidden(value)
  if (what) return { path: [], message: `is ${what}, which the journal cannot hold` }
  if (typeof value !== 'object' || value === null) return undefined
  if (isTable(value)) return ofTable(value, depth)
  // Arrays over their length, not their keys: a hole is an undefined.
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    if (FORBIDDEN.has(key)) return { path: [key], message: 'is a forbidden key' }
    const inner = (value as Record<PropertyKey, unknown>)[key]
    if (inner === undefined && typeof key === 'string') continue
    const issue = firstIssue(inner, depth + 1, ofTable, hidden)
    if (issue) return { ...issue, path: [key, ...issue.path] }
  }
  return undefined
}

/** Returns the first key, at any depth of plain objects and arrays, that could pollute a prototype. */
export function forbiddenKey(value: unknown): JsonIssue | undefined {
  const issue = forbiddenKeyIn(value, 0)
  return issue === TOO_DEEP ? undefined : issue
}

/** Ends the search: in a cycle it would have no end, and such a value is not JSON anyway. */
const TOO_DEEP: JsonIssue = { path: [], message: '' }

function forbiddenKeyIn(value: unknown, depth: number): JsonIssue | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > MAX_DEPTH) return TOO_DEEP
  const isList = Array.isArray(value)
  if (!isList && !isPlainPrototype(Object.getPrototypeOf(value))) return undefined
  for (const key of isList ? value.keys() : Object.keys(value)) {
    if (FORBIDDEN.has(key)) return { path: [key], message: 'is a forbidden key' }
    const inner: unknown = Reflect.get(value, key)
    const issue = typeof inner === 'object' ? forbiddenKeyIn(inner, depth + 1) : undefined
    if (issue) return issue === TOO_DEEP ? issue : { ...issue, path: [key, ...issue.path] }
  }
  return undefined
}

/** A table's keys are looked up by hash, so none of them is forbidden. */
function tableIssue(table: Table<unknown>, depth: number): JsonIssue | undefined {
  for (const [key, value] of table) {
    const issue = firstIssue(value, depth + 1, tableIssue, hiddenIn)
    if (issue) return { ...issue, path: [key, ...issue.path] }
  }
  return undefined
}

/** What the value itself is that JSON cannot hold; what it contains is not looked at. */
export const issueIn = (value: unknown, depth: number): string | undefined =>
  typeof value === 'object' ? objectIssue(value, depth) : scalarIssue(value)

function scalarIssue(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value !== 'number') return value === undefined ? 'undefined' : `a ${typeof value}`
  return Number.isFinite(value) ? undefined : String(value)
}

function objectIssue(value: object | null, depth: number): string | undefined {
  if (value === null) return undefined
  if (depth === MAX_DEPTH) return `nested deeper than ${MAX_DEPTH} levels, or in a cycle`
  if (isTable(value)) return hasOnlyRoot(value) ? undefined : 'a table with keys of its own'
  const prototype = Object.getPrototypeOf(value)
  const isPlain = Array.isArray(value) || isPlainPrototype(prototype)
  if (!isPlain) return `a ${prototype.constructor?.name || 'class instance'}`
  if (Object.getOwnPropertySymbols(value).length > 0) return 'an object with symbols as keys'
  return typeof Reflect.get(value, 'toJSON') === 'function' ? 'an object with toJSON()' : undefined
}

/** A plain object's prototype has no prototype itself: so it is in every realm. */
const isPlainPrototype = (prototype: object | null) =>
  !prototype || !Object.getPrototypeOf(prototype)

/**
 * Returns what `value` itself has that its JSON does not show: hidden properties, accessors, names on an array, a
 * class of arrays. Parsed JSON has none of these, so only values that code has made are asked.
 */
export function hiddenIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || isTable(value)) return undefined
  const names = Object.getOwnPropertyNames(value)
  if (Array.isArray(value)) {
    if (!isPlainArray(value)) return `a ${value.constructor?.name || 'class'}, which extends Array`
    // `length` is one of the names.
    if (names.length > value.length + 1) return 'an array with properties of its own'
  } else if (names.length !== Object.keys(value).length) {
    return 'an object with properties that are not enumerable'
  }
  for (const name of names) {
    const { get, set, enumerable } = Object.getOwnPropertyDescriptor(value, name) ?? {}
    if (get || set) return `an object with an accessor, ${name}`
    if (!enumerable && name !== 'length') return `an array whose place ${name} is not enumerable`
  }
  return undefined
}

/** An array of any realm: its prototype stands one level below the end of the chain. */
function isPlainArray(value: readonly unknown[]): boolean {
  const base = Object.getPrototypeOf(Object.getPrototypeOf(value) ?? {})
  return base !== null && Object.getPrototypeOf(base) === null
}

/** What else someone put there would be in no snapshot. */
const hasOnlyRoot = (table: object) => Reflect.ownKeys(table).length === 1

/**
 * Freezes deeply, with 0 in the place of -0, which JSON text may have and canonical text has not. What is
 * frozen already is taken for frozen through and through, as in Immer.
 */
export function freeze<T>(value: T): T {
  if (Object.is(value, -0)) return 0 as T
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const keys = Object.keys(value)
  for (const key of keys) if (Object.is(Reflect.get(value, key), -0)) Reflect.set(value, key, 0)
  Object.freeze(value)
  for (const key of keys) freeze(Reflect.get(value, key))
  return value
}
