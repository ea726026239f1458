// Schemas as values, and those for what comes from outside.
import { z } from 'zod'
import type { MutationSpec } from '../mutation/spec.ts'
import type { Within } from '../record/append.ts'
import type { DispatchOptions } from './open-store.ts'

/** By its mark, not instanceof: the user's zod may be another copy. */
export function isSchema(value: unknown): value is z.core.$ZodType {
  try {
    const { _zod } = value as Partial<z.core.$ZodType>
    return typeof _zod?.run === 'function'
  } catch {
    return false
  }
}

interface GivenDef extends z.core.$ZodTypeDef {
  readonly type: 'custom'
  readonly inner: z.core.$ZodType
}

/**
 * Accepts what `inner` accepts, and gives it back as it was given: a transform then runs once, in the
 * dispatch. Its JSON Schema is that of the inner schema's input.
 */
const Given = z.core.$constructor<z.core.$ZodType, GivenDef>('$MinistoreGiven', (schema, def) => {
  z.core.$ZodType.init(schema, def)
  const { inner } = def
  schema._zod.optin = schema._zod.optout = inner._zod.optin && 'optional'
  schema._zod.toJSONSchema = () => z.toJSONSchema(inner, { io: 'input', unrepresentable: 'any' })
  schema._zod.parse = (payload, context) => {
    const { value } = payload
    const given = (result: z.core.ParsePayload) => Object.assign(result, { value })
    const result = inner._zod.run(payload, context)
    return result instanceof Promise ? result.then(given) : given(result)
  }
})

/** The union over all that can be dispatched, for messages from outside. */
export function messageSchema(mutations: Iterable<MutationSpec>): z.core.$ZodType {
  const options = Array.from(mutations).flatMap(({ type, payload, retired }) =>
    retired ? [] : [z.object({ type: z.literal(type), payload: asGiven(payload) })],
  )
  return z.discriminatedUnion('type', options as unknown as [(typeof options)[number]])
}

const asGiven = (payload: z.core.$ZodType | undefined) =>
  payload ? new Given({ type: 'custom', inner: payload }) : z.undefined().optional()

const expectSeq = z.int().min(0).optional()
const key = z.string().min(1).max(1024).optional()
/** The definition's own schema checks it. */
const metadata = z.any().optional()
const within = z
  .custom<Within>((value) => typeof value === 'function', 'expected a function')
  .optional()

/** Strict: a mistyped name would be a guarantee that was asked for and not given. */
export const dispatchOptions: z.ZodType<DispatchOptions> = z.strictObject({
  expectSeq,
  key,
  metadata,
  within,
})
