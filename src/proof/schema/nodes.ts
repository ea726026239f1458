// Nodes of a lock that need nothing of the rest of a schema to be made.
import type { z } from 'zod'
import { absentValue } from './absent.ts'
import type { Checked } from './checks.ts'
import type { JsonSchema, SchemaNode } from './lock.ts'
import { wholeMark } from './marks.ts'

type Schema = z.core.$ZodType

export function withChecks(node: SchemaNode, { keywords, marks }: Checked): SchemaNode {
  return typeof node === 'object' ? marked({ ...node, ...keywords }, marks) : marked(node, marks)
}

export function marked(node: SchemaNode, marks: readonly string[]): SchemaNode {
  if (marks.length === 0 || node === false) return node
  const { 'x-zod': inner = [], ...said } = node === true ? {} : node
  return { ...said, 'x-zod': [...inner, ...marks].sort() }
}

export const isMarked = (node: SchemaNode): boolean =>
  typeof node === 'object' && JSON.stringify({ ...node, properties: {} }).includes('"x-zod"')

export const anyOf = (nodes: readonly SchemaNode[]): JsonSchema => ({ anyOf: nodes })

export function valuesNode(values: readonly unknown[]): SchemaNode {
  const some = values.filter((value) => value === null || JSON_TYPES.has(typeof value))
  const json = [...new Set(some)].filter(
    (value) => typeof value !== 'number' || Number.isFinite(value),
  )
  if (json.length === 0) return false
  return json.length === 1 ? { const: json[0] } : { enum: json }
}
const JSON_TYPES = new Set(['string', 'number', 'boolean'])

export function templateNode({ _zod: { pattern } }: z.core.$ZodTemplateLiteral): JsonSchema {
  return { type: 'string', pattern: pattern.source }
}

/** Strings and numbers are made of most values, and no one knows of which objects. */
export function coerced(type: string, schema: Schema): SchemaNode {
  if (type === 'boolean') return true
  const scalars =
    type === 'string' ? ['string', 'number', 'boolean', 'null'] : ['number', 'boolean', 'null']
  return anyOf([{ type: scalars }, marked(true, [wholeMark('coerce', schema)])])
}

/** All keys are asked for, and what is not there may be filled in. */
export function countedRecord(
  schema: Schema,
  valueType: Schema,
  values: ReadonlySet<unknown>,
  value: SchemaNode,
  isLoose: boolean,
  side: 'kept' | 'accepted',
): SchemaNode {
  const keys = [...values]
    .filter((key) => typeof key === 'string' || typeof key === 'number')
    .map(String)
  const absence = absentValue(valueType)
  const isRequired = absence === 'refused' || (absence === 'filled' && side === 'kept')
  const names = [...new Set(keys)].sort()
  const node: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, value])),
    ...(isRequired && names.length > 0 && { required: names }),
    ...(!isLoose && { additionalProperties: false }),
  }
  return marked(node, absence === 'unknown' ? [wholeMark('absent entries', schema)] : [])
}
