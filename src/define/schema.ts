// Schemas about schemas: what fits a journal, what comes from outside.
import { z } from 'zod'
import type { Declaration, DispatchOptions, ExecuteOptions } from '../types.ts'

/** By its mark, not instanceof: the user's zod may be another copy. */
export const isSchema = (value: unknown): value is z.core.$ZodType =>
  typeof value === 'object' && value !== null && '_zod' in value

const NOT_JSON = 'bigint date file function map nan promise set symbol'.split(' ')

/** The first part of the schema's output that JSON cannot hold, as far as the schema tells. */
export function schemaIssue(schema: z.core.$ZodType, at: string): string | undefined {
  let issue: string | undefined
  z.toJSONSchema(schema, {
    unrepresentable: 'any',
    override({ zodSchema, path }) {
      const { type } = zodSchema._zod.def
      const keys = path.filter((key) => key !== 'properties')
      if (NOT_JSON.includes(type)) issue ??= `${[at, ...keys].join('.')} is a ${type}`
    },
  })
  return issue
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
