// Reads what the processes of a campaign asked, and were answered, and decides whether it is linearizable.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, type Verdict } from '../../linearizability/checker.ts'
import { type Event, operationsOf } from '../../linearizability/recorder.ts'
import { settled } from '../../linearizability/settled.ts'
import { sharedStore } from '../../linearizability/shared-store.ts'
import { renderWindow, smallestWindow } from '../../linearizability/window.ts'

export interface Decided {
  readonly operations: number
  /** How many of them have an unknown outcome. */
  readonly unknown: number
  readonly result: Verdict<unknown, unknown, unknown>['result']
  /** What the check took, in milliseconds. */
  readonly ms: number
  /** A sentence and a timeline, unless it is linearizable. */
  readonly why?: string
}

/** `directory`: a file for each process. */
export function decide(directory: string): Decided {
  const recorded = readdirSync(directory).flatMap((file) =>
    operationsOf(file.replace('.jsonl', ''), eventsIn(join(directory, file))),
  )
  const start = performance.now()
  const operations = settled(recorded)
  const verdict = check(sharedStore(operations), operations)
  const { result } = verdict
  const ms = Math.round(performance.now() - start)
  const unknown = recorded.filter(({ answer }) => answer === undefined).length
  const decided = { operations: recorded.length, unknown, result, ms }
  if (result === 'linearizable') return decided
  if (result === 'undecided')
    return { ...decided, why: 'the search for an order of the history took too long' }
  const window = smallestWindow(sharedStore, operations, verdict)
  const shown = renderWindow(sharedStore(operations), window)
  return { ...decided, why: `the history is not linearizable: ${shown}` }
}

/** A process that was killed may have left half a line. */
function eventsIn(path: string): Event[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}
