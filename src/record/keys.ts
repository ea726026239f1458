// Idempotency keys: what a request was answered with, in case it comes again.
import type { Decoded, Keys } from '../types.ts'
import { encodeBody } from './encode.ts'

export function remember(keys: Keys, { meta: { key, seq, at }, parts }: Decoded): void {
  const receipt = Object.freeze({ ok: true, seq, at, duplicate: true })
  if (key !== undefined) keys.set(key, { body: encodeBody(parts), receipt })
}
