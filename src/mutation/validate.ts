// Step 1: input → checked, JSON-safe, canonical payload. The only place where zod runs.
import { z } from 'zod'
import { Rejection, StoreError } from '../errors.ts'
import { canonicalText, forbiddenKey, freeze, payloadIssue } from '../json/index.ts'
import { describe, isThenable, textOf } from './result.ts'
import type { Meta, Metadata, MutationSpec, PreparedMutation } from './spec.ts'
import { acceptsOwnOutput } from './stable.ts'

/** Without metadata, guards and commands see this. */
export const NO_METADATA: Metadata = Object.freeze({})

/**
 * Parses, asserts JSON and makes the canonical text. The payload is read back from that very text,
 * so that a reducer sees live what it will see on replay, and frozen, so that no one changes it.
 * Throws Rejection `invalid`; StoreError `check_failed`, `unstable_payload`.
 */
export function validatePayload(mutation: MutationSpec, input: unknown): PreparedMutation {
  const { type, payload: schema } = mutation
  const text = journalText(type, parseInput(type, schema, input))
  const payload = text === undefined ? undefined : freeze(JSON.parse(text))
  mutation.acceptsOwnOutput ??= !schema || acceptsOwnOutput(schema)
  if (!mutation.acceptsOwnOutput) {
    const again = () => journalText(type, parse(type, schema, payload))
    assertAccepted(`The payload schema of ${type}`, text, again)
  }
  return { mutation, payload, text: encodeMutation(mutation, text) }
}

/** The fields of a record that are the mutation's. */
export function encodeMutation(
  { type, version }: MutationSpec,
  payload: string | undefined,
): string {
  const v = version > 1 ? `,"v":${version}` : ''
  return `"type":${JSON.stringify(type)}${v}${payload === undefined ? '' : `,"payload":${payload}`}`
}

/**
 * Each value again: a schema that runs code may accept one output and not the next. `again` parses the output and
 * returns its text. Throws StoreError `unstable_payload`.
 */
export function assertAccepted(
  schema: string,
  text: string | undefined,
  again: () => string | undefined,
): void {
  let cause: unknown
  try {
    if (text === again()) return
  } catch (error) {
    cause = error
  }
  const what = `${schema} does not accept its own output unchanged.`
  const next = 'Transform the value before you dispatch it, and let the schema describe the result.'
  const message = `${what} The output is what the journal would hold: ${text}. ${next}`
  throw new StoreError('unstable_payload', message, { cause })
}

/** Runs the mutation's guard: live only, never on replay. Throws its Rejection, or StoreError `check_failed`. */
export function runGuard(
  { mutation, payload }: PreparedMutation,
  state: unknown,
  meta: Meta,
  metadata: Metadata = NO_METADATA,
): void {
  runUserCode(mutation.type, () => {
    const { guard } = mutation
    // `apply` gets `meta` itself, so that no state can depend on the metadata.
    const refused = guard?.(state, payload, Object.freeze({ ...meta, metadata }))
    if (refused === undefined) return
    if (refused instanceof Rejection) throw refused
    if (isThenable(refused)) throw new TypeError('guard() is asynchronous: decide before dispatch')
    throw new TypeError(
      `guard() returned ${describe(refused)}. Return nothing to allow it, or what reject() gives`,
    )
  })
}

/**
 * Parses what the user gave. Refuses keys that zod would leave out without a word, such as `__proto__`.
 * Throws as `validatePayload` does.
 */
export function parseInput(
  target: string,
  schema: z.core.$ZodType | undefined,
  input: unknown,
  what = 'payload',
): unknown {
  const issue = runUserCode(target, () => forbiddenKey(input))
  if (issue) throw invalid(target, [{ code: 'custom', ...issue }], what)
  return parse(target, schema, input, what)
}

/** Parses `input` for `target`; without a schema only `undefined` will do. Throws as `validatePayload` does. */
export function parse(
  target: string,
  schema: z.core.$ZodType | undefined,
  input: unknown,
  what = 'payload',
): unknown {
  return runUserCode(target, () => {
    const parsed = z.core.safeParse(schema ?? z.undefined(), input)
    if (parsed.success) return parsed.data
    // Zod makes the messages only here, with the user's code.
    throw invalid(target, parsed.error.issues, what)
  })
}

function journalText(target: string, value: unknown): string | undefined {
  const issue = runUserCode(target, () => (value === undefined ? undefined : payloadIssue(value)))
  if (issue) throw invalid(target, [{ code: 'custom', ...issue }])
  return canonicalText(value)
}

/** Runs the user's code: its Rejections pass, whatever else it throws becomes `check_failed`. */
export function runUserCode<T>(target: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof Rejection) throw cause
    if (isAsyncSchema(cause)) {
      const what = `The schema of ${target} is asynchronous, and a store parses at once.`
      const next = 'Use only synchronous refinements and transforms, and await before you dispatch.'
      throw new StoreError('check_failed', `${what} ${next}`, { cause })
    }
    throw new StoreError('check_failed', `checking ${target} threw: ${textOf(cause)}`, { cause })
  }
}

/** By its text, not instanceof: the user's zod may be another copy. It advises what no user of ours can do. */
const isAsyncSchema = (cause: unknown): boolean =>
  cause instanceof Error && cause.message.includes('parseAsync')

/** `what`: where the paths of the issues begin, for the message. */
export function invalid(
  target: string,
  issues: readonly z.core.$ZodIssue[],
  what = 'payload',
): Rejection {
  const told = issues.map(
    ({ path, message }) => `${[what, ...path.map(String)].join('.')}: ${message}`,
  )
  return new Rejection(
    'invalid',
    { target, issues: plain(issues) },
    `${target}: ${told.join('; ')}`,
  )
}

/** A rule of a bigint, a key of a Map or the user's `params` are in an issue as they are, and may be no JSON. */
function plain(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const named = (_: string, value: unknown) =>
    typeof value === 'bigint' || typeof value === 'symbol' ? String(value) : value
  try {
    return JSON.parse(JSON.stringify(issues, named))
  } catch {
    const least = issues.map(({ path, message }) => ({ code: 'custom', path, message }))
    return JSON.parse(JSON.stringify(least, named))
  }
}
