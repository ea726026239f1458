// Measures one dispatch. Only a dispatch that somebody observes has one.
import type { CompiledDefinition, Input, Metadata } from '../mutation/spec.ts'
import type { Stopwatch } from '../port/observer.ts'
import type { CommitOptions } from '../store/pending.ts'

export class Watch implements Stopwatch {
  readonly begin: number = performance.now()
  mutations: string[] = []
  decisions = 0
  metadata: Metadata | undefined
  /** Milliseconds, over all decisions. */
  checking = 0
  drafting = 0
  /** When the last phase ended. */
  last: number = this.begin
  #phase: 'check' | 'draft' | undefined

  /** Notes what the call asks for: a type that the definition does not have could be anything. */
  ask(given: readonly Input[], { mutations }: CompiledDefinition): void {
    this.mutations = given.flatMap(({ type }) => (mutations.has(type) ? [type] : []))
  }

  /** Measures the decisions on these options. */
  attach(options: CommitOptions): void {
    this.metadata = options.metadata?.value
    options.watch = this
  }

  decide(): void {
    this.done()
    this.decisions += 1
    this.mutations = []
  }

  check(type: string): void {
    this.#enter('check')
    this.mutations.push(type)
  }

  draft(): void {
    this.#enter('draft')
  }

  done(): void {
    this.#enter(undefined)
  }

  #enter(phase: 'check' | 'draft' | undefined): void {
    const now = performance.now()
    if (this.#phase === 'check') this.checking += now - this.last
    if (this.#phase === 'draft') this.drafting += now - this.last
    this.#phase = phase
    this.last = now
  }
}
