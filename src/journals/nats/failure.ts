// What a failure means: whether it happened, and whether trying again is of any use.
import { StoreError } from '../../index.ts'

/** Why there is no connection, whichever journal asks for it. */
export class ConnectionFailure extends Error {
  readonly code: 'unavailable' | 'config' | 'closed'
  constructor(code: ConnectionFailure['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** By name, because a connection of the user's may come from another copy of the client, with classes of its own. */
export const isNamed = (error: unknown, name: ErrorName): error is Error =>
  error instanceof Error && error.name === name

type ErrorName =
  | 'TimeoutError'
  | 'RequestError'
  | 'NoResponders'
  | 'PermissionViolationError'
  | 'ClosedConnectionError'
  | 'UserAuthenticationExpiredError'
  | 'AuthorizationError'

/** JetStream's own answer: it was asked, and did not do it. */
export class Refusal extends Error {
  readonly code: number
  readonly status: number
  constructor({ err_code = 0, code = 0, description = 'no reason given' }: ApiError) {
    super(description)
    this.code = err_code
    this.status = code
  }
}

export interface ApiError {
  readonly err_code?: number
  readonly code?: number
  readonly description?: string
}

/** JetStream's codes, as in errors.json of the server. */
export const CODE = {
  messageTooLarge: 10054,
  headerTooLarge: 10097,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  messageNotFound: 10037,
  wrongLastSequence: 10071,
  /** The same, if the server cannot tell the sequence: another process's append is under way. */
  wrongLastSequenceUnknown: 10164,
  noSuitablePeers: 10005,
  replicasNotSupported: 10074,
  notEnabled: 10076,
  notEnabledForAccount: 10039,
  /** Its first messages went to a leader that is no more, or took too long. */
  incompleteBatch: 10176,
  storeFailed: 10077,
} as const

const CONFIG: readonly number[] = [
  CODE.replicasNotSupported,
  CODE.notEnabled,
  CODE.notEnabledForAccount,
]

const TLS_REFUSED =
  /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL)|does not support 'tls'/

/**
 * `sent`: an append had left when it failed, so unless someone answered that it was not done, no one
 * knows. Messages hold what the server or the socket said, and no option of the user's.
 */
export function failureOf(error: unknown, title: string, sent = false): StoreError {
  if (error instanceof StoreError) return error
  const say = (code: 'config' | 'unavailable' | 'unknown' | 'closed', what: string) =>
    new StoreError(code, `${title}: ${what}`, { path: title, cause: error })
  if (error instanceof ConnectionFailure) return say(error.code, error.message)
  const cause = reasonOf(error)
  if (cause instanceof Refusal) return refused(cause, title, sent)
  if (isNamed(cause, 'PermissionViolationError')) {
    const { operation, subject } = cause as { operation?: string; subject?: string }
    const what = operation === 'publish' ? 'publish to' : 'subscribe to'
    return say('config', `its user may not ${what} ${subject}: see docs/engines/nats.md`)
  }
  if (isAuthError(cause))
    return say('config', `the server refuses its credentials (${cause.message})`)
  const text = `${codeOf(cause)} ${cause instanceof Error ? cause.message : ''}`.trim()
  if (TLS_REFUSED.test(text)) return say('config', `no TLS connection: ${text}`)
  if (isNamed(cause, 'NoResponders'))
    return say('unavailable', 'no server answers: the stream has no leader for now')
  if (isNamed(cause, 'ClosedConnectionError')) return say('unavailable', 'not connected')
  if (!sent) return say('unavailable', text)
  return say('unknown', `${text}: whether the records were written is not known`)
}

function refused(refusal: Refusal, title: string, sent: boolean): StoreError {
  const { code, status, message } = refusal
  const say = (kind: 'config' | 'unavailable' | 'unknown' | 'too_large', what = message) =>
    new StoreError(kind, `${title}: ${what}`, { path: title, cause: refusal })
  if (code === CODE.messageTooLarge || code === CODE.headerTooLarge) return say('too_large')
  if (code === CODE.replicasNotSupported)
    return say(
      'config',
      `${message}: this server stands alone; pass replicas: 1 (?replicas=1 in a URL), or use a cluster`,
    )
  if (CONFIG.includes(code)) return say('config')
  // It may have failed half-way, such as the disk of one replica. Other refusals come before anything is done.
  if (sent && (code === CODE.storeFailed || status === 500)) return say('unknown')
  // 400: the request itself is wrong, today and tomorrow.
  const isTransient =
    status !== 400 || code === CODE.incompleteBatch || code === CODE.noSuitablePeers
  return say(isTransient ? 'unavailable' : 'config')
}

/** A server that was paused says that the client was too slow; that is not a fault of the credentials. */
const isAuthError = (error: unknown): error is Error =>
  isNamed(error, 'UserAuthenticationExpiredError') ||
  (isNamed(error, 'AuthorizationError') && !/timeout/i.test(error.message))

/** What a request failed with: the client wraps it. */
export const reasonOf = (error: unknown): unknown =>
  isNamed(error, 'RequestError') ? error.cause : error

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''
