// Whether a side of an intersection is the object that JSON Schema's allOf, with open keys, makes of it.
import type { z } from 'zod'
import { checksOf, effectOf, KEEPS } from './effect.ts'

type Schema = z.core.$ZodType

/** A key that one side does not know is right if the other side knows it. */
const LIKE = 0
/** Some keys are refused anyway: those of a strict object within a part, or an option of a union. */
export const STRICTER = 1
/** Other values are taken: a record's wrong key is right, and what a pipe drops, the other side keeps. */
export const UNLIKE = 2

/** LIKE, STRICTER or UNLIKE. */
export const sideFit = (schema: Schema): number =>
  fitWithin(schema, false, { outer: new Set(), inner: new Set() })

interface Seen {
  readonly outer: Set<Schema>
  readonly inner: Set<Schema>
}

/** `isInner`: in a part of the value, or in an option of a union, whose refusals are final. */
function fitWithin(schema: Schema, isInner: boolean, seen: Seen): number {
  const here = isInner ? seen.inner : seen.outer
  if (here.has(schema)) return LIKE
  here.add(schema)
  const { def } = schema._zod as unknown as { def: z.core.$ZodTypes['_zod']['def'] }
  const all = (parts: readonly Schema[], areInner: boolean) =>
    parts.reduce((worst, part) => Math.max(worst, fitWithin(part, areInner, seen)), LIKE)
  switch (def.type) {
    case 'record': {
      const isPlain = def.keyType._zod.def.type === 'string' && checksOf(def.keyType).length === 0
      return isPlain ? all([def.valueType], true) : UNLIKE
    }
    case 'object': {
      const isStrict = isInner && def.catchall?._zod.def.type === 'never'
      const parts = [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])]
      return Math.max(isStrict ? STRICTER : LIKE, all(parts, true))
    }
    case 'array':
      return all([def.element], true)
    case 'tuple':
      return all([...def.items, ...(def.rest ? [def.rest] : [])], true)
    case 'union': {
      const isOneAsked = 'discriminator' in def || def.options.length === 1
      return all(def.options, isInner || !isOneAsked)
    }
    case 'intersection':
      return all([def.left, def.right], isInner)
    case 'pipe':
      return effectOf(schema) === KEEPS ? all([def.in, def.out], isInner) : UNLIKE
    case 'lazy':
      return all([(schema as z.core.$ZodLazy)._zod.innerType], isInner)
    default:
      return 'innerType' in def ? all([def.innerType as Schema], isInner) : LIKE
  }
}
