// Records what a process asks of its store, and hears: each call is written before it is made, so that a process
// that is killed leaves a call without an answer.
import { type Receipt, type Rejection, StoreError } from 'ministore-ts'
import type { Shown, StoreAnswer, StoreCall, StoreOperation } from './shared-store.ts'

/** `at`: of a clock that all processes of the history share. `id`: of the call, in its process. */
export type Event =
  | { readonly id: number; readonly at: number; readonly call: StoreCall }
  | { readonly id: number; readonly at: number; readonly answer: StoreAnswer | 'unavailable' }

export class Recorder {
  readonly #clock: () => number
  readonly #write: (event: Event) => void
  #calls = 0

  constructor(clock: () => number, write: (event: Event) => void) {
    this.#clock = clock
    this.#write = write
  }

  /** Records a dispatch or a command; the result and the error are those of `run`. */
  async asked<R extends (Receipt & { readonly value?: unknown }) | Rejection>(
    call: StoreCall,
    run: () => Promise<R>,
  ): Promise<R> {
    return this.#recorded(call, run, (result) => {
      if (!result.ok) return { what: 'refused', code: result.code, details: result.details }
      const { seq, duplicate, value } = result
      return { what: 'done', seq, duplicate, ...(typeof value === 'string' && { value }) }
    })
  }

  /** Records a `refresh`. The state is the one that it resolved with. */
  async read(store: {
    readonly seq: number
    readonly state: Omit<Shown, 'seq'>
    refresh(): Promise<Omit<Shown, 'seq'>>
  }): Promise<void> {
    await this.#recorded({ what: 'refresh' }, store.refresh.bind(store), (state) => {
      const seq = store.state === state ? store.seq : undefined
      const { names, spent, trail } = state
      return { what: 'shown', state: { seq, names, spent, trail } }
    })
  }

  async #recorded<R>(
    call: StoreCall,
    run: () => Promise<R>,
    answerOf: (result: R) => StoreAnswer,
  ): Promise<R> {
    const id = this.#calls++
    this.#write({ id, at: this.#clock(), call })
    try {
      const result = await run()
      this.#write({ id, at: this.#clock(), answer: answerOf(result) })
      return result
    } catch (error) {
      const code = error instanceof StoreError ? error.code : undefined
      if (code === 'unavailable') this.#write({ id, at: this.#clock(), answer: code })
      if (code === 'key_reused')
        this.#write({ id, at: this.#clock(), answer: { what: 'refused', code } })
      throw error
    }
  }
}

/**
 * The calls of a process. A call without an answer may have taken effect, whatever it failed with; one that was
 * `unavailable` certainly did not, so that it is left out.
 */
export function operationsOf(process: string, events: readonly Event[]): StoreOperation[] {
  const calls = new Map<number, StoreOperation>()
  for (const event of events) {
    if ('call' in event) {
      const { at: start, call } = event
      calls.set(event.id, {
        process,
        call,
        start,
        end: Number.POSITIVE_INFINITY,
        answer: undefined,
      })
      continue
    }
    const begun = calls.get(event.id)
    if (event.answer === 'unavailable') calls.delete(event.id)
    else if (begun) calls.set(event.id, { ...begun, end: event.at, answer: event.answer })
  }
  return [...calls.values()]
}
