// A record's text, read back: versions upcast, hostile JSON refused.

import type { StoreErrorCode } from '../errors.ts'
import { StoreError } from '../errors.ts'
import { canonicalText, freeze, jsonIssue } from '../json/index.ts'
import { isThenable } from '../mutation/result.ts'
import type {
  CompiledDefinition,
  Meta,
  Metadata,
  MutationSpec,
  PreparedMutation,
} from '../mutation/spec.ts'
import { encodeMutation, parse, validatePayload } from '../mutation/validate.ts'
import type { Entry } from '../port/journal.ts'
import type { Committed, Decoded } from './record.ts'

/**
 * Reads a record back: old payloads upcast, all of them frozen. Current schemas are not asked again.
 * Throws StoreError `corrupt`, `unknown_mutation`, `newer_format`, `upcast_failed`.
 */
export function decode(
  definition: CompiledDefinition,
  entry: Entry,
  value: unknown = parseText(entry.text),
): Decoded {
  const { seq, text, line } = entry
  if (!isRaw(value))
    throw bad(entry, 'corrupt', `this is not a record: ${JSON.stringify(text.slice(0, 200))}`)
  const { at, key, command, input, metadata, batch } = value
  for (const field of ['metadata', 'value'] as const) {
    const issue = value[field] === undefined ? undefined : jsonIssue(value[field])
    const where = issue && [field, ...issue.path].join('.')
    if (issue) throw bad(entry, 'corrupt', `${where} ${issue.message}`)
  }
  const isKeyed = key !== undefined
  const meta = Object.freeze(isKeyed ? { seq, at, key } : { seq, at })
  const parts = (batch ?? [value]).map((each) => decodePart(definition, entry, each, meta))
  const asked = input === undefined ? {} : { input, value: freeze(value.value) }
  return { meta, command, ...asked, metadata: freeze(metadata), line, parts }
}

function decodePart(
  definition: CompiledDefinition,
  entry: Entry,
  { type, v = 1, payload }: RawPart,
  meta: Meta,
): PreparedMutation {
  const mutation = definition.find(type, entry.seq)
  const issue = payload === undefined ? undefined : jsonIssue(payload)
  if (issue) throw bad(entry, 'corrupt', `payload.${issue.path.join('.')} ${issue.message}`)
  if (v > mutation.version) {
    const known = `this code knows versions up to ${mutation.version}: run newer code`
    throw bad(entry, 'newer_format', `${type} has payload version ${v}, ${known}`)
  }
  // Only a record with a key is ever compared, so only its text is made again.
  const text = meta.key !== undefined ? encodeMutation(mutation, canonicalText(payload)) : ''
  if (v === mutation.version) return { mutation, payload: freeze(payload), text }
  try {
    return { ...validatePayload(mutation, upcast(mutation, v, freeze(payload), meta)), version: v }
  } catch (cause) {
    throw bad(entry, 'upcast_failed', `version ${v} of ${type}: ${cause}`, cause)
  }
}

/** Gives input for the current schema. Throws what the user's code throws. */
function upcast(
  { type, upcast }: MutationSpec,
  version: number,
  payload: unknown,
  meta: Meta,
): unknown {
  const step = upcast[version]
  if (!step || '_zod' in step) return parse(type, step, payload)
  const input = step.transform(parse(type, step.schema, payload), meta)
  if (isThenable(input)) throw new TypeError('an upcaster must be synchronous')
  return input
}

function bad(
  { seq, line }: Entry,
  code: StoreErrorCode,
  what: unknown,
  cause?: unknown,
): StoreError {
  return new StoreError(code, `record ${seq}: ${what}`, { seq, line, cause })
}

/** SHA-256 in hex. */
const DIGEST = /^[0-9a-f]{64}$/

type RawPart = { type: string; v?: number; payload?: unknown }
type Raw = RawPart & {
  at: string
  key?: string
  command?: string
  input?: string
  value?: unknown
  metadata?: Metadata
  batch?: RawPart[]
}

/** A number that stands between texts, and that none of them can know. */
const BETWEEN = 1 + Math.floor(Math.random() * 1e9)

/**
 * Each text parsed as JSON; undefined for a text that is not JSON. In one call, which takes two thirds of the time
 * of many. If a text is no JSON by itself, but is with its neighbours, a number is missing between them.
 */
export function parseTexts(entries: readonly Entry[]): unknown[] {
  try {
    const texts = entries.map(({ text }) => text)
    const values: unknown[] = JSON.parse(`[${texts.join(`,${BETWEEN},`)}]`)
    const isBetween = (value: unknown, index: number) => (value === BETWEEN) === (index % 2 === 1)
    if (values.length === 2 * texts.length - 1 && values.every(isBetween))
      return values.filter((_, index) => index % 2 === 0)
  } catch {}
  return entries.map(({ text }) => parseText(text))
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRaw(value: unknown): value is Raw {
  if (typeof value !== 'object' || value === null) return false
  const { at, key = '', command = '', input, metadata = {}, batch } = value as Raw
  if (typeof at !== 'string' || typeof key !== 'string' || typeof command !== 'string') return false
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return false
  if (input !== undefined && !(typeof input === 'string' && DIGEST.test(input))) return false
  if (!batch) return isPart(value as Raw)
  return Array.isArray(batch) && batch.every(isPart) && (batch.length > 0 || input !== undefined)
}

function isPart(value: unknown): boolean {
  const { type, v = 1 }: Partial<RawPart> = value ?? {}
  return typeof type === 'string' && Number.isInteger(v) && v > 0
}

/** A record as its readers see it: one item per mutation. Frozen: several listeners get the same. */
export const committed = ({ meta, command, metadata, parts }: Decoded): readonly Committed[] =>
  Object.freeze(
    parts.map(({ mutation: { type }, payload }, index) => {
      const by = command === undefined ? {} : { command }
      const about = metadata === undefined ? {} : { metadata }
      const place = { part: index + 1, parts: parts.length }
      return Object.freeze({ ...meta, type, payload, ...by, ...about, ...place })
    }),
  )
