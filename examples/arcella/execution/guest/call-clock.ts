// How long a module has been running in the call that is under way, and how long it may: written by the thread
// that runs it, read by another one, which can stop it. The module cannot reach it.

/** Microseconds: when it was entered, or 0; those of this call before; how many the call may take, or 0. */
const [ENTERED, BEFORE, LIMIT] = [0, 1, 2]
const now = (): bigint => process.hrtime.bigint() / 1000n

export class CallClock {
  readonly shared: SharedArrayBuffer
  readonly #cells: BigInt64Array

  constructor(shared = new SharedArrayBuffer(24)) {
    this.shared = shared
    this.#cells = new BigInt64Array(shared)
  }

  /** Restarts the time of a call. */
  enter(limitMs: number | undefined): void {
    Atomics.store(this.#cells, BEFORE, 0n)
    Atomics.store(this.#cells, LIMIT, BigInt(Math.ceil((limitMs ?? 0) * 1000)))
    Atomics.store(this.#cells, ENTERED, now())
  }

  leave(): void {
    Atomics.store(this.#cells, ENTERED, 0n)
  }

  /** What the module sleeps is not its running time. */
  pausing(action: () => void): void {
    const entered = Atomics.exchange(this.#cells, ENTERED, 0n)
    if (entered !== 0n) Atomics.add(this.#cells, BEFORE, now() - entered)
    action()
    if (entered !== 0n) Atomics.store(this.#cells, ENTERED, now())
  }

  /** The limit in milliseconds, where the call has taken longer. */
  get exceeded(): number | undefined {
    const [entered, limit] = [Atomics.load(this.#cells, ENTERED), Atomics.load(this.#cells, LIMIT)]
    if (entered === 0n || limit === 0n) return undefined
    const elapsed = now() - entered + Atomics.load(this.#cells, BEFORE)
    return elapsed > limit ? Number(limit) / 1000 : undefined
  }
}
