// Small objects that the literature on linearizability uses for its examples.
import type { Model } from './operation.ts'

export type RegisterCall =
  | { readonly what: 'read' }
  | { readonly what: 'write'; readonly value: number }
  | { readonly what: 'swap'; readonly from: number; readonly to: number }

/** What a read returned; whether a write or a compare-and-swap was done. */
export type RegisterAnswer = number | boolean

/** A number that is read, written, and compared and swapped: the example of Jepsen and of Porcupine. */
export const register: Model<number, RegisterCall, RegisterAnswer> = {
  initial: 0,
  step(value, call, answer) {
    if (call.what === 'read') return answer === undefined || answer === value ? value : undefined
    if (call.what === 'write') return call.value
    const isDone = call.from === value
    if (answer !== undefined && answer !== isDone) return undefined
    return isDone ? call.to : value
  },
  isRead: ({ what }, answer) => what === 'read' || answer === false,
  key: String,
  describeCall: (call) =>
    call.what === 'read'
      ? 'read'
      : call.what === 'write'
        ? `write ${call.value}`
        : `swap ${call.from} for ${call.to}`,
  describeAnswer: String,
  describeState: (value) => `the value is ${value}`,
}

export type QueueCall = { readonly put: string } | 'take'

/** A queue, first in, first out: the example of Herlihy and Wing. `take` answers with what it took. */
export const queue: Model<string, QueueCall, string> = {
  initial: '',
  step(items, call, answer) {
    if (call !== 'take') return items + call.put
    const first = items[0]
    if (first === undefined || (answer !== undefined && answer !== first)) return undefined
    return items.slice(1)
  },
  key: (items) => items,
  describeCall: (call) => (call === 'take' ? 'take' : `put ${call.put}`),
  describeAnswer: (answer) => answer,
  describeState: (items) => `the queue holds ${JSON.stringify(items)}`,
}
