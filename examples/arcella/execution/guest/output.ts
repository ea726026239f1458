// What a module writes, as lines: cut where they are too long, dropped and counted where they are too many.
import { Buffer } from 'node:buffer'
import type { Limits, LogLine } from '../types.ts'
import { Rate } from './rate.ts'

type Stream = LogLine['stream']
const NEWLINE = 10

export class Output {
  readonly #lineBytes: number
  readonly #rate: Rate
  readonly #emit: (stream: Stream, line: string) => void
  /** The lines that are not ended yet. */
  readonly #open = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  #dropped = 0

  constructor(
    { lineBytes, linesPerSecond }: Pick<Limits, 'lineBytes' | 'linesPerSecond'>,
    emit: (stream: Stream, line: string) => void,
  ) {
    this.#lineBytes = lineBytes
    this.#rate = new Rate(linesPerSecond)
    this.#emit = emit
  }

  write(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    let from = 0
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, from)
      this.#add(stream, bytes.subarray(from, newline < 0 ? bytes.length : newline))
      if (newline < 0) return
      this.#end(stream)
      from = newline + 1
    }
  }

  log(text: Buffer): void {
    this.#line('log', text)
  }

  /** After the last write. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const)
      if (this.#open[stream].length > 0) this.#end(stream)
    this.#tellDropped()
  }

  #add(stream: 'stdout' | 'stderr', part: Buffer): void {
    // One byte more than fits, so that it is seen to be too long.
    const room = this.#lineBytes + 1 - this.#open[stream].length
    if (part.length > 0 && room > 0)
      this.#open[stream] = Buffer.concat([this.#open[stream], part.subarray(0, room)])
  }

  #end(stream: 'stdout' | 'stderr'): void {
    this.#line(stream, this.#open[stream])
    this.#open[stream] = Buffer.alloc(0)
  }

  #line(stream: Stream, bytes: Buffer): void {
    if (!this.#rate.take()) {
      this.#dropped += 1
      return
    }
    this.#tellDropped()
    const isTooLong = bytes.length > this.#lineBytes
    const text = bytes.subarray(0, this.#lineBytes).toString()
    this.#emit(stream, isTooLong ? `${text}…` : text)
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return
    this.#emit('host', `${this.#dropped} lines were dropped: too many in a second`)
    this.#dropped = 0
  }
}
