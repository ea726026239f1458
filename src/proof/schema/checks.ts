// A schema's checks: as keywords of JSON Schema where those say the same, and as marks where they do not.
import { z } from 'zod'
import { checksOf, isLook } from './effect.ts'
import type { JsonSchema } from './lock.ts'
import { checkCode, checkMark, codeMark, isSuperRefine, wholeMark } from './marks.ts'

type Schema = z.core.$ZodType
type Check = z.core.$ZodCheck
type Keywords = { -readonly [Keyword in keyof JsonSchema]: JsonSchema[Keyword] }

export interface Checked {
  readonly keywords: JsonSchema
  readonly marks: readonly string[]
}

/** What the checks ask of a value that they give back as it was. `kind`: the JSON type of all values. */
export function readChecks(schema: Schema, kind: string | undefined): Checked {
  const checks = checksOf(schema).filter((check) => !isMetadata(check))
  const [before, changing, after] = aroundChanges(checks)
  if (changing.length < 2 || areIndependent(changing)) return readAll(checks, kind)
  const { keywords, marks } = readAll([...before, ...after], kind)
  return { keywords, marks: [...marks, wholeMark('several changes', schema)] }
}

/** What the checks ask of a value that they may change: those see what was given that come first. */
export function readFirstChecks(schema: Schema, kind: string | undefined): Checked {
  const checks = checksOf(schema).filter((check) => !isMetadata(check))
  const [before, changing, after] = aroundChanges(checks)
  const { keywords, marks } = readAll(before, kind)
  const isRead = [...changing, ...after].every(isTotal)
  return {
    keywords,
    marks: isRead ? marks : [...marks, wholeMark('checks after a change', schema)],
  }
}

function readAll(checks: readonly Check[], kind: string | undefined): Checked {
  const keywords: Keywords = {}
  const allOf: JsonSchema[] = []
  const marks: string[] = []
  for (const check of checks) {
    const said = keywordsOf(check, kind)
    if (said === undefined) marks.push(...marksOf(check))
    else add(keywords, said, allOf)
  }
  return { keywords: { ...keywords, ...(allOf.length > 0 && { allOf }) }, marks }
}

const isMetadata = ({ _zod: { def } }: Check) => def.check === 'describe' || def.check === 'meta'

/**
 * Checks that see the value as it was given, those between the first and the last that change it, and
 * those that see the result. Of a value that comes back as it was, the outer ones see the value itself.
 */
function aroundChanges(checks: readonly Check[]): [Check[], Check[], Check[]] {
  const isChange = (check: Check) => !isLook(check)
  const first = checks.findIndex(isChange)
  if (first < 0) return [[...checks], [], []]
  const last = checks.findLastIndex(isChange)
  return [checks.slice(0, first), checks.slice(first, last + 1), checks.slice(last + 1)]
}

/**
 * `trim()` beside `toLowerCase()` or `toUpperCase()`: what all of them together leave as it is, each of
 * them leaves as it is, in any order, because none of the two makes or takes away outer white space.
 */
function areIndependent(checks: readonly Check[]): boolean {
  const sources = new Set(checks.filter((check) => !isLook(check)).map(sourceOfChange))
  sources.delete(TRIM)
  return (
    sources.size === 0 ||
    (sources.size === 1 && [LOWER_CASE, UPPER_CASE].some((each) => sources.has(each)))
  )
}

/** Adds the keywords of one check to those of the others: the stricter one of a limit, all of the rest. */
function add(keywords: Keywords, said: JsonSchema, allOf: JsonSchema[]): void {
  if (said.pattern !== undefined && keywords.pattern !== undefined) {
    if (said.pattern !== keywords.pattern) allOf.push(said)
    return
  }
  for (const [keyword, value] of Object.entries(said)) {
    const known = keywords[keyword]
    if (known === undefined) keywords[keyword] = value
    else if (LOWER.has(keyword)) keywords[keyword] = Math.max(known as number, value as number)
    else if (UPPER.has(keyword)) keywords[keyword] = Math.min(known as number, value as number)
    else if (keyword !== 'type' && known !== value) allOf.push({ [keyword]: value })
  }
}
const LOWER = new Set(['minLength', 'minItems', 'minimum', 'exclusiveMinimum'])
const UPPER = new Set(['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum'])

/** What JSON Schema says of a check, exactly; undefined if it cannot. */
function keywordsOf(check: Check, kind: string | undefined): JsonSchema | undefined {
  const def = check._zod.def as unknown as { check: string; [option: string]: unknown }
  if (!hasOwnWhen(def)) return undefined
  const { minimum, maximum, length, value, inclusive } = def as { [limit: string]: number }
  const isText = kind === 'string'
  if (isText && def.check === 'string_format') return formatKeywords(def)
  if (isText || kind === 'array') {
    const size = (keyword: string) => `${keyword}${isText ? 'Length' : 'Items'}`
    if (def.check === 'max_length' && maximum === Infinity) return {}
    if (![minimum, maximum, length].some(Number.isFinite)) return undefined
    if (def.check === 'min_length') return { [size('min')]: minimum }
    if (def.check === 'max_length') return { [size('max')]: maximum }
    if (def.check === 'length_equals') return { [size('min')]: length, [size('max')]: length }
  }
  if (kind !== 'number') return undefined
  if (def.check === 'number_format') return numberKeywords(String(def['format']))
  if (typeof value !== 'number') return undefined
  if (def.check === 'greater_than') return limit(value, Boolean(inclusive), 'minimum', -Infinity)
  if (def.check === 'less_than') return limit(value, Boolean(inclusive), 'maximum', Infinity)
  if (def.check !== 'multiple_of') return undefined
  return Number.isFinite(value) && value !== 0 ? { multipleOf: Math.abs(value) } : undefined
}

