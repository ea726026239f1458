// What went wrong, as a StoreError whose code says whether it happened and whether to try again.
import { StoreError, type StoreErrorCode } from '../../index.ts'

/** The result codes of sqlite3.h that have a meaning here. The low byte of an extended code is one of them. */
const RESULT = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  INTERRUPT: 9,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  TOOBIG: 18,
  CONSTRAINT: 19,
  NOTADB: 26,
} as const
/** The file at the path is not the one that is open. */
const READONLY_DBMOVED = 1032

type Result = keyof typeof RESULT

const CODES: Partial<Record<Result, StoreErrorCode>> = {
  BUSY: 'unavailable',
  LOCKED: 'unavailable',
  NOMEM: 'unavailable',
  INTERRUPT: 'unavailable',
  FULL: 'unavailable',
  PROTOCOL: 'unavailable',
  IOERR: 'io',
  CORRUPT: 'corrupt',
  CONSTRAINT: 'corrupt',
  NOTADB: 'foreign',
  TOOBIG: 'too_large',
}

const ADVICE: Partial<Record<Result, string>> = {
  BUSY: 'another process holds the lock of the database: end its transaction, then try again',
  FULL: 'the disk is full: free some space',
  IOERR: 'check the disk and its file system',
  READONLY:
    'give this process the right to write the file and its directory, or open with { readOnly: true }',
  CANTOPEN: 'check the path, and the rights to the file and its directory',
  CORRUPT: 'run "PRAGMA integrity_check", and restore a backup',
  CONSTRAINT: 'another program changed the tables: restore a backup',
  NOTADB: 'check the path',
}

/** `stage`: if the commit failed on the disk, its record may be in the file. */
export function failure(name: string, error: unknown, stage: 'work' | 'commit'): StoreError {
  if (error instanceof StoreError) return error
  const result = resultOf(error)
  const code = codeOf(error, result, stage)
  const said = error instanceof Error ? error.message : String(error)
  const advice =
    code === 'unknown'
      ? 'whether the record is durable is not known'
      : ((result && ADVICE[result]) ?? 'see docs/engines/sqlite.md')
  const label = result === undefined ? '' : ` (SQLITE_${result})`
  return new StoreError(code, `${name}: ${said}${label}; ${advice}`, { cause: error, path: name })
}

export const isBusy = (error: unknown): boolean => resultOf(error) === 'BUSY'

function codeOf(
  error: unknown,
  result: Result | undefined,
  stage: 'work' | 'commit',
): StoreErrorCode {
  if (isMoved(error)) return 'rewound'
  if (stage === 'commit' && result === 'IOERR') return 'unknown'
  return (result && CODES[result]) ?? 'config'
}

/** node:sqlite gives the number, better-sqlite3 the name of the extended code, such as SQLITE_IOERR_FSYNC. */
function resultOf(error: unknown): Result | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  const names = Object.keys(RESULT) as Result[]
  if (typeof errcode === 'number') return names.find((name) => RESULT[name] === (errcode & 0xff))
  const [, name] = /^SQLITE_([A-Z]+)/.exec(String(code)) ?? []
  return names.find((each) => each === name)
}

function isMoved(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === 'SQLITE_READONLY_DBMOVED' || errcode === READONLY_DBMOVED
}
