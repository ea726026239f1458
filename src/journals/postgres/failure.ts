// What went wrong, as a StoreError whose code says whether it happened and whether to try again.
import type { DatabaseError } from 'pg'
import { StoreError, type StoreErrorCode } from '../../index.ts'

/**
 * How far a statement got. `refused`: the server said no, so nothing of it happened. `sent`: FATAL, or
 * no answer at all, so it may have happened.
 */
export type Stage = 'connecting' | 'sent' | 'refused'

/** The code if the statement may have been executed. If it is safe to repeat, the code is `unavailable`. */
export type Lost = 'unknown' | 'unavailable'

/** Says what it is about, without secrets. */
export interface Site {
  readonly name: string
  /** Takes out what no one may read. */
  redact(text: string): string
}

/** By SQLSTATE: what to do. */
const ADVICE: Record<string, string> = {
  '28P01': 'check user and password',
  '28000': 'check user, password and pg_hba.conf',
  '3D000': 'create the database, or name another',
  '3F000': 'the role has no schema to work in: set its search_path',
  '42501': 'give the role the rights in docs/engines/postgres.md',
  '42P01': 'the tables are not there (any more): open the journal again, or set the search_path',
  '25006': 'the server only reads for now',
  '08P01': 'a pooler in statement mode takes no transactions, which within needs',
  '53100': "the server's disk is full: make room",
  '55P03': 'another session holds a lock: end it, or raise lock_timeout',
  '57014': 'a statement took too long or was canceled: look for locks, or raise statement_timeout',
  '53300': 'the server has no connection left: raise max_connections, or open fewer journals',
  '23505': 'there are records that the journal does not count: restore both tables together',
}
/** Trying again may help. Of 08, not a violation of the protocol. */
const PASSING = /^(08(?!P01)|40|53|55|57|58|25006|25P0|XX000)/
const DAMAGED = /^(XX001|XX002|23)/
/** In what TLS and the password exchange say before there is a server to ask. */
const MISFIT = /CERT|SSL|TLS|ALTNAME|SELF_SIGNED|UNABLE_TO_|SASL|SCRAM/

/** By its fields: the pool may come from another copy of `pg`. */
export const isFromServer = (error: unknown): error is DatabaseError =>
  error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(codeIn(error))

/** A pooler that lost the server says so, and may keep the client: it does not know what became of the statement. */
export const isLoss = ({ code }: DatabaseError): boolean => /^(08|57P0[12])/.test(code ?? '')

export function failure(site: Site, error: unknown, stage: Stage, lost: Lost): StoreError {
  const state = isFromServer(error) ? error.code : undefined
  const code = stage === 'sent' ? lost : codeOf(error, state)
  const said = site.redact(messageOf(error))
  const advice = (state && ADVICE[state]) ?? adviceFor(code)
  return new StoreError(code, `${site.name}: ${said}${state ? ` (${state})` : ''}; ${advice}`, {
    cause: witness(said, error),
    path: site.name,
  })
}

function codeOf(error: unknown, state: string | undefined): StoreErrorCode {
  if (state === undefined) return MISFIT.test(labelOf(error)) ? 'config' : 'unavailable'
  if (PASSING.test(state)) return 'unavailable'
  return DAMAGED.test(state) ? 'corrupt' : 'config'
}

function adviceFor(code: StoreErrorCode): string {
  if (code === 'unknown') return 'whether it happened is not known'
  if (code === 'unavailable') return 'try again'
  if (code === 'corrupt') return 'ask PostgreSQL’s log, and restore a backup'
  return 'see docs/engines/postgres.md'
}

/** For `cause`: the driver's own error may hold the connection, and a record's text. */
function witness(said: string, error: unknown): Error {
  const { code, severity, routine, syscall } = error as Partial<Record<string, unknown>>
  return Object.assign(new Error(said), code !== undefined && { code }, {
    ...(typeof severity === 'string' && { severity }),
    ...(typeof routine === 'string' && { routine }),
    ...(typeof syscall === 'string' && { syscall }),
  })
}

const labelOf = (error: unknown): string => `${codeIn(error)} ${messageOf(error)}`

function codeIn(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Several addresses that were tried make an error without a message. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ')
  return error.message || codeIn(error) || error.name
}
