// What opening a journal reads: its records, from its snapshot's last one on if there is a snapshot.
import type { OpenFile } from '../../../port/file-system.ts'
import { continueChain } from '../format/chain.ts'
import type { FileHeader } from '../format/header.ts'
import type { Tail } from '../format/scan.ts'
import { SeekIndex } from '../format/seek-index.ts'
import { type SnapshotCandidate, scanBehind } from './opening.ts'

export interface Recovered extends Tail {
  /** Where the last group commit begins, in bytes. */
  readonly group: number
  readonly marks: SeekIndex
  /** Of the last record; undefined without a hash chain. */
  readonly hash: string | undefined
}

/** Runs the opening rule over the file, or over what comes after its snapshot. Throws StoreError `corrupt`. */
export async function recover(
  file: OpenFile,
  path: string,
  header: FileHeader,
  kept: SnapshotCandidate | undefined,
): Promise<Recovered> {
  const { begin, seed, base, chain } = header
  const marks = new SeekIndex(begin, kept?.from ?? begin)
  // Without a record, nothing proves that the header is durable: it may have been written in place.
  let group = kept?.header || begin.seq > 0 ? (kept?.from ?? begin).offset : 0
  // A snapshot's last record is read without the record before it.
  const isFirst = !kept || kept.from.seq === begin.seq
  let hash = isFirst ? (base?.hash ?? chain) : undefined
  const lines = scanBehind(file, { path, seed }, begin, kept)
  for (let next = await lines.next(); ; next = await lines.next()) {
    if (next.done) return { ...next.value, group, marks, hash }
    for (const record of next.value) {
      const { seq, b, offset, line } = record
      if (chain !== undefined) hash = continueChain(path, record, hash)
      marks.add({ seq: seq - 1, offset, line: line - 1 })
      if (b === 0) group = offset
    }
  }
}
