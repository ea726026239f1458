// What callers may set, and what it is where they do not.
import { z } from 'zod'
import { BrokerError } from './errors.ts'
import { describeIssues } from './refusal.ts'
import type { BrokerOptions } from './types.ts'

/** The longest that setTimeout takes. */
const MAX_MS = 2 ** 31 - 1

export const subscribeOptions = z.object({
  group: z.string(),
  from: z.enum(['earliest', 'latest']).default('earliest'),
  maxInFlight: z.int().min(1).max(10_000).default(100),
  ackTimeoutMs: z.int().min(1).max(MAX_MS).default(30_000),
})

export const brokerOptions = z.object({
  retentionEveryMs: z.int().min(1).max(MAX_MS).nullable().default(30_000),
  compactEvery: z.int().min(1).default(50_000),
  now: z.custom<NonNullable<BrokerOptions['now']>>(isFunction).default(() => Date.now),
  onError: z.custom<NonNullable<BrokerOptions['onError']>>(isFunction).default(() => console.error),
})

/** Throws BrokerError `invalid`. */
export function parse<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new BrokerError('invalid', describeIssues(parsed.error.issues), {
    details: { issues: parsed.error.issues },
  })
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
