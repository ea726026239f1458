// Decides whether a history is linearizable: whether each call can be given one moment between its start and its
// end, so that one process that made the calls in the order of these moments would have had the same answers.
//
// The search is that of J. Wing and C. Gong (Testing and Verifying Concurrent Objects, 1993), with G. Lowe's
// memoization and just-in-time linearization (Testing for Linearizability, 2016), on the linked list of starts and
// ends of A. Athalye's Porcupine. Two things are added. A call that only reads takes effect in the first state that
// explains its answer: to have it early never does harm. And calls of unknown outcome wait in a list of their own,
// and are tried last.
import type { Model, Operation } from './operation.ts'

export interface CheckOptions {
  /** The most attempts to let a call take effect. Default 50 million. */
  readonly limit?: number
}

export interface Verdict<S, C, A> {
  readonly result: 'linearizable' | 'not linearizable' | 'undecided'
  /** Attempts to let a call take effect. */
  readonly steps: number
  /** The longest order that was found, and the state at its end. Calls of unknown outcome that never happened are absent. */
  readonly order: readonly Operation<C, A>[]
  readonly state: S
  /** The latest end that the search reached but could not pass. */
  readonly obstacle: Operation<C, A> | undefined
}

const LIMIT = 50_000_000

export function check<S, C, A>(
  model: Model<S, C, A>,
  operations: readonly Operation<C, A>[],
  { limit = LIMIT }: CheckOptions = {},
): Verdict<S, C, A> {
  return new Search(model, operations, limit).run()
}

/**
 * Checks each part of a history on its own: a history is linearizable if and only if those of its objects are
 * (Herlihy and Wing, 1990). Returns the verdict of the first part that is not linearizable, or else of the largest.
 */
export function checkParts<S, C, A>(
  model: Model<S, C, A>,
  operations: readonly Operation<C, A>[],
  partOf: (call: C) => string,
  options?: CheckOptions,
): Verdict<S, C, A> {
  const parts = new Map<string, Operation<C, A>[]>()
  for (const operation of operations) {
    const name = partOf(operation.call)
    const part = parts.get(name) ?? []
    part.push(operation)
    parts.set(name, part)
  }
  const verdicts = [...parts.values()].map((part) => check(model, part, options))
  const worst = (result: Verdict<S, C, A>['result']) =>
    verdicts.find((verdict) => verdict.result === result)
  return (
    worst('not linearizable') ??
    worst('undecided') ??
    verdicts.toSorted((a, b) => b.order.length - a.order.length)[0] ??
    check(model, [], options)
  )
}

/** A start or an end in the list; of an unknown outcome, there is no end. */
interface Moment<C, A> {
  readonly operation: Operation<C, A>
  readonly time: number
  readonly isEnd: boolean
  readonly isRead: boolean
  end: Moment<C, A> | undefined
  previous: Head<C, A> | undefined
  next: Moment<C, A> | undefined
  /** Two random words: those of all calls that took effect, XORed, stand for their set (A. Zobrist, 1970). */
  readonly high: number
  readonly low: number
}

/** Where a list begins. */
interface Head<C, A> {
  next: Moment<C, A> | undefined
}

interface Choice<S, C, A> {
  readonly moment: Moment<C, A>
  readonly state: S
}

interface Order<C, A> {
  readonly operation: Operation<C, A>
  readonly before: Order<C, A> | undefined
}

/** What was tried in one state. */
interface Frame<S, C, A> {
  readonly state: S
  /** Calls that only read, and took effect in this state. */
  readonly reads: readonly Moment<C, A>[]
  readonly choices: readonly Choice<S, C, A>[]
  tried: number
}

class Search<S, C, A> {
  readonly #model: Model<S, C, A>
  readonly #limit: number
  readonly #certain: Head<C, A>
  readonly #unknown: Head<C, A>
  readonly #seen = new Set<string>()
  /** What took effect, the last one first. */
  #order: Order<C, A> | undefined
  #steps = 0
  /** Calls with an answer that have not taken effect. */
  #left: number
  #high = 0
  #low = 0
  #best: { order: Order<C, A> | undefined; left: number; state: S }
  #obstacle: Operation<C, A> | undefined

  constructor(model: Model<S, C, A>, operations: readonly Operation<C, A>[], limit: number) {
    this.#model = model
    this.#limit = limit
    const random = words()
    const [certain, unknown]: [Moment<C, A>[], Moment<C, A>[]] = [[], []]
    for (const operation of operations) {
      const { call, start, end, answer } = operation
      const common = { operation, end: undefined, previous: undefined, next: undefined }
      const isRead = answer !== undefined && (model.isRead?.(call, answer) ?? false)
      const word = { isRead, high: random(), low: random() }
      const first: Moment<C, A> = { ...common, ...word, time: start, isEnd: false }
      if (answer === undefined) unknown.push(first)
      else {
        first.end = { ...common, ...word, time: end, isEnd: true }
        certain.push(first, first.end)
      }
    }
    this.#certain = linked(certain)
    this.#unknown = linked(unknown)
    this.#left = certain.length / 2
    this.#best = { order: undefined, left: this.#left, state: model.initial }
  }

