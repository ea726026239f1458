// The first line of a snapshot's file: of which journal, of which record, of which definition.

import type { OpenFile } from '../../../port/file-system.ts'
import type { FileHeader } from '../format/header.ts'
import { isSealed, padded, seal, WIDEST } from '../format/line.ts'
import type { Body } from './body.ts'

const MAX_HEADER_BYTES = 2048

export interface SnapshotHeader extends Body {
  readonly format: 'ministore-snapshot'
  readonly version: 1
  /** The journal's uuid. */
  readonly journal: string
  readonly store: string
  /** The definition's fingerprint. */
  readonly definition: string
  /** What the journal had been compacted to; 0 if it had not. */
  readonly base: number
  readonly seq: number
  /** The time of record `seq`; empty if there is no record. */
  readonly at: string
  /** The offset of record `seq` in the journal, or of the first record if `seq` is 0. */
  readonly record: { readonly offset: number; readonly line: number }
}

/** As long as any: stands for the digest until that is known. */
export const NO_DIGEST: string = `sha256:${'0'.repeat(64)}`

/** As long as every other of the same journal and definition, whatever `lines` and `bytes` are. */
export const encodeSnapshotHeader = (header: SnapshotHeader, seed: number): Buffer =>
  Buffer.from(seal(padded(header, { ...header, ...WIDEST }), seed))

/** With its length in bytes; or why it is of no use for this journal. */
export async function readSnapshotHeader(
  file: OpenFile,
  { epoch, seed }: Pick<FileHeader, 'epoch' | 'seed'>,
): Promise<(SnapshotHeader & { readonly length: number }) | string> {
  const bytes = Buffer.alloc(MAX_HEADER_BYTES)
  const read = bytes.subarray(0, await file.read(bytes, 0))
  const line = read.subarray(0, Math.max(0, read.indexOf('\n')))
  const header = parse(line.toString())
  if (header?.format !== 'ministore-snapshot')
    return 'it is not a snapshot, or its header is damaged'
  if (Number(header.version) > 1)
    return `its format version ${header.version} needs a newer ministore`
  if (header.journal !== epoch) return 'it is of another journal'
  if (!isSealed(line, seed)) return 'its header does not fit its checksum'
  if (typeof header.at !== 'string') return 'an older version of ministore wrote it'
  // Every field is as it was written: the checksum says so.
  return { ...(header as SnapshotHeader), length: line.length + 1 }
}

function parse(text: string): Partial<SnapshotHeader> | undefined {
  try {
    return JSON.parse(text) ?? undefined
  } catch {
    return undefined
  }
}
