// A journal file as the verbs without a definition read it: no lock, nothing written, one chunk in
// memory at a time.

import { StoreError, type StoreErrorCode } from '../../errors.ts'
import { type FileHeader, readHeader } from '../../journals/file/format/header.ts'
import {
  type FilePosition,
  type RecordLine,
  scan,
  type Tail,
} from '../../journals/file/format/scan.ts'
import { nodeFileSystem } from '../../journals/file/index.ts'
import type { OpenFile } from '../../port/file-system.ts'
import type { Awaitable, TornTail } from '../../port/journal.ts'
import { answerWith } from '../terminal/exit.ts'
import type { Progress } from '../terminal/progress.ts'
import { counted, safe } from '../terminal/text.ts'
import { assertFile } from './source.ts'

export interface JournalFile {
  readonly path: string
  readonly file: OpenFile
  /** Undefined if a crash left none, or less than one. */
  readonly header: FileHeader | undefined
  /** Where its records begin: after the state of a compaction, if there was one. */
  readonly begin: FilePosition
}
export interface ReadOptions {
  readonly from?: FilePosition | undefined
  /** In bytes; default: as far as there is something when it gets there. */
  readonly until?: number | undefined
  readonly progress?: Progress | undefined
}
const NOWHERE: FilePosition = { seq: 0, offset: 0, line: 1 }

/** Given the records of a chunk; `stop` ends the reading. */
export type Take = (lines: readonly RecordLine[]) => Awaitable<'stop' | undefined | void>

/** Opens the journal for reading, and closes it afterwards. Throws StoreError as `readHeader` does. */
export async function withJournal<T>(
  path: string,
  use: (journal: JournalFile) => Promise<T>,
): Promise<T> {
  assertFile(path)
  const file = await openToRead(path)
  try {
    const header = await readHeader(file, path)
    return await use({ path, file, header, begin: header?.begin ?? NOWHERE })
  } finally {
    await file.close()
  }
}

async function openToRead(path: string): Promise<OpenFile> {
  try {
    return await nodeFileSystem().open(path, 'r')
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error
    throw new Error(`${path}: the file does not exist`, { cause: error })
  }
}

/**
 * Hands all records to `take`, and returns the rest of the file; undefined if it was stopped.
 * Throws StoreError `corrupt` at damage, after the records before it.
 */
export async function readRecords(
  { path, file, header, begin }: JournalFile,
  take: Take,
  { from = begin, until, progress }: ReadOptions = {},
): Promise<Tail | undefined> {
  const size = await file.size()
  if (!header) return { end: begin, found: { kind: 'torn_header', offset: 0, bytes: size } }
  const lines = scan(file, { path, seed: header.seed }, from, until)
  for (let next = await lines.next(); ; next = await lines.next()) {
    if (next.done) return next.value
    if ((await take(next.value)) === 'stop') return undefined
    progress?.report(next.value.at(-1)?.offset ?? 0, size)
  }
}

/** What was found, before anyone saved it. */
type Loose = Omit<TornTail, 'savedTo'>

/** Whether it was read, and is not, or not wholly, a journal that this version reads; or not the same any more. */
export const isDamage = (error: unknown): error is StoreError =>
  error instanceof StoreError && DAMAGE.includes(error.code)

const DAMAGE: readonly StoreErrorCode[] = ['corrupt', 'foreign', 'newer_format', 'rewound']

/** What a crash left after the last record, and what opening the journal does about it. */
export function describeTail(
  path: string,
  { seq, line: last }: FilePosition,
  found: Loose,
): string {
  const { kind, offset, bytes } = found
  const at = (line: number) => `${path}:${line} (byte ${offset})`
  const opening = 'Opening the journal, or "ministore-ts repair --write",'
  if (kind === 'lost_newline')
    return `${at(last)}: record ${seq} is whole and has no newline yet. ${opening} adds it`
  if (kind === 'torn_write')
    return `${at(last + 1)}: ${counted(bytes, 'byte')} of a write that was cut off or is under way, and was never acknowledged. ${opening} cuts them off and keeps them in ${path}.torn-${seq + 1}`
  if (bytes === 0) return `${at(1)}: the file is empty. Opening it makes it a journal`
  return `${at(1)}: ${counted(bytes, 'byte')} of a header that was cut off; there never was a record. Opening the journal keeps them in ${path}.torn-0 and creates the journal again`
}

/** Runs a verb that shows what is before damage: the damage is reported on standard error, exit code 1. */
export async function tellingDamage(verb: () => Promise<void>): Promise<void> {
  try {
    await verb()
  } catch (error) {
    if (!isDamage(error)) throw error
    console.error(describeDamage(error))
    answerWith(1)
  }
}

/** Damage as it is reported: what, where, and the next step; safe to print. */
export function describeDamage(error: StoreError): string {
  return `${safe(error.message)}\n  next: ${safe(nextStep(error))}`
}

export function nextStep({ code, path, seq = 1, offset }: StoreError): string {
  if (code === 'foreign') return 'check the path, or restore a backup of the journal'
  if (code === 'newer_format') return 'run the newer ministore'
  if (code === 'rewound') return 'read it again: it was replaced, or is shorter now'
  // Of no file.
  if (offset === undefined) return 'restore a backup of the journal'
  const whole =
    seq > 1
      ? `. ${counted(seq - 1, 'record')} before it can be read: npx ministore-ts log ${path} --until ${seq - 1}`
      : ''
  return `copy the file as it is, then restore a backup${whole}`
}
