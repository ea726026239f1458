// The lines of a state, in a snapshot's file or below a journal's header: written and read.

import { StoreError } from '../../../errors.ts'
import type { OpenFile } from '../../../port/file-system.ts'
import type { Snapshot } from '../../../port/snapshots.ts'
import { digestSteps } from '../../../snapshot/digest.ts'
import { LINE_CHARACTERS } from '../../../snapshot/measure.ts'
import { Assembly, partsOf } from '../../../snapshot/parts.ts'
import { writeAll } from '../disk/write.ts'
import { type Base, isSealed, MAX_LINE_BYTES, seal } from '../format/line.ts'
import { readLines } from '../format/scan.ts'

/** What the writing of a state gave: the digest is the state's own. */
export interface Body {
  readonly lines: number
  readonly bytes: number
  readonly digest: string
}

/** In slices, so that others come in between. Throws StoreError `invalid_state`, and as the disk does. */
export async function writeBody(
  file: OpenFile,
  position: number,
  snapshot: Snapshot,
  seed: number,
): Promise<Body> {
  const hashing = digestSteps(snapshot.state)
  let hashed = hashing.next()
  let [text, lines, bytes, characters] = ['', 0, 0, 0]
  const put = async () => {
    const slice = Buffer.from(text)
    characters += text.length
    text = ''
    await writeAll(file, slice, position + bytes)
    bytes += slice.length
  }
  for (const part of partsOf(snapshot)) {
    const line = seal(part, seed)
    assertLength(line)
    text += line
    lines += 1
    if (text.length < LINE_CHARACTERS) continue
    await put()
    // At the pace of the lines, so that there is no end at which all of it has to be done.
    while (!hashed.done && hashed.value < characters) hashed = hashing.next()
  }
  await put()
  while (!hashed.done) hashed = hashing.next()
  return { lines, bytes, digest: hashed.value }
}

/** Only a key as large as that makes a line as long. */
function assertLength(line: string): void {
  if (line.length * 3 <= MAX_LINE_BYTES || Buffer.byteLength(line) <= MAX_LINE_BYTES) return
  const what = `the state has a key that takes more than ${MAX_LINE_BYTES} bytes`
  throw new StoreError('invalid_state', `${what}: no snapshot can hold it`)
}

/** Where the lines of a state stand. */
export interface BodyPosition {
  readonly path: string
  readonly seed: number
  readonly offset: number
  /** The number of its first line. */
  readonly line: number
}

/** Throws StoreError `corrupt` at the first thing that is not what was written. */
export async function readBody(
  file: OpenFile,
  { path, seed, offset, line }: BodyPosition,
  { seq, at = '', lines, bytes }: Pick<Base, 'seq' | 'at' | 'lines' | 'bytes'>,
): Promise<Snapshot> {
  const assembly = new Assembly()
  let count = 0
  let end = offset
  const corrupt = (what: unknown) => {
    const at = { path, offset: end, line: line + count }
    const where = `${path}:${at.line} (byte ${end})`
    return new StoreError('corrupt', `${where}: the state at seq ${seq} is damaged: ${what}`, at)
  }
  for await (const chunk of readLines(file, offset, offset + bytes)) {
    for (const { bytes: raw, isEnded, isText } of chunk) {
      if (!isEnded || raw.length > MAX_LINE_BYTES || !isText || !isSealed(raw, seed))
        throw corrupt('its line does not fit its checksum')
      try {
        assembly.add(raw.toString())
      } catch (error) {
        throw corrupt(error)
      }
      end += raw.length + 1
      count += 1
    }
  }
  if (count !== lines || end !== offset + bytes)
    throw corrupt(`${count} of ${lines} lines are there`)
  try {
    return { seq, at, ...assembly.end() }
  } catch (error) {
    throw corrupt(error)
  }
}
