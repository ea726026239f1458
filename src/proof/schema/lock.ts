// The lock: the JSON Schema of every mutation and version, as a value and as the text of its file.
import { z } from 'zod'
import type { AnyStoreDefinition } from '../../define/store-definition.ts'
import { canonicalText } from '../../json/index.ts'
import { definitionOf } from '../../mutation/brand.ts'
import type { MutationSpec } from '../../mutation/spec.ts'
import { payloadSchema, upcastSchema } from './payload.ts'

export interface SchemaLock {
  readonly format: 'ministore-schema'
  /** Of this format. */
  readonly version: 1
  /** The name of the store. */
  readonly store: string
  /** What dispatches say about themselves, if the definition declares it. No change of it breaks a journal. */
  readonly metadata?: JsonSchema | undefined
  /** By name, retired ones included. */
  readonly mutations: { readonly [type: string]: LockedMutation }
}

export interface LockedMutation {
  /** The current payload version. */
  readonly version: number
  readonly retired?: true | undefined
  /**
   * By version, from 1: for the current one what its schema returns unchanged, which is what journals
   * hold; for an older one what its upcaster accepts.
   */
  readonly payloads: { readonly [version: string]: JsonSchema }
  /** By old version, if its upcaster has no transform: what it would give back unchanged, which is what it hands on. */
  readonly passed?: { readonly [version: string]: JsonSchema } | undefined
  /** Beside `passed`: what the current schema accepts. */
  readonly accepted?: JsonSchema | undefined
}

/**
 * JSON Schema 2020-12 without descriptions and defaults, and with keywords of ours. `allOf` is meant as zod
 * intersects objects: a side ignores the keys that only the other one names.
 *
 * - `x-optional`: a record may have no payload (beside `not: {}`: it has none).
 * - `x-zod`: tests that JSON Schema cannot say, such as `refine (name) => …`, `format url` or `/^a/i`.
 * - `x-all`: all of these, and each for all of the value.
 * - `x-takes`: beside `anyOf`, by option, values that it accepts and may change, `false` if it changes
 *   none; beside `oneOf`, all that it accepts.
 * - `x-code`: at the top, transforms of an upcaster that are expected to accept everything.
 */
export interface JsonSchema {
  readonly 'x-optional'?: true | undefined
  readonly 'x-zod'?: readonly string[] | undefined
  readonly $ref?: string | undefined
  readonly $defs?: SchemaMap | undefined
  readonly type?: string | readonly string[] | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly allOf?: readonly SchemaNode[] | undefined
  readonly 'x-all'?: readonly SchemaNode[] | undefined
  readonly 'x-takes'?: readonly SchemaNode[] | undefined
  readonly 'x-code'?: readonly string[] | undefined
  readonly anyOf?: readonly SchemaNode[] | undefined
  readonly oneOf?: readonly SchemaNode[] | undefined
  readonly not?: SchemaNode | undefined
  readonly properties?: SchemaMap | undefined
  readonly required?: readonly string[] | undefined
  readonly additionalProperties?: SchemaNode | undefined
  readonly patternProperties?: SchemaMap | undefined
  readonly propertyNames?: SchemaNode | undefined
  readonly prefixItems?: readonly SchemaNode[] | undefined
  readonly items?: SchemaNode | undefined
  readonly minItems?: number | undefined
  readonly maxItems?: number | undefined
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
  readonly exclusiveMinimum?: number | undefined
  readonly exclusiveMaximum?: number | undefined
  readonly multipleOf?: number | undefined
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
  readonly pattern?: string | undefined
  readonly format?: string | undefined
  readonly [keyword: string]: unknown
}
export type SchemaNode = JsonSchema | boolean
interface SchemaMap {
  readonly [name: string]: SchemaNode
}

/** A lock file that cannot be used: what is wrong with it, and what to do. */
export class SchemaLockError extends Error {
  override readonly name = 'SchemaLockError'
  readonly path: string
  constructor(
    path: string,
    problem: string,
    { remedy = RESTORE, cause }: SchemaLockErrorOptions = {},
  ) {
    super(`${path}: ${problem}; ${remedy}`, cause === undefined ? {} : { cause })
    this.path = path
  }
}
export interface SchemaLockErrorOptions extends ErrorOptions {
  /** What to do. */
  readonly remedy?: string
}
const RESTORE =
  'restore it from version control, or delete it and run `npx ministore-ts schema --update`'

