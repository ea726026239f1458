// What a snapshot beside a journal means for opening it: where to begin, and what has to be there.

import { StoreError } from '../../../errors.ts'
import type { FileSystem, OpenFile } from '../../../port/file-system.ts'
import type { JournalInfo, UnusedSnapshot } from '../../../port/journal.ts'
import { isMissing } from '../disk/system-error.ts'
import type { FileHeader } from '../format/header.ts'
import { type FilePosition, type RecordLine, scan, type Tail } from '../format/scan.ts'
import { readSnapshotHeader, type SnapshotHeader } from './header.ts'

export const snapshotPath = (journal: string): string => `${journal}.snapshot`

/** A snapshot that was found beside a journal. */
export interface SnapshotCandidate {
  readonly info: NonNullable<JournalInfo['snapshot']>
  /** Undefined if it says nothing about this journal. */
  readonly header?: SnapshotHeader & { readonly length: number }
  /** Where the records begin that opening reads: with the snapshot's last one, as a proof. */
  readonly from: FilePosition
}

/** Reads only its first line; undefined if the file does not exist. A damaged file does no harm. */
export async function findSnapshot(
  fs: FileSystem,
  journal: string,
  { epoch, seed, begin }: Pick<FileHeader, 'epoch' | 'seed' | 'begin'>,
): Promise<SnapshotCandidate | undefined> {
  const unused = (reason: string, more: Partial<SnapshotCandidate> = {}): SnapshotCandidate => {
    const info: UnusedSnapshot = { used: false, reason }
    return { info, from: begin, ...more }
  }
  let file: OpenFile | undefined
  try {
    file = await fs.open(snapshotPath(journal), 'r')
    const header = await readSnapshotHeader(file, { epoch, seed })
    if (typeof header === 'string') return unused(header)
    const { seq, base, definition, record } = header
    if (base !== begin.seq) return unused('the journal was compacted since', { header })
    const from =
      seq === base ? begin : { seq: seq - 1, offset: record.offset, line: record.line - 1 }
    return { info: { seq, definition }, header, from }
  } catch (error) {
    return isMissing(error) ? undefined : unused(`it cannot be read: ${error}`)
  } finally {
    await file?.close()
  }
}

/**
 * The opening rule, from the snapshot on if there is one. A snapshot is only ever taken of durable
 * records: where its last one is not in the journal, records are missing. Throws StoreError `corrupt`.
 */
export async function* scanBehind(
  file: OpenFile,
  place: { readonly path: string; readonly seed: number },
  begin: FilePosition,
  kept: SnapshotCandidate | undefined,
): AsyncGenerator<RecordLine[], Tail> {
  const { header, from = begin } = kept ?? {}
  let seq = from.seq
  const assertThere = (cause?: unknown) => {
    if (header && seq < header.seq) throw missing(place.path, header.seq, cause)
  }
  const lines = scan(file, place, from)
  for (;;) {
    const next = await lines.next().catch((error: unknown) => {
      if (error instanceof StoreError && from !== begin) assertThere(error)
      throw error
    })
    if (next.done) {
      assertThere()
      return next.value
    }
    seq = next.value.at(-1)?.seq ?? seq
    yield next.value
  }
}

function missing(path: string, seq: number, cause: unknown): StoreError {
  const snapshot = snapshotPath(path)
  const what = `${path} does not have record ${seq} where ${snapshot} proves that it was`
  const next = `Restore a backup of the journal; or, if an older one was put back on purpose, remove ${snapshot}`
  return new StoreError('corrupt', `${what}. The files were not changed. ${next}`, {
    seq,
    path,
    cause,
  })
}
