// The two ways to fail: an expected "no", and something broken.
import type { StoreErrorCode, StoreErrorOptions } from './types.ts'

/**
 * A rule, the schema (`invalid`) or `expectSeq` (`conflict`) said no; nothing was written.
 * `code` is stable, `details` is data for programs.
 */
export class Rejection<Code extends string = string, Details = unknown> extends Error {
  override readonly name = 'Rejection'
  readonly ok: false = false
  readonly code: Code
  readonly details: Details
  constructor(code: Code, details: Details, message: string = `refused: ${code}`) {
    super(message)
    this.code = code
    this.details = details
  }
}

/** The definition, the journal or the disk is broken. `code` says what, the rest where. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly seq?: number | undefined
  readonly path?: string | undefined
  readonly offset?: number | undefined
  readonly line?: number | undefined
  constructor(code: StoreErrorCode, message: string, { cause, ...where }: StoreErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.code = code
    Object.assign(this, where)
  }
}
