// What an open store reports of its work, to the observer that it was given and to the diagnostics channels.
import { Rejection, StoreError } from '../errors.ts'
import type { CompiledDefinition, Meta } from '../mutation/spec.ts'
import type { AppendResult, Journal, NewEntry } from '../port/journal.ts'
import type {
  CoreObserver,
  DispatchEvent,
  JournalObserver,
  Observer,
  StoreEvent,
} from '../port/observer.ts'
import type { CompactReceipt, SnapshotReceipt } from '../port/snapshots.ts'
import type { Receipt } from '../record/record.ts'
import { channels } from './channels.ts'
import { Watch } from './watch.ts'

type Name = StoreEvent['type']

/** An event without what all events have. */
type Report = StoreEvent extends infer E
  ? E extends StoreEvent
    ? Omit<E, 'store' | 'journal'>
    : never
  : never

export interface TelemetryOptions {
  readonly observer?: Observer | undefined
  /** The clock of the records, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

export class Telemetry implements CoreObserver, JournalObserver {
  /** Dispatches that wait to be durable. */
  countPending: () => number = () => 0
  /** Of the last records of other writers, in milliseconds. */
  lag: number | undefined
  readonly #definition: CompiledDefinition
  readonly #journal: string
  readonly #observer: Observer | undefined
  readonly #now: () => number

  constructor(
    definition: CompiledDefinition,
    { name }: Journal,
    { observer, now = Date.now }: TelemetryOptions,
  ) {
    this.#definition = definition
    this.#journal = name
    this.#observer = observer
    this.#now = now
  }

  /** Asked before anything is measured. */
  listens(name: Name): boolean {
    return this.#observer !== undefined || channels[name].hasSubscribers
  }

  report(report: Report): void {
    const event = { ...report, store: this.#definition.name, journal: this.#journal } as StoreEvent
    try {
      this.#observer?.(event)
    } catch {
      // Observing must not change what is observed.
    }
    channels[event.type].publish(event)
  }

  /** One call of a method. `run` gets nothing to measure with unless somebody listens. */
  dispatch<R extends Receipt>(
    method: DispatchEvent['method'],
    command: string | undefined,
    run: (watch?: Watch) => Promise<R>,
  ): Promise<R> {
    return this.listens('dispatch') ? this.#dispatch(method, command, run) : run()
  }

  /** After an await, it is in the asynchronous context of its caller again. */
  async #dispatch<R extends Receipt>(
    method: DispatchEvent['method'],
    command: string | undefined,
    run: (watch?: Watch) => Promise<R>,
  ): Promise<R> {
    const watch = new Watch()
    const report = (answer: Pick<DispatchEvent, 'outcome' | 'code' | 'seq'>) => {
      const { mutations, decisions, metadata } = watch
      const traceparent = metadata?.['traceparent']
      const now = performance.now()
      this.report({
        ...{ type: 'dispatch', method, mutations, ...answer },
        ...(command !== undefined && this.#definition.commands.includes(command) && { command }),
        ...{ duration: now - watch.begin, check: watch.checking, draft: watch.drafting },
        ...(answer.outcome === 'committed' && { append: now - watch.last }),
        decisions,
        ...(typeof traceparent === 'string' && { traceparent }),
      })
    }
    try {
      const receipt = await run(watch)
      const written = watch.mutations.length > 0 ? 'committed' : 'unchanged'
      report({ outcome: receipt.duplicate ? 'duplicate' : written, seq: receipt.seq })
      return receipt
    } catch (error) {
      // A guard or a schema that refused is still being measured.
      watch.done()
      report(failureOf(error))
      throw error
    }
  }

  /** `duration`: of finding the beginning and replaying, in milliseconds. */
  opened(
    duration: number,
    { records, fallback }: { readonly records: number; readonly fallback?: string | undefined },
    snapshot: { readonly used: boolean; readonly seq?: number } | undefined,
  ): void {
    if (!this.listens('replay')) return
    const begin = snapshot?.seq === undefined ? {} : { snapshot: snapshot.seq }
    const isSlow = fallback !== undefined
    this.report({ type: 'replay', records, duration, fallback: isSlow, ...begin })
  }

  append(journal: Journal, batch: readonly NewEntry[], expected: number): Promise<AppendResult> {
    return batch.length > 0 && this.listens('append')
      ? this.#append(journal, batch, expected)
      : journal.append(batch, expected)
  }

  async #append(
    journal: Journal,
    batch: readonly NewEntry[],
    expected: number,
  ): Promise<AppendResult> {
    const begin = performance.now()
    const measured = () => ({
      ...({ type: 'append', records: batch.length, pending: this.countPending() } as const),
      duration: performance.now() - begin,
    })
    try {
      const result = await journal.append(batch, expected)
      if (result.ok) {
        const { syncDuration: sync } = journal
        this.report({
          ...measured(),
          records: result.seq - expected,
          outcome: 'durable',
          ...(sync !== undefined && { sync }),
        })
      } else this.report({ ...measured(), outcome: result.withdrawn ? 'withdrawn' : 'conflict' })
      return result
    } catch (error) {
      this.report({ ...measured(), outcome: 'failed', ...codeOf(error) })
      throw error
    }
  }

  followed(theirs: readonly { readonly meta: Meta }[], decidedAgain: number): void {
    const last = theirs.at(-1)?.meta
    if (!last) return
    this.lag = Math.max(0, this.#now() - Date.parse(last.at))
    if (!this.listens('follow')) return
    const records = theirs.length
    this.report({ type: 'follow', records, seq: last.seq, lag: this.lag, decidedAgain })
  }

  reconnected(attempts: number, duration: number): void {
    this.report({ type: 'reconnect', attempts, duration })
  }

  async keep<R extends SnapshotReceipt | CompactReceipt>(
    type: 'snapshot' | 'compaction',
    run: () => Promise<R>,
  ): Promise<R> {
    const begin = performance.now()
    try {
      const receipt = await run()
      const { seq, bytes } = receipt
      const size = 'before' in receipt ? { before: receipt.before } : {}
      const duration = performance.now() - begin
      this.report({ ...{ type, outcome: 'written', seq, bytes, duration }, ...size })
      return receipt
    } catch (error) {
      const duration = performance.now() - begin
      this.report({ type, outcome: 'failed', duration, ...codeOf(error) })
      throw error
    }
  }
}

function codeOf(error: unknown): { readonly code?: string } {
  return error instanceof Rejection || error instanceof StoreError ? { code: error.code } : {}
}

function failureOf(error: unknown): Pick<DispatchEvent, 'outcome' | 'code'> {
  if (error instanceof Rejection) return { outcome: 'rejected', code: error.code }
  const isUnknown = error instanceof StoreError && error.code === 'unknown'
  return { outcome: isUnknown ? 'unknown' : 'failed', ...codeOf(error) }
}
