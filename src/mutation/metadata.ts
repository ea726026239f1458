// The metadata of a dispatch: who asked for it, and why. Journaled beside the mutation; no state depends on it.
import { z } from 'zod'
import { canonicalText, forbiddenKey, freeze, type JsonIssue, payloadIssue } from '../json/index.ts'
import type { CheckedMetadata, Metadata, MetadataSpec } from './spec.ts'
import { acceptsOwnOutput } from './stable.ts'
import { assertAccepted, invalid, runUserCode } from './validate.ts'

/** Most UTF-16 units of the canonical JSON of one dispatch's metadata. */
const MAX_METADATA_LENGTH: number = 16_384
/** Most characters of an id, as for idempotency keys. */
const MAX_ID_LENGTH = 1024

type Fields = Record<string, unknown>
type FieldCheck = (value: unknown) => string | undefined

const id: FieldCheck = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH
    ? undefined
    : `must be a string of 1 to ${MAX_ID_LENGTH} characters`

/** W3C Trace Context, section 3.2: only versions after 00 may go on after the flags. */
const TRACEPARENT =
  /^(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

const WELL_KNOWN: Readonly<Record<string, FieldCheck>> = {
  correlationId: id,
  causationId: (value) => {
    if (typeof value !== 'number') return id(value) && `${id(value)}, or the seq of a record`
    return Number.isSafeInteger(value) && value > 0 ? undefined : 'must be the seq of a record'
  },
  traceparent: (value) =>
    typeof value === 'string' && value.length <= MAX_ID_LENGTH && TRACEPARENT.test(value)
      ? undefined
      : 'must be a traceparent of W3C Trace Context',
}

/** What a definition says of metadata. `schema`: a `z.object`, if it declares one. */
export function metadataSpec(schema: z.core.$ZodObject | undefined): MetadataSpec {
  const shape = schema?._zod.def.shape ?? {}
  return { schema, undeclared: Object.keys(WELL_KNOWN).filter((field) => !(field in shape)) }
}

/**
 * Parses the metadata of a dispatch, asserts that it is JSON, and makes its canonical text. `bound` is what
 * `store.with` was given, `given` the call's own, which wins field by field. Undefined if neither has any field.
 * Throws Rejection `invalid`; StoreError `check_failed`, `unstable_payload`.
 */
export function validateMetadata(
  spec: MetadataSpec,
  method: string,
  bound: object | undefined,
  given: unknown,
): CheckedMetadata | undefined {
  if (given === undefined && bound === undefined && !spec.schema) return undefined
  const parsed = (fields: unknown, over?: object) =>
    runUserCode(method, () => metadataText(method, parseFields(spec, method, over, fields)))
  const text = parsed(given, bound)
  if (text === '{}') return undefined
  const value: Metadata = freeze(JSON.parse(text))
  spec.acceptsOwnOutput ??= !spec.schema || acceptsOwnOutput(spec.schema)
  if (!spec.acceptsOwnOutput) assertAccepted('The metadata schema', text, () => parsed(value))
  return { value, text }
}

function parseFields(
  { schema, undeclared }: MetadataSpec,
  method: string,
  bound: object | undefined,
  given: unknown = {},
): Fields {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refusal(method, [{ path: [], message: 'must be an object' }])
  const fields: Fields = { ...bound, ...given }
  const forbidden = forbiddenKey(fields)
  if (forbidden) throw refusal(method, [forbidden])
  const known: Fields = {}
  for (const field of undeclared) {
    if (fields[field] !== undefined) known[field] = fields[field]
    delete fields[field]
  }
  if (schema) Object.assign(known, parseOwn(schema, method, fields))
  else if (Object.values(fields).some((value) => value !== undefined)) {
    const message = 'is not known: declare it in the `metadata` of defineStore'
    throw refusal(
      method,
      Object.keys(fields).map((field) => ({ path: [field], message })),
    )
  }
  for (const field in WELL_KNOWN) {
    const message = known[field] === undefined ? undefined : WELL_KNOWN[field]?.(known[field])
    if (message !== undefined) throw refusal(method, [{ path: [field], message }])
  }
  return known
}

function parseOwn(schema: z.core.$ZodType, method: string, fields: Fields): unknown {
  const parsed = z.core.safeParse(schema, fields)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const placed = issues.map((issue) => ({ ...issue, path: ['metadata', ...issue.path] }))
  throw invalid(method, placed, 'options')
}

function metadataText(method: string, fields: Fields): string {
  const issue = payloadIssue(fields)
  if (issue) throw refusal(method, [issue])
  const text = canonicalText(fields) ?? ''
  if (text.length <= MAX_METADATA_LENGTH) return text
  const message = `takes ${text.length} characters of JSON, and at most ${MAX_METADATA_LENGTH} are allowed`
  throw refusal(method, [{ path: [], message }])
}

const refusal = (method: string, issues: readonly JsonIssue[]) =>
  invalid(
    method,
    issues.map(({ path, message }) => ({
      code: 'custom' as const,
      path: ['metadata', ...path],
      message,
    })),
    'options',
  )
