// A record's text, read back: versions upcast, hostile JSON refused.
import { check, parse } from '../check.ts'
import { freeze } from '../draft.ts'
import { StoreError } from '../errors.ts'
import { canonicalText, jsonIssue } from '../json/index.ts'
import type { Committed, Decoded, Definition, Entry, Part, StoreErrorCode } from '../types.ts'
import { encodePart } from './encode.ts'

/**
 * Reads a record back: old payloads upcast, all of them frozen. Current schemas are not asked again.
 * Throws StoreError `corrupt`, `unknown_mutation`, `newer_format`, `upcast_failed`.
 */
export function decode(definition: Definition, { seq, text }: Entry): Decoded {
  const bad = (code: StoreErrorCode, what: unknown, cause?: unknown) =>
    new StoreError(code, `record ${seq}: ${what}`, { seq, cause })
  const raw = readRaw(text)
  if (!raw) throw bad('corrupt', `this is not a record: ${JSON.stringify(text.slice(0, 200))}`)
  const { at, key, batch = [raw] } = raw
  const parts = batch.map(({ type, v = 1, payload }): Part => {
    const mutation = definition.find(type, seq)
    const issue = payload === undefined ? undefined : jsonIssue(payload)
    if (issue) throw bad('corrupt', `payload.${issue.path.join('.')} ${issue.message}`)
    if (v > mutation.version) {
      const known = `this code knows versions up to ${mutation.version}: run newer code`
      throw bad('newer_format', `${type} has payload version ${v}, ${known}`)
    }
    // Only a record with a key is ever compared, so only its text is made again.
    const json = key === undefined ? undefined : canonicalText(payload)
    const part = { mutation, payload: freeze(payload), text: encodePart(mutation, json) }
    if (v === mutation.version) return part
    try {
      return check(mutation, parse(type, mutation.upcast[v], payload))
    } catch (cause) {
      throw bad('upcast_failed', `version ${v} of ${type}: ${cause}`, cause)
    }
  })
  return { meta: Object.freeze({ seq, at, ...(key !== undefined && { key }) }), parts }
}

type RawPart = { type: string; v?: number; payload?: unknown }
type Raw = RawPart & { at: string; key?: string; batch?: RawPart[] }

function readRaw(text: string): Raw | undefined {
  try {
    const raw: Raw = JSON.parse(text)
    const { at, key = '', batch = [raw] } = raw
    const fits = ({ type, v = 1 }: RawPart) =>
      typeof type === 'string' && Number.isInteger(v) && v > 0
    return typeof at === 'string' && typeof key === 'string' && batch.every(fits) ? raw : undefined
  } catch {
    return undefined
  }
}

/** A record as its readers see it: one item per mutation. */
export const committed = ({ meta, parts }: Decoded): Committed[] =>
  parts.map(({ mutation: { type }, payload }, index) => {
    return { ...meta, type, payload, part: index + 1, parts: parts.length }
  })
