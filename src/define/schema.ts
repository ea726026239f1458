// Schemas as values, and those for what comes from outside.
import { z } from 'zod'
import type { Declaration, DispatchOptions, ExecuteOptions } from '../types.ts'

/** By its mark, not instanceof: the user's zod may be another copy. */
export function isSchema(value: unknown): value is z.core.$ZodType {
  try {
    const { _zod } = value as Partial<z.core.$ZodType>
    return typeof _zod?.run === 'function'
  } catch {
    return false
  }
}

/** The union over all that can be dispatched, for messages from outside. */
export function messageSchema(mutations: Iterable<Declaration>): z.core.$ZodType {
  const options = Array.from(mutations).flatMap(({ type, payload, retired }) =>
    retired
      ? []
      : [z.object({ type: z.literal(type), payload: payload ?? z.undefined().optional() })],
  )
  return z.discriminatedUnion('type', options as unknown as [(typeof options)[number]])
}

const expectSeq = z.int().min(0).optional()
const key = z.string().min(1).max(1024).optional()

/** Strict: a mistyped name would be a guarantee that was asked for and not given. */
export const executeOptions: z.ZodType<ExecuteOptions> = z.strictObject({ expectSeq })
export const dispatchOptions: z.ZodType<DispatchOptions> = z.strictObject({ expectSeq, key })
