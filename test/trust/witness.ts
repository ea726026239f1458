// What a journal must hold after whatever happened to its writers, and a look at whether it does.
import { existsSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { StoreOf, TornTail } from 'ministore-ts'
import { bank, type Said, type Step } from './children/bank.ts'
import { BrokenPromise } from './world.ts'

/** What an opening showed. */
export interface Sight {
  readonly records: number
  readonly found: TornTail | undefined
  /** Records that are there although nobody was told. */
  readonly untold: number
  /** Keyed dispatches that were sent again and answered as duplicates. */
  readonly duplicates: number
}

type Balances = Record<string, number>

/** Follows one journal through the lives of its writers. */
export class Witness {
  readonly #path: string
  /** By seq - 1: what was recovered. From the first opening that showed it on, it must stay. */
  readonly #recovered: Step[] = []
  /** What the last writer was to dispatch, in order: some prefix of it was written. */
  #submitted: readonly Step[] = []
  /** Ids that were acknowledged, with their seqs; and those that certainly were not written. */
  readonly #acknowledged = new Map<number, number>()
  readonly #absent = new Set<number>()
  readonly #keyed = new Map<number, Step>()
  /** As far as it was compared: its bytes, and the fold of its payloads. */
  #bytes = Buffer.alloc(0)
  #compared = 0
  readonly #state = { balances: {} as Balances, memoLength: 0 }

  constructor(path: string) {
    this.#path = path
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** What was sent with a key and never answered: its sender may send it again. */
  get unanswered(): readonly Step[] {
    return [...this.#keyed.values()].filter(({ id }) => !this.#acknowledged.has(id))
  }

  /** A writer has ended; `steps` was its job, and `said` what it said of it. */
  hear(steps: readonly Step[], said: readonly Said[]): void {
    for (const word of said) {
      if (word.what === 'opened') {
        this.#settle(word.seq)
        this.#submit(steps)
      }
      if (word.what === 'acknowledged') this.#acknowledged.set(word.id, word.seq)
      if (word.what === 'failed' && word.code === 'io') this.#absent.add(word.id)
      if (word.what === 'not opened' && word.code !== 'io') broken(`not opened: ${word.message}`)
    }
  }

  /**
   * Opens the journal as any user would, compares everything and closes it again.
   * Throws BrokenPromise.
   */
  async look(): Promise<Sight> {
    const store = await bank.open(this.#path).catch((error) => broken(`not opened: ${error}`))
    try {
      this.#settle(store.seq)
      this.#compare()
      const { balances, memoLength } = store.state
      if (!isDeepStrictEqual({ balances, memoLength }, this.#state))
        broken(`the state is ${describe(store.state)}, its records give ${describe(this.#state)}`)
      const duplicates = await this.#sendAgain(store)
      const { found } = store.recovery
      return { records: store.seq, found, untold: store.seq - this.#acknowledged.size, duplicates }
    } finally {
      await store.close()
    }
  }

  #submit(steps: readonly Step[]): void {
    const there = new Set(this.#recovered.map(({ id }) => id))
    this.#submitted = steps.filter(({ id }) => !there.has(id))
    for (const step of steps) {
      this.#absent.delete(step.id)
      if (step.key !== undefined) this.#keyed.set(step.id, step)
    }
  }

  /** A store that opened with `seq` records showed how much of the last writer's was written. */
  #settle(seq: number): void {
    const known = this.#recovered.length
    const written = this.#submitted.slice(0, Math.max(0, seq - known))
    if (seq !== known + written.length)
      broken(`${seq} records: ${known} were there and ${this.#submitted.length} could follow`)
    this.#recovered.push(...written)
    this.#submitted = []
    for (const { id } of written)
      if (this.#absent.has(id)) broken(`${id} failed with io, and is there`)
    for (const [id, at] of this.#acknowledged) {
      const there = this.#recovered[at - 1]?.id
      if (there !== id)
        broken(`${id} was acknowledged as record ${at}; there is ${there ?? 'none'}`)
    }
  }

  /** The file's own lines, read without any of the code under test. */
  #compare(): void {
    const bytes = existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0)
    if (!bytes.subarray(0, this.#bytes.length).equals(this.#bytes))
      broken('bytes that were there have changed')
    const lines = bytes.toString('utf8', this.#bytes.length).split('\n')
    if (lines.pop() !== '') broken('the last line has no end')
    if (this.#bytes.length === 0) lines.shift()
    this.#bytes = bytes
    for (const line of lines) {
      const { seq, key, type, payload, batch } = JSON.parse(line)
      const step = this.#recovered[this.#compared]
      this.#compared += 1
      const mutations = batch ?? [{ type, payload }]
      const isAsSubmitted =
        seq === this.#compared &&
        step !== undefined &&
        step.key === key &&
        isDeepStrictEqual(mutations, step.mutations)
      if (!isAsSubmitted) broken(`line ${line.slice(0, 300)} was not submitted like this`)
      this.#fold(mutations)
    }
    if (this.#compared !== this.#recovered.length)
      broken(`${this.#recovered.length} records were shown, ${this.#compared} are in the file`)
  }

  #fold(mutations: Step['mutations']): void {
    const { balances } = this.#state
    for (const { type, payload } of mutations) {
      if (type === 'deposit') {
        balances[payload.account] = (balances[payload.account] ?? 0) + payload.cents
        this.#state.memoLength += payload.memo.length
      } else {
        delete balances[payload.account]
      }
    }
  }

  /** Whoever was not answered sends it again: with its key, nothing is written twice. */
  async #sendAgain(store: StoreOf<typeof bank>): Promise<number> {
    let duplicates = 0
    for (const [index, { id, key, mutations }] of this.#recovered.entries()) {
      if (key === undefined) continue
      const receipt = await store
        .dispatchAll(mutations, { key })
        .catch((error) => broken(`${id} was sent again with its key: ${error}`))
      duplicates += 1
      if (!receipt.duplicate || receipt.seq !== index + 1)
        broken(`${id} was sent again with its key: ${describe(receipt)}, not record ${index + 1}`)
    }
    return duplicates
  }
}

function broken(what: string): never {
  throw new BrokenPromise(what)
}

const describe = (value: unknown) => JSON.stringify(value).slice(0, 300)
