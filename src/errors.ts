// The two ways to fail: an expected "no", and something broken.
import type { RejectionJson, StoreErrorCode, StoreErrorJson, StoreErrorOptions } from './types.ts'

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

  /** Plain data, which also crosses `postMessage` and `structuredClone`; those lose an error's own fields. */
  toJSON(): RejectionJson<Code, Details> {
    const { ok, name, code, message, details } = this
    return { ok, name, code, message, details }
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

  /** Plain data, without the cause, which may be anything. */
  toJSON(): StoreErrorJson {
    const { name, code, message, seq, path, offset, line } = this
    const where = Object.entries({ seq, path, offset, line })
    return {
      name,
      code,
      message,
      ...Object.fromEntries(where.filter(([, at]) => at !== undefined)),
    }
  }
}

/** Whether it is an answer that rests on records: other records would give another answer. */
export const isRefusal = (error: unknown): error is Rejection | StoreError =>
  error instanceof Rejection || (error instanceof StoreError && error.code === 'key_reused')

/**
 * Makes `instanceof` know errors of another copy of this package too, and of another realm: by a mark
 * on their prototype. A subclass has only its own instances.
 */
function knowCopies(kind: Function, mark: symbol): void {
  Object.defineProperty(kind.prototype, mark, { value: true })
  Object.defineProperty(kind, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== kind) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && mark in value
    },
  })
}
knowCopies(Rejection, Symbol.for('ministore.rejection'))
knowCopies(StoreError, Symbol.for('ministore.store-error'))
