import { Rejection } from '../errors.ts'

/**
 * Refuse: `return reject('topic_exists', { name })`. It throws; the declared return type carries
 * code and details to the caller's types.
 */
export function reject<const Code extends string>(code: Code): Rejection<Code, undefined>
export function reject<const Code extends string, Details>(
  code: Code,
  details: Details,
): Rejection<Code, Details>
export function reject(code: string, details?: unknown): never {
  throw new Rejection(code, details)
}
