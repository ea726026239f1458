// A payload's Zod schema as JSON Schema, and beside it what zod does and JSON Schema cannot say.
import { z } from 'zod'
import type { JsonSchema, SchemaNode } from './lock.ts'

/**
 * `output`: what it gives, which is what is journaled. `input`: what it takes. Metadata is left out:
 * it changes nothing, and its ids would turn parts of the schema into references.
 */
export function payloadSchema(
  schema: z.core.$ZodType | undefined,
  io: 'input' | 'output',
): JsonSchema {
  if (!schema) return { not: {}, 'x-optional': true }
  // As a property, so that zod itself says whether it may be left out.
  const holder = convert(z.object({ payload: schema }), io)
  const { required = [], properties = {}, $defs } = holder
  const payload = properties['payload'] as JsonSchema
  const isOptional = !required.includes('payload') || takesNothing(payload)
  return {
    ...payload,
    ...(isOptional && { 'x-optional': true as const }),
    ...($defs && { $defs: $defs as JsonSchema['$defs'] }),
  }
}

/** z.any(), z.undefined(), and unions with one of them: as a property, zod wants them to be there. */
function takesNothing(payload: SchemaNode): boolean {
  if (typeof payload === 'boolean') return payload
  const { anyOf = [], 'x-zod': beyond = [] } = payload
  const isEmpty = Object.keys(payload).length === 0
  return isEmpty || beyond.some((each) => NOTHING.has(each)) || anyOf.some(takesNothing)
}

const NOTHING = new Set(['undefined', 'void'])

const convert = (schema: z.core.$ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    metadata: z.registry(),
    override: ({ zodSchema, jsonSchema }) => complete(zodSchema, jsonSchema),
  })

/** What JSON Schema says by itself. The metadata checks do nothing. */
const SAID = new Set([
  ...['less_than', 'greater_than', 'multiple_of', 'number_format'],
  ...['min_length', 'max_length', 'length_equals', 'string_format', 'describe', 'meta'],
])
/** Types of which JSON Schema says nothing at all. */
const UNSAID = new Set(['transform', 'undefined', 'void', 'function', 'symbol'])

/** Called by zod for every part of a schema, inner ones first. */
function complete(schema: z.core.$ZodTypes, json: z.core.JSONSchema.BaseSchema): void {
  delete json.default
  delete json.readOnly
  json.required?.sort()
  // JSON has no infinity: such a limit is none.
  for (const [keyword, value] of Object.entries(json)) {
    if (typeof value === 'number' && !Number.isFinite(value)) delete json[keyword]
  }
  const checks = checksOf(schema)
  const formats = checks.filter(isStringFormat)
  if (formats.length > 1) separate(formats, json)
  else if (formats.some(hasFlags)) delete json.pattern
  const { def } = schema._zod
  const beyond = [
    ...(UNSAID.has(def.type) ? [def.type] : []),
    ...(def.type === 'record' ? beyondRecord(def, json) : []),
    ...checks.filter((check) => !SAID.has(check._zod.def.check)).map(nameOf),
    ...(formats.length === 1 ? formats.flatMap(beyondFormat) : []),
  ]
  if (beyond.length === 0) return
  const inner = (json['x-zod'] ?? []) as string[]
  json['x-zod'] = [...inner, ...beyond].sort()
}

/** A format such as z.email() is a schema and its own first check. */
function checksOf(schema: z.core.$ZodTypes): z.core.$ZodCheck[] {
  const { checks = [] } = schema._zod.def
  return 'check' in schema._zod.def ? [schema as unknown as z.core.$ZodCheck, ...checks] : checks
}

const isStringFormat = (check: z.core.$ZodCheck): check is z.core.$ZodCheckStringFormat =>
  check._zod.def.check === 'string_format'

/** zod names only the last format of several; all of them hold. */
function separate(
  formats: readonly z.core.$ZodCheckStringFormat[],
  json: z.core.JSONSchema.BaseSchema,
): void {
  delete json.format
  delete json.pattern
  json.allOf = formats.map((format) => {
    const { $schema, type, ...said } = convert(z.string().check(format), 'output')
    return said
  })
}

/** JSON Schema's `pattern` has no flags. */
const hasFlags = ({ _zod: { def } }: z.core.$ZodCheckStringFormat) =>
  /[^dg]/.test(def.pattern?.flags ?? '')

function beyondFormat(check: z.core.$ZodCheckStringFormat): string[] {
  const { pattern, ...def } = check._zod.def
  const { hostname, protocol, alg } = def as { [option: string]: unknown }
  const options = Object.entries({ hostname, protocol, alg })
    .filter(([, value]) => value instanceof RegExp || typeof value === 'string')
    .map(([name, value]) => `${name} ${value}`)
  return hasFlags(check) ? [...options, String(pattern)] : options
}

const nameOf = ({ _zod: { def } }: z.core.$ZodCheck) =>
  def.check === 'custom' ? 'refine' : def.check

/** What zod tells of a loose record is right where one pattern, or none, says which keys it is about. */
function beyondRecord(
  { keyType, mode }: z.core.$ZodRecordDef,
  json: z.core.JSONSchema.BaseSchema,
): string[] {
  const { $schema, type, pattern, ...others } = convert(keyType, 'output')
  const keys = JSON.stringify({ type, pattern, ...others })
  if (mode !== 'loose') return type === 'number' || type === 'integer' ? [`keys ${keys}`] : []
  if (type === 'string' && Object.keys(others).length === 0) return []
  const { additionalProperties, patternProperties } = json
  const values = JSON.stringify(additionalProperties ?? patternProperties)
  delete json.propertyNames
  delete json.additionalProperties
  delete json.patternProperties
  delete json.required
  return [`looseRecord ${keys} ${values}`]
}
