import { Rejection } from '../errors.ts'

/**
 * Refuse: `return reject('topic_exists', { name })`. It throws; the declared return type carries
 * code and details to the caller's types. `message` is for people; default: `refused: topic_exists`.
 */
export function reject<const Code extends string>(code: Code): Rejection<Code, undefined>
export function reject<const Code extends string, Details>(
  code: Code,
  details: Details,
  message?: string,
): Rejection<Code, Details>
export function reject(code: string, details?: unknown, message?: string): never {
  throw new Rejection(code, details, message)
}
