// One file of a partition: frames without gaps, from the offset in its name on.
import { join } from 'node:path'
import type { OpenFile } from 'ministore-ts/file'
import { readAll } from './disk.ts'
import { decodeFrame, type Frame, frameLength } from './frame.ts'
import type { SegmentInfo } from './types.ts'

const NAME = /^(\d{20})\.wal$/
/** Read at once; also how far two entries of the index are apart. */
const WINDOW_BYTES = 2 ** 16

export const segmentPath = (directory: string, base: number): string =>
  join(directory, `${String(base).padStart(20, '0')}.wal`)

/** Undefined if it is not a segment's name. */
export function baseOf(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** A frame and where it is, in bytes. */
export interface Placed {
  readonly frame: Frame
  readonly at: number
  /** The offset after it. */
  readonly end: number
}

/**
 * The frames of a file between two positions, as many at once as fit a window. It ends at `to`, or before
 * the first place where no whole frame is.
 */
export async function* scan(
  file: OpenFile,
  { from, to, seed }: { from: number; to: number; seed: number },
): AsyncGenerator<readonly Placed[], void> {
  let at = from
  let wanted = WINDOW_BYTES
  while (at < to) {
    const bytes = await readAll(file, at, Math.min(wanted, to - at))
    const placed = decodeAll(bytes, at, seed)
    const last = placed.at(-1)
    if (last) {
      yield placed
      at = last.end
      wanted = WINDOW_BYTES
    } else {
      const length = frameLength(bytes, 0)
      if (length === undefined || length <= bytes.length || at + length > to) return
      wanted = length
    }
  }
}

/** `at` is where the bytes begin in their file. */
function decodeAll(bytes: Buffer, at: number, seed: number): Placed[] {
  const placed: Placed[] = []
  for (let next = 0; ; ) {
    const frame = decodeFrame(bytes, next, seed)
    const end = next + (frameLength(bytes, next) ?? 0)
    if (!frame) return placed
    placed.push({ frame, at: at + next, end: at + end })
    next = end
  }
}

/** What is known of a file without reading it: how far it goes, and where to begin looking for an offset. */
export class Segment {
  readonly path: string
  readonly base: number
  end: number
  bytes = 0
  lastTs: number | undefined
  readonly #index: { readonly offset: number; readonly at: number }[] = []

  constructor(directory: string, base: number) {
    this.path = segmentPath(directory, base)
    this.base = base
    this.end = base
  }

  /** Of the frame that follows what is known so far. */
  add(ts: number, length: number): void {
    const last = this.#index.at(-1)
    if (!last || this.bytes - last.at >= WINDOW_BYTES)
      this.#index.push({ offset: this.end, at: this.bytes })
    this.end += 1
    this.bytes += length
    this.lastTs = ts
  }

  /** The last known place at or before `offset`. */
  before(offset: number): { readonly offset: number; readonly at: number } {
    let [low, high] = [0, this.#index.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#index[middle]?.offset ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return this.#index[low - 1] ?? { offset: this.base, at: 0 }
  }

  info(isClosed: boolean): SegmentInfo {
    const { path, base, end, bytes, lastTs } = this
    return { path, base, end, bytes, lastTs, isClosed }
  }
}
