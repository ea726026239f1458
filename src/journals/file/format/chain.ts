// The hash chain over the lines of a file.
import { StoreError } from '../../../errors.ts'
import { describeBreak, hashOf } from '../../chain/hash.ts'
import { lineHash, textOf } from './line.ts'
import type { RecordLine } from './scan.ts'

/**
 * Returns the hash of the record on this line. Throws StoreError `corrupt` if it does not continue the chain after
 * `previous`, the hash of the record before; undefined if that one was not read: then nothing is compared.
 */
export function continueChain(
  path: string,
  record: RecordLine,
  previous: string | undefined,
): string {
  const { bytes, seq, line, offset } = record
  const hash = lineHash(bytes)
  const isContinued = previous === undefined || hash === hashOf(previous, seq, textOf(record))
  if (hash !== undefined && isContinued) return hash
  const where = `${path}:${line} (byte ${offset}): record ${seq} fits its checksum, but ${describeBreak(hash)}`
  const next = 'The file was not changed; see docs/JOURNAL.md, "When opening refuses"'
  throw new StoreError('corrupt', `${where}. ${next}`, { path, seq, line, offset })
}
