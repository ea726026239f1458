// npm run linearizability -- [calls]: how long the check takes for a history of the campaign's store, made by a
// model that takes each call at a moment of its own; with one answer that is wrong at its end; and with many calls of
// unknown outcome. With a directory that npm run chaos -- --histories has filled: of that history.
import { decide } from '../engines/chaos/history.ts'
import { operation } from '../engines/chaos/operations.ts'
import { check } from './checker.ts'
import { settled } from './settled.ts'
import {
  type StoreAnswer,
  type StoreCall,
  type StoreOperation,
  sharedStore,
} from './shared-store.ts'
import { randomOf } from './simulated.ts'

/**
 * By construction: each call is answered by the state at one moment between its start and its end. `again`: the part of
 * the calls with a key whose outcome is unknown, and which are asked again.
 */
function constructed(count: number, again = 0): StoreOperation[] {
  const random = randomOf(1)
  const model = sharedStore([])
  let state = model.initial
  const made: StoreOperation[] = []
  for (let at = 0; made.length < count; at++) {
    const by = `w${1 + (at % 3)}`
    const it = operation(by, at)
    const call: StoreCall =
      at % 7 === 0
        ? { what: 'refresh' }
        : 'names' in it
          ? { what: 'takeAny', by, n: at, names: it.names }
          : {
              what: 'dispatch',
              mutations: it.mutations,
              ...(it.how !== 'once' && { key: `${by}/${at}` }),
            }
    const time = at * 10
    const [start, end] = [time - random() * 120, time + random() * 120]
    const next = model.step(state, call, undefined)
    // A call that the state refuses would need the refusal's details.
    if (next === undefined) continue
    const answer: StoreAnswer =
      call.what === 'refresh'
        ? { what: 'shown', state: { ...state } }
        : { what: 'done', seq: next.seq, duplicate: false, ...takenBy(call, state, next) }
    const isUnknown = again === 0 && random() < 0.005
    const { seq } = next
    if (call.what === 'dispatch' && call.key !== undefined && random() < again) {
      made.push({ process: by, call, start, end: Number.POSITIVE_INFINITY, answer: undefined })
      const later = time + 130 + random() * 1_000
      const duplicate: StoreAnswer = { what: 'done', seq, duplicate: true }
      made.push({ process: by, call, start: later, end: later + 100, answer: duplicate })
      state = next
      continue
    }
    if (isUnknown && call.what !== 'refresh')
      made.push({ process: by, call, start, end: Number.POSITIVE_INFINITY, answer: undefined })
    else made.push({ process: by, call, start, end, answer })
    state = next
  }
  return made
}

type Names = { readonly names: Readonly<Record<string, string>> }
/** The name that a command took. */
function takenBy(call: StoreCall, before: Names, after: Names): { value?: string } {
  if (call.what !== 'takeAny') return {}
  const value = Object.keys(after.names).find((name) => before.names[name] === undefined)
  return value === undefined ? {} : { value }
}

function measure(what: string, history: readonly StoreOperation[]): void {
  const start = process.cpuUsage()
  const operations = settled(history)
  const { result, steps } = check(sharedStore(operations), operations)
  const seconds = (process.cpuUsage(start).user / 1e6).toFixed(1)
  const mib = Math.round(process.memoryUsage().rss / 2 ** 20)
  console.log(
    `${what}: ${history.length} calls, ${result}, ${steps} steps, ${seconds} s of a processor, ${mib} MiB`,
  )
}

function measureAll(calls: number): void {
  const history = constructed(calls)
  measure('as it was made', history)
  const last = history.findLast(({ answer }) => answer?.what === 'shown')
  const wrong = history.map((each) =>
    each === last && each.answer?.what === 'shown'
      ? { ...each, answer: { ...each.answer, state: { ...each.answer.state, spent: -1 } } }
      : each,
  )
  measure('with one wrong answer', wrong)
  measure('with a third of unknown outcome, asked again', constructed(calls, 0.5))
}

const [what = '100000'] = process.argv.slice(2)
if (/^\d+$/.test(what)) measureAll(Number(what))
else console.log(JSON.stringify(decide(what)))
