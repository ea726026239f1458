// The writers of one journal take turns. They send no messages for that: all of them see the same records.
import { randomUUID } from 'node:crypto'
import type { EngineEntry } from './engine.ts'

/** Characters of an id that name its writer; the others are random. */
const PREFIX = 13
/** How often a writer that waits for its turn tries, in milliseconds. */
const POLL_MS = 4
/** The least and the most that a turn takes, in milliseconds. */
const TURN_MS = { least: 40, most: 100 }
/** After so many milliseconds a writer pauses, although it knows of no other one. */
const ALONE_MS = 250
/** A writer that has appended within so many milliseconds may want to append again. */
const ACTIVE_MS = 2_000
/** Of each batch that is read, at most so many of the last records say who is active. */
const MOST_SEEN = 256

/**
 * Compare-and-swap loops starve each other. The writer that was first knows the new head first, so it is first again,
 * and the failed attempts of the others slow it down. So a writer appends for a turn, and then pauses until another
 * one had time to append. Of the writers that wait, the one whose last record is the oldest tries often, the next one
 * a turn later, and so on: a round-robin. A writer that seldom appends never waits.
 *
 * This class decides only when a writer tries. The engine decides whether its append is the first.
 */
export class Turns {
  /** Of this writer: the first characters of the ids of its records. */
  readonly #own: string = randomUUID().slice(0, PREFIX)
  /** The others: the seq of the last record of each, and when this process saw it. */
  readonly #others = new Map<string, { seq: number; at: number }>()
  /** The seq of this writer's last record. */
  #seq = 0
  /** When its turn began. */
  #since = Number.NEGATIVE_INFINITY
  /** When its last append ended. */
  #last = Number.NEGATIVE_INFINITY
  /** How long its appends take, in milliseconds. */
  #cost = 0

  /** Returns an id for a new record. */
  newId(): string {
    return this.#own + randomUUID().slice(PREFIX)
  }

  /** Takes what was read from the journal. */
  saw(entries: readonly EngineEntry[]): void {
    const at = performance.now()
    for (const { id, seq } of entries.slice(-MOST_SEEN)) {
      const writer = id.slice(0, PREFIX)
      if (writer === this.#own) continue
      const other = this.#others.get(writer)
      if (!other) this.#others.set(writer, { seq, at })
      else if (seq > other.seq) Object.assign(other, { seq, at })
    }
  }

  /** Returns how long to wait before the next append, in milliseconds: 0 within a turn. */
  pause(): number {
    const now = performance.now()
    const gap = POLL_MS + 3 * this.#cost
    // A writer that was idle for so long has given way already.
    if (now - this.#last >= gap) {
      this.#since = now
      return 0
    }
    const limit = this.#active(now).length > 0 ? this.#turn(gap) : ALONE_MS
    if (now - this.#since < limit) return 0
    this.#since = now + gap
    return gap
  }

  /** Takes how many milliseconds an append took, and the seq of its last record. */
  took(seq: number, ms: number): void {
    this.#seq = seq
    this.#last = performance.now()
    this.#cost = this.#cost === 0 ? ms : 0.8 * this.#cost + 0.2 * ms
  }

  /**
   * Returns how long to wait after a conflict, in milliseconds. `attempt` counts the conflicts of the same append, from
   * 0. The first one is an accident: the other writer may have nothing more to append.
   */
  wait(attempt: number): number {
    this.#since = Number.NEGATIVE_INFINITY
    if (attempt === 0) return 0
    const before = this.#active(performance.now()).filter(({ seq }) => seq < this.#seq).length
    const turns = Math.min(before, attempt - 1)
    const ms = turns === 0 ? POLL_MS : turns * this.#turn(POLL_MS + 3 * this.#cost)
    return ms * (0.7 + 0.3 * Math.random())
  }

  #turn(gap: number): number {
    return Math.min(Math.max(6 * gap, TURN_MS.least), TURN_MS.most)
  }

  #active(now: number): readonly { readonly seq: number }[] {
    for (const [writer, { at }] of this.#others)
      if (now - at > ACTIVE_MS) this.#others.delete(writer)
    return [...this.#others.values()]
  }
}
