// Shows why a history is not linearizable: its shortest prefix that is not, and of it the calls at its end.
import { check, type Verdict } from './checker.ts'
import type { Model, Operation } from './operation.ts'

export interface Window<S, C, A> {
  /** The history up to here is not linearizable; up to any earlier end of a call, it is. */
  readonly end: number
  /** Calls without a moment, in the longest order of this prefix. */
  readonly stuck: readonly Operation<C, A>[]
  /** What took effect beside them, in this order. */
  readonly order: readonly Operation<C, A>[]
  /** After `order`. */
  readonly state: S
}

/** The most calls of the order that a report shows. */
const SHOWN = 12
/** Of the timeline, in characters. */
const WIDTH = 40

/** `modelOf`: the model of a history, in case it draws conclusions from the answers. */
export type ModelOf<S, C, A> = (operations: readonly Operation<C, A>[]) => Model<S, C, A>

/** What was known at `time`: a call that had not ended then has an unknown outcome, a later one is absent. */
export function historyUpTo<C, A>(
  operations: readonly Operation<C, A>[],
  time: number,
): Operation<C, A>[] {
  return operations
    .filter(({ start }) => start <= time)
    .map((operation) =>
      operation.end <= time
        ? operation
        : { ...operation, end: Number.POSITIVE_INFINITY, answer: undefined },
    )
}

/** Of a history that is not linearizable. `verdict`: its own. */
export function smallestWindow<S, C, A>(
  modelOf: ModelOf<S, C, A>,
  operations: readonly Operation<C, A>[],
  { obstacle }: Verdict<S, C, A>,
): Window<S, C, A> {
  const ends = operations
    .flatMap(({ answer, end }) => (answer === undefined ? [] : end))
    .sort((a, b) => a - b)
  const decide = (at: number) => {
    const prefix = historyUpTo(operations, ends[at] ?? 0)
    return { prefix, ...check(modelOf(prefix), prefix) }
  }
  // The search passed all that ends before the obstacle. What stopped it there may rest on later answers.
  let [low, high] = [Math.max(0, ends.indexOf(obstacle?.end ?? 0)), ends.length - 1]
  for (let next = low; low < high; next = Math.floor((low + high) / 2)) {
    if (decide(next).result === 'linearizable') low = next + 1
    else high = next
  }
  const { prefix, order, state } = decide(high)
  const taken = new Set(order)
  const stuck = prefix.filter((each) => each.answer !== undefined && !taken.has(each))
  return { end: ends[high] ?? 0, stuck, order, state }
}

/** The calls at the end of the window, as a timeline, and why the search cannot go on. Times count from the first one shown. */
export function renderWindow<S, C, A>(
  model: Model<S, C, A>,
  { end, stuck, order, state }: Window<S, C, A>,
): string {
  const from = Math.min(...stuck.map(({ start }) => start))
  const overlapping = order.filter((each) => each.end >= from)
  const shown = overlapping.slice(-SHOWN)
  const zero = Math.min(from, ...shown.map(({ start }) => start))
  const span = Math.max(end - zero, 1)
  const column = (time: number) =>
    Math.round(((Math.min(Math.max(time, zero), end) - zero) / span) * (WIDTH - 1))
  const line = (operation: Operation<C, A>, place: string) => {
    const { process, start, call, answer } = operation
    const [first, last] = [column(start), column(operation.end)]
    const isOpen = operation.end > end
    const bar = `${' '.repeat(first)}|${'-'.repeat(Math.max(0, last - first - 1))}${isOpen ? '>' : '|'}`
    const said = answer === undefined ? 'no answer yet' : model.describeAnswer(answer)
    return `  ${place.padStart(5)} ${process.padEnd(10)} ${bar.padEnd(WIDTH + 1)}  ${model.describeCall(call)} → ${said}`
  }
  const first = order.length - shown.length
  return [
    `${order.length} calls have an order, and then no call can come next. The last ones of the order:`,
    ...shown.map((each, at) => line(each, String(first + at + 1))),
    `The state after them: ${model.describeState(state)}.`,
    'No moment of these calls explains their answers:',
    ...stuck.map((each) => line(each, '?')),
  ].join('\n')
}
