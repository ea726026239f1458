// secret(): the schema of a value that a journal holds in its sealed form only.
import { z } from 'zod'
import { StoreError } from '../errors.ts'
import { payloadIssue } from '../json/index.ts'
import type { Json } from '../json/json.ts'
import { toBase64url } from './base64url.ts'
import { isSealed, type SealedBox, type Secret, sealedShape } from './sealed.ts'

export interface SecretOptions<R> {
  /**
   * Whose secret it is. The name of a field: of the nearest object around the secret that has it, and it holds the
   * subject's id, a string of 1 to 256 characters or an integer. Or a function, which gets the whole payload, input or
   * metadata and returns the id. The id is journaled as it is, so it should name nobody: `user-7`, not an e-mail address.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the schema of a part does not know the type of the whole
  readonly subject: string | ((whole: any) => string | number)
  /** What revealing gives after the subject was forgotten. JSON; journaled with the secret, unencrypted. */
  readonly redacted: R
}

/** In a definition: the value is sealed before it is dispatched, and stays sealed. */
export type SecretSchema<Out, In> = z.ZodType<Secret<Out, In>, Secret<Out, In>>

export interface SecretDef extends z.core.$ZodObjectDef {
  readonly inner: z.core.$ZodType
  readonly subject: SecretOptions<Json>['subject']
  readonly redacted: Json
}

/** A secret that was found while its payload was parsed: it is encrypted afterwards. */
export interface FoundSecret {
  readonly def: SecretDef
  /** What the inner schema gave. */
  readonly plain: unknown
}

/** In the context of a parse that seals: what was found, by the key of the form that stands in for it. */
export const SEALING: unique symbol = Symbol.for('ministore.sealing')

type Context = z.core.ParseContextInternal & {
  readonly [SEALING]?: Map<string, FoundSecret> | undefined
}

const SecretObject = z.core.$constructor<z.core.$ZodType, SecretDef>(
  '$MinistoreSecret',
  (schema, def) => {
    z.ZodObject.init(schema as z.ZodObject, def as never)
    const parseSealed = schema._zod.parse
    schema._zod.parse = (payload, context: Context) => {
      const found = context[SEALING]
      if (found) return parsePlain(payload, context, def, found)
      if (isSealed(payload.value)) return parseSealed(payload, context)
      const message = 'is a secret: seal it before you dispatch it, with vault.seal(…)'
      // Without the input, which may be the plain text.
      payload.issues.push({ code: 'custom', message, input: undefined, inst: schema })
      return payload
    }
  },
)

/** Checks plain text, and puts a form in its place that rules of the payload may look at. */
function parsePlain(
  payload: z.core.ParsePayload,
  context: Context,
  def: SecretDef,
  found: Map<string, FoundSecret>,
): z.core.ParsePayload {
  const { value } = payload
  const inside: Context = { ...context, [SEALING]: undefined }
  const result = def.inner._zod.run({ value, issues: [] }, inside)
  if (result instanceof Promise) throw new z.core.$ZodAsyncError()
  const [issue] = result.issues.length > 0 ? [] : [payloadIssue(result.value)]
  if (issue) result.issues.push({ code: 'custom', ...issue, input: undefined })
  // A message that the user's code makes of the input would have the plain text.
  for (const each of result.issues) payload.issues.push({ ...each, input: undefined } as never)
  if (result.issues.length > 0) return payload
  const key = toBase64url(crypto.getRandomValues(new Uint8Array(16)))
  found.set(key, { def, plain: result.value })
  const standIn: SealedBox = {
    ...{ alg: 'A256GCM', key, iv: 'A'.repeat(16), data: 'A'.repeat(22) },
    ...{ subject: 'not sealed yet', redacted: def.redacted },
  }
  payload.value = { $secret: standIn }
  return payload
}

/**
 * A value that is encrypted with a key of its subject, kept outside of the journal. The schema accepts the sealed form
 * and nothing else, so plain text is never journaled; `vault.seal` makes it, and checks the plain text with `schema`.
 * Throws StoreError `bad_definition`.
 */
export function secret<S extends z.core.$ZodType, const R extends Json>(
  schema: S,
  { subject, redacted }: SecretOptions<R>,
): SecretSchema<z.output<S> | R, z.input<S>> {
  const isNamed = typeof subject === 'function' || (typeof subject === 'string' && subject !== '')
  if (!isNamed) throw bad('`subject` must be the name of a field, or a function that returns an id')
  const issue = payloadIssue(redacted)
  if (issue)
    throw bad(`\`redacted\` must be JSON: ${['it', ...issue.path].join('.')} ${issue.message}`)
  const { def } = z.strictObject(sealedShape as never)._zod
  return new SecretObject({
    ...def,
    shape: sealedShape,
    inner: schema,
    subject,
    redacted,
  } as never) as never
}

const bad = (problem: string) => new StoreError('bad_definition', `secret(…): ${problem}`)
