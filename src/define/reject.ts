import { Rejection } from '../errors.ts'
import type { NothingIn } from './problem.ts'

/**
 * Refuse: `return reject('topic_exists', { name })`. It throws; the declared return type carries
 * code and details to the caller's types. `message` is for people; default: `refused: topic_exists`.
 */
export function reject<const Code extends string, Out = never>(
  code: Code,
): Rejection<Code, undefined> | NothingIn<Out>
export function reject<const Code extends string, Details, Out = never>(
  code: Code,
  details: Details,
  message?: string,
): Rejection<Code, Details> | NothingIn<Out>
export function reject(code: string, details?: unknown, message?: string): never {
  throw new Rejection(code, details, message)
}
