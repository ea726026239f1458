// So many a second, and no more than one second's worth at once.
export class Rate {
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  take(): boolean {
    const now = performance.now()
    const gained = ((now - this.#at) / 1000) * this.#perSecond
    this.#at = now
    this.#left = Math.min(this.#perSecond, this.#left + gained)
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
