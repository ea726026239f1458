// Something to wait for that others ring. One waits at a time.

export class Bell {
  #ring = (): void => undefined

  /** Before one looks whether there is anything to do, so that no ring is missed. */
  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve
    })
  }

  ring(): void {
    this.#ring()
  }
}
