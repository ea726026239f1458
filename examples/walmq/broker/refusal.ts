// What the two planes throw, as the broker says it.
import { Rejection, StoreError, type StoreErrorCode } from 'ministore-ts'
import { BROKER_ERROR_CODES, BrokerError, type BrokerErrorCode } from './errors.ts'

/** Waits for it; what it throws becomes a BrokerError. */
export async function refusing<R>(promise: Promise<R>): Promise<R> {
  try {
    return await promise
  } catch (error) {
    throw asBrokerError(error)
  }
}

export function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error
  if (error instanceof Rejection) return fromRejection(error)
  if (error instanceof StoreError) {
    const { code, message, path } = error
    return new BrokerError(STORE_CODES[code] ?? 'internal', message, { path, cause: error })
  }
  const code = isSystemError(error) ? 'storage' : 'internal'
  const message = error instanceof Error ? error.message : String(error)
  return new BrokerError(code, message, { cause: error })
}

const STORE_CODES: { readonly [C in StoreErrorCode]?: BrokerErrorCode } = {
  locked: 'locked',
  corrupt: 'corrupt',
  foreign: 'corrupt',
  wrong_store: 'corrupt',
  newer_format: 'corrupt',
  too_large: 'too_large',
  io: 'storage',
  unknown: 'storage',
  closed: 'closed',
}

/** A rule of the metadata plane said no. */
function fromRejection({ code, details, message }: Rejection): BrokerError {
  if (code === 'invalid')
    return new BrokerError('invalid', issuesOf(details) ?? message, { details })
  // Some rules are only for what the broker itself gets wrong.
  return new BrokerError(isCode(code) ? code : 'internal', message, { details })
}

const isCode = (code: string): code is BrokerErrorCode =>
  BROKER_ERROR_CODES.some((known) => known === code)

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

export const describeIssues = (issues: readonly Issue[]): string =>
  issues.map(({ path, message }) => `${path.map(String).join('.') || 'it'}: ${message}`).join('; ')

function issuesOf(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('issues' in details)) return undefined
  return Array.isArray(details.issues) ? describeIssues(details.issues) : undefined
}

const isSystemError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