/** What the definition says today. Equal definitions have equal locks. */
export function schemaLock(store: AnyStoreDefinition): SchemaLock {
  const { name, metadata, mutations } = definitionOf(store)
  const locked = [...mutations.values()].map((each) => [each.type, lockedMutation(each)])
  const about = metadata.schema && { metadata: payloadSchema(metadata.schema, 'kept') }
  const lock = { store: name, ...about, mutations: Object.fromEntries(locked) }
  return sorted({ format: 'ministore-schema', version: 1, ...lock })
}

function lockedMutation({ payload, upcast, version, retired }: MutationSpec): LockedMutation {
  const old = Object.entries(upcast).map(([key, step]) => [key, upcastSchema(step)])
  const payloads = Object.fromEntries([...old, [version, payloadSchema(payload, 'kept')]])
  const plain = Object.entries(upcast).flatMap(([key, step]) => {
    const isPlain = '_zod' in step && !payloads[key]['x-code']
    return isPlain ? [[key, payloadSchema(step, 'kept')]] : []
  })
  return {
    version,
    ...(retired && { retired }),
    payloads,
    ...(plain.length > 0 && {
      passed: Object.fromEntries(plain),
      accepted: payloadSchema(payload, 'accepted'),
    }),
  }
}

/** As the file has it: indented, keys sorted, a newline at the end. */
export const schemaLockText = (lock: SchemaLock): string =>
  `${JSON.stringify(sorted(lock), null, 2)}\n`

const sorted = (lock: SchemaLock): SchemaLock => JSON.parse(canonicalText(lock) ?? '')

/** Reads the text of the lock file at `path`. Throws SchemaLockError. */
export function parseSchemaLock(text: string, path: string): SchemaLock {
  const json = parsedJson(text, path)
  const { format, version } = Object(json) as { format?: unknown; version?: unknown }
  if (format !== 'ministore-schema') {
    const remedy = 'name the lock file by --lock'
    throw new SchemaLockError(path, 'this is not a schema lockfile', { remedy })
  }
  if (typeof version === 'number' && version > 1) {
    const remedy = 'update ministore, which knows version 1'
    throw new SchemaLockError(path, `the lock has format version ${version}`, { remedy })
  }
  if (isDeeper(json, MAX_DEPTH)) throw new SchemaLockError(path, 'it is nested too deep')
  const parsed = LOCK.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new SchemaLockError(path, `${issue?.path.join('.')}: ${issue?.message}`)
}

function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = (cause as Error).message.replaceAll('\n', ' ')
    throw new SchemaLockError(path, `it is not JSON (${why})`, { cause })
  }
}

/** No payload's schema comes near it, and recursion is safe. */
const MAX_DEPTH = 500

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)))

const NODE: z.ZodType<SchemaNode> = z.lazy(() => z.union([z.boolean(), SCHEMA]))
const MAP = z.record(z.string(), NODE).optional()
const LIST = z.array(NODE).optional()
const NUMBER = z.number().optional()
const TEXTS = z.array(z.string()).optional()
const SCHEMA: z.ZodType<JsonSchema> = z.looseObject({
  'x-optional': z.literal(true).optional(),
  'x-zod': TEXTS,
  $ref: z.string().optional(),
  $defs: MAP,
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  'x-all': LIST,
  'x-takes': LIST,
  'x-code': TEXTS,
  allOf: LIST,
  anyOf: LIST,
  oneOf: LIST,
  not: NODE.optional(),
  properties: MAP,
  required: TEXTS,
  additionalProperties: NODE.optional(),
  patternProperties: MAP,
  propertyNames: NODE.optional(),
  prefixItems: LIST,
  items: NODE.optional(),
  minItems: NUMBER,
  maxItems: NUMBER,
  minimum: NUMBER,
  maximum: NUMBER,
  exclusiveMinimum: NUMBER,
  exclusiveMaximum: NUMBER,
  multipleOf: NUMBER,
  minLength: NUMBER,
  maxLength: NUMBER,
  pattern: z.string().optional(),
  format: z.string().optional(),
})
const LOCK: z.ZodType<SchemaLock> = z.strictObject({
  format: z.literal('ministore-schema'),
  version: z.literal(1),
  store: z.string(),
  metadata: SCHEMA.optional(),
  mutations: z.record(
    z.string(),
    z
      .strictObject({
        version: z.int().min(1),
        retired: z.literal(true).optional(),
        payloads: z.record(z.string(), SCHEMA),
        passed: z.record(z.string(), SCHEMA).optional(),
        accepted: SCHEMA.optional(),
      })
      .refine(hasEveryVersion, 'payloads must have every version from 1 to the current one'),
  ),
})

function hasEveryVersion({ version, payloads }: LockedMutation): boolean {
  const versions = Object.keys(payloads)
  return versions.length === version && versions.every((each, index) => each === String(index + 1))
}