  run(): Verdict<S, C, A> {
    const stack: Frame<S, C, A>[] = [this.#expand(this.#model.initial)]
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      if (this.#left === 0) return this.#verdict('linearizable', frame.state)
      if (this.#steps > this.#limit) return this.#verdict('undecided', frame.state)
      const choice = frame.choices[frame.tried]
      if (choice === undefined) {
        for (const read of frame.reads.toReversed()) this.#restore(read)
        stack.pop()
        const before = stack.at(-1)
        const taken = before?.choices[before.tried++]
        if (taken) this.#restore(taken.moment)
        continue
      }
      this.#remove(choice.moment)
      if (this.#isNew(choice.state)) stack.push(this.#expand(choice.state))
      else {
        this.#restore(choice.moment)
        frame.tried += 1
      }
    }
    return this.#verdict('not linearizable', this.#best.state)
  }

  /** Lets each read take effect that fits, and finds the calls that may take effect next. */
  #expand(state: S): Frame<S, C, A> {
    const reads: Moment<C, A>[] = []
    const choices: Choice<S, C, A>[] = []
    let moment = this.#certain.next
    for (; moment !== undefined && !moment.isEnd; moment = moment.next) {
      const next = this.#step(state, moment.operation)
      if (next === undefined) continue
      if (moment.isRead) {
        this.#remove(moment)
        reads.push(moment)
      } else choices.push({ moment, state: next })
    }
    this.#note(state, moment?.operation)
    if (this.#left > 0 && (this.#model.admitsUnknown?.(state) ?? true))
      choices.push(...this.#guesses(state, moment?.time ?? Number.POSITIVE_INFINITY))
    return { state, reads, choices, tried: 0 }
  }

  /** Calls of unknown outcome that began before `time`, the last ones first: they are the likely ones. */
  #guesses(state: S, time: number): Choice<S, C, A>[] {
    const choices: Choice<S, C, A>[] = []
    for (let moment = this.#unknown.next; moment && moment.time <= time; moment = moment.next) {
      const next = this.#step(state, moment.operation)
      if (next !== undefined && next !== state) choices.push({ moment, state: next })
    }
    return choices.reverse()
  }

  #step(state: S, { call, answer }: Operation<C, A>): S | undefined {
    this.#steps += 1
    return this.#model.step(state, call, answer)
  }

  /** `obstacle`: the call that has to take effect before any later one can. */
  #note(state: S, obstacle: Operation<C, A> | undefined): void {
    if (obstacle && obstacle.end > (this.#obstacle?.end ?? Number.NEGATIVE_INFINITY))
      this.#obstacle = obstacle
    if (this.#left < this.#best.left) this.#best = { order: this.#order, left: this.#left, state }
  }

  #isNew(state: S): boolean {
    const key = `${this.#high} ${this.#low} ${this.#model.key(state)}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  #remove(moment: Moment<C, A>): void {
    if (moment.end) {
      unlink(moment.end)
      this.#left -= 1
    }
    unlink(moment)
    this.#high ^= moment.high
    this.#low ^= moment.low
    this.#order = { operation: moment.operation, before: this.#order }
  }

  /** The last one that was removed. */
  #restore(moment: Moment<C, A>): void {
    relink(moment)
    if (moment.end) {
      relink(moment.end)
      this.#left += 1
    }
    this.#high ^= moment.high
    this.#low ^= moment.low
    this.#order = this.#order?.before
  }

  #verdict(result: Verdict<S, C, A>['result'], state: S): Verdict<S, C, A> {
    const order: Operation<C, A>[] = []
    const last = result === 'linearizable' ? this.#order : this.#best.order
    for (let each = last; each !== undefined; each = each.before) order.push(each.operation)
    return { result, steps: this.#steps, order: order.reverse(), state, obstacle: this.#obstacle }
  }
}

/** By time; at the same time, starts come before ends, because such calls may overlap. */
function linked<C, A>(moments: Moment<C, A>[]): Head<C, A> {
  const head: Head<C, A> = { next: undefined }
  let last = head
  moments.sort((a, b) => a.time - b.time || Number(a.isEnd) - Number(b.isEnd))
  for (const moment of moments) {
    last.next = moment
    moment.previous = last
    last = moment
  }
  return head
}

function unlink<C, A>({ previous, next }: Moment<C, A>): void {
  if (previous) previous.next = next
  if (next) next.previous = previous
}

function relink<C, A>(moment: Moment<C, A>): void {
  const { previous, next } = moment
  if (previous) previous.next = moment
  if (next) next.previous = moment
}

/** SplitMix of 32 bits (G. Steele, D. Lea and C. Flood, 2014). The same words in each run. */
function words(): () => number {
  let state = 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return word ^ (word >>> 15)
  }
}
