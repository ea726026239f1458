// One thing after the other, for each name.
export class Queues {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs when all that came before it under this name is done. */
  run<R>(name: string, run: () => Promise<R>): Promise<R> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(run)
    const done = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#last.get(name) === done) this.#last.delete(name)
      })
    this.#last.set(name, done)
    return result
  }
}