/** A condition of the user's own decides whether the check is made at all. */
function hasOwnWhen({ check, when }: { check: string; when?: unknown }): boolean {
  return when === undefined || DEFAULT_WHENS.has(`${check} ${when}`)
}
const DEFAULT_WHENS = new Set(
  [
    new z.core.$ZodCheckMinLength({ check: 'min_length', minimum: 1 }),
    new z.core.$ZodCheckMaxLength({ check: 'max_length', maximum: 1 }),
    new z.core.$ZodCheckLengthEquals({ check: 'length_equals', length: 1 }),
  ].map(({ _zod: { def } }) => `${def.check} ${def.when}`),
)

/** JSON has no infinity and no number beyond the largest, so such a limit excludes nothing. */
function limit(value: number, isInclusive: boolean, keyword: string, none: number) {
  if (value === none) return {}
  if (!Number.isFinite(value)) return undefined
  const name = isInclusive ? keyword : `exclusive${keyword[0]?.toUpperCase()}${keyword.slice(1)}`
  return { [name]: value }
}

const RANGES: { readonly [format: string]: readonly [number, number] | undefined } = {
  safeint: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  float32: [-3.4028234663852886e38, 3.4028234663852886e38],
}

function numberKeywords(format: string): JsonSchema | undefined {
  if (format === 'float64') return {}
  const [minimum, maximum] = RANGES[format] ?? []
  if (minimum === undefined || maximum === undefined) return undefined
  return { ...(format.includes('int') && { type: 'integer' }), minimum, maximum }
}

/** Formats that zod checks by their pattern and nothing else. */
const BY_PATTERN = new Set<unknown>([
  ...['guid', 'uuid', 'email', 'emoji', 'nanoid', 'cuid', 'cuid2', 'ulid', 'xid', 'ksuid', 'ipv4'],
  ...['datetime', 'date', 'time', 'duration', 'mac', 'cidrv4', 'e164', 'regex', 'lowercase'],
  ...['uppercase', 'starts_with', 'ends_with', 'includes'],
])
const TELLING: { readonly [format: string]: string } = { datetime: 'date-time' }
const CHECKS = new Set<unknown>([
  'regex',
  'lowercase',
  'uppercase',
  'starts_with',
  'ends_with',
  'includes',
])

function formatKeywords(def: { [option: string]: unknown }): JsonSchema | undefined {
  const { format, pattern, position } = def
  const isExact = BY_PATTERN.has(format) && pattern instanceof RegExp && position === undefined
  // JSON Schema's `pattern` has no flags; `d` and `g` change no answer.
  if (!isExact || /[^dg]/.test(pattern.flags)) return undefined
  const name = CHECKS.has(format) ? {} : { format: TELLING[String(format)] ?? String(format) }
  return { ...name, pattern: pattern.source }
}

/** Tests of the value that only equal marks are known to pass. */
function marksOf(check: Check): string[] {
  const { def, check: run } = check._zod as unknown as { def: CheckDef; check: unknown }
  const when = hasOwnWhen(def) ? '' : ` when ${def['when']}`
  return marksWithoutWhen(check, def, run).map((mark) => mark + when)
}

type CheckDef = { check: string; [option: string]: unknown }

function marksWithoutWhen(check: Check, def: CheckDef, run: unknown): string[] {
  if (def.check === 'overwrite') return [codeMark('overwrite', def['tx'])]
  if (def.check === 'custom') {
    const { Class } = (check._zod as { bag?: { Class?: unknown } }).bag ?? {}
    if (Class !== undefined) return [codeMark('instanceof', Class)]
    return [def['fn'] ? codeMark('refine', def['fn']) : checkCode(run)]
  }
  if (def.check !== 'string_format') return [checkMark(def.check, check)]
  if (def['format'] === 'url') return urlMarks(def)
  const isPattern = BY_PATTERN.has(def['format']) && def['position'] === undefined
  return [isPattern ? String(def['pattern']) : checkMark(`format ${def['format']}`, check)]
}

/** With options, z.url() takes less than without. */
const urlMarks = ({ hostname, protocol, normalize }: CheckDef): string[] => [
  'format url',
  ...(hostname ? [`format url, hostname ${hostname}`] : []),
  ...(protocol ? [`format url, protocol ${protocol}`] : []),
  ...(normalize ? ['format url, normalized'] : []),
]

const sourceOfChange = (check: unknown): string =>
  String((check as { _zod: { def: { tx?: unknown } } })._zod.def.tx)
const TRIM = sourceOfChange(z.core._trim())
const LOWER_CASE = sourceOfChange(z.core._toLowerCase())
const UPPER_CASE = sourceOfChange(z.core._toUpperCase())
const NORMALIZE = sourceOfChange(z.core._normalize())
const TOTAL = new Set([TRIM, LOWER_CASE, UPPER_CASE, NORMALIZE, sourceOfChange(z.core._slugify())])

/** Zod's own changes of a text: there is no text that they refuse. */
const isTotal = (check: Check): boolean =>
  check._zod.def.check === 'overwrite' && TOTAL.has(sourceOfChange(check))

/** Of a changed value, it makes nothing that the type would not have kept. */
export const isHarmless = (check: Check): boolean =>
  isLook(check) || isTotal(check) || isSuperRefine(check._zod.check)
