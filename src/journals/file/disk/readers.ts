// Counts the readers of a file that the journal has left. The last one closes it.
import type { OpenFile } from '../../../port/file-system.ts'

export class Readers {
  readonly #counts = new Map<OpenFile, number>()
  readonly #left = new Set<OpenFile>()

  add(file: OpenFile): void {
    this.#counts.set(file, (this.#counts.get(file) ?? 0) + 1)
  }

  async remove(file: OpenFile): Promise<void> {
    const count = (this.#counts.get(file) ?? 1) - 1
    if (count > 0) this.#counts.set(file, count)
    else this.#counts.delete(file)
    if (count === 0 && this.#left.delete(file)) await file.close()
  }

  /** At once, or when no one reads it any more. What goes wrong with it harms no one. */
  async close(file: OpenFile): Promise<void> {
    if (this.#counts.has(file)) this.#left.add(file)
    else await Promise.resolve(file.close()).catch(() => undefined)
  }
}
