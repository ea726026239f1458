// A payload's schema, as the lock has it: one node, and whether there may be no payload.
import type { z } from 'zod'
import type { Upcaster } from '../../mutation/spec.ts'
import { absentValue } from './absent.ts'
import { isTransform } from './effect.ts'
import type { JsonSchema, SchemaNode } from './lock.ts'
import { codeMark, wholeMark } from './marks.ts'
import { marked } from './nodes.ts'
import { SchemaReading, type Side } from './read.ts'

/**
 * `kept`: what journals hold of a current payload. `accepted`: what an upcaster takes. Metadata is left
 * out, because it changes nothing.
 */
export function payloadSchema(schema: z.core.$ZodType | undefined, side: Side): JsonSchema {
  if (!schema) return { not: {}, 'x-optional': true }
  const reading = new SchemaReading()
  const node = side === 'kept' ? reading.read(schema, 'kept') : acceptedNode(schema, reading)
  const absence = absentValue(schema)
  const isOptional = absence !== 'refused' && (side === 'accepted' || absence !== 'filled')
  const isUnknown = absence === 'unknown'
  const { defs, code, broken } = reading
  const marks = [...broken, ...(isUnknown ? [wholeMark('absent payload', schema)] : [])]
  return {
    ...asObject(marked(asObject(node), marks)),
    ...(isOptional && { 'x-optional': true as const }),
    ...(code.size > 0 && { 'x-code': [...code].sort() }),
    ...(Object.keys(defs).length > 0 && { $defs: defs }),
  }
}

/** What an upcaster accepts, and its code. */
export function upcastSchema(step: z.core.$ZodType | Upcaster<unknown>): JsonSchema {
  if ('_zod' in step) return payloadSchema(step, 'accepted')
  const accepted = payloadSchema(step.schema, 'accepted')
  const code = codeMark('upcaster', step.transform)
  return { ...accepted, 'x-code': [...(accepted['x-code'] ?? []), code].sort() }
}

/** What comes back as it was is accepted, too, and often that can be shown where the other cannot. */
function acceptedNode(schema: z.core.$ZodType, reading: SchemaReading): SchemaNode {
  const accepted = reading.read(schema, 'accepted')
  if (!JSON.stringify(accepted).includes('"x-zod"')) return accepted
  const kept = reading.read(withoutLastCode(schema), 'kept')
  return JSON.stringify(kept) === JSON.stringify(accepted) ? accepted : { anyOf: [accepted, kept] }
}

function withoutLastCode(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as z.core.$ZodPipeDef
  const isLast = schema._zod.def.type === 'pipe' && !def.transform && isTransform(def.out)
  return isLast ? withoutLastCode(def.in) : schema
}

function asObject(node: SchemaNode): JsonSchema {
  if (typeof node === 'object') return node
  return node ? {} : { not: {} }
}
