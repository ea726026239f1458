// Errors with the code of the system, as node:fs throws them.

/** Its message says in words what `code` says to programs. */
export const systemError = (code: string, what: string): Error =>
  Object.assign(new Error(`${code}: ${what}`), { code })

/** The code of the system, such as `ENOSPC`; undefined if it is another error. */
export const systemCode = (error: unknown): unknown =>
  (error as { code?: unknown } | undefined)?.code

export const isMissing = (error: unknown): boolean => systemCode(error) === 'ENOENT'
