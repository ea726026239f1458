// Upcasters that need more than a schema.
import type { z } from 'zod'
import type { Meta, Upcaster } from '../mutation/spec.ts'
import { isSchema } from './schema.ts'

/**
 * An old payload version for `upcast`, typed: `schema` reads the recorded payload, `transform` turns it
 * into input for the current schema. `meta` has the record's `seq`, `at` and `key`: use `meta.at` where
 * you would take a clock, and `meta.seq` where you would make an id.
 */
export function upcaster<S extends z.core.$ZodType, In>(
  schema: S,
  transform: (payload: z.output<S>, meta: Meta) => In,
): Upcaster<In> {
  return { schema, transform }
}

export function isUpcaster(value: unknown): value is Upcaster<unknown> {
  const { schema, transform } = Object(value) as Partial<Upcaster<unknown>>
  return isSchema(schema) && typeof transform === 'function'
}
