// What a journal exercises of its definition, and what it does not.
import type { Coverage, Decoded, Definition } from '../../types.ts'

export class Counts {
  readonly #definition: Definition
  readonly #mutations = new Map<string, number>()
  readonly #commands: Map<string, number>

  constructor(definition: Definition) {
    this.#definition = definition
    this.#commands = new Map(definition.commands.map((name) => [name, 0]))
  }

  add({ command = '', parts }: Decoded): void {
    const records = this.#commands.get(command)
    if (records !== undefined) this.#commands.set(command, records + 1)
    for (const { mutation, version = mutation.version } of parts) {
      const at = id(mutation.type, version)
      this.#mutations.set(at, (this.#mutations.get(at) ?? 0) + 1)
    }
  }

  /** In the order of the definition; a batch counts once for each of its mutations. */
  get coverage(): Coverage {
    return {
      mutations: [...this.#definition.mutations.values()].flatMap(
        ({ type, version: current, retired }) =>
          Array.from({ length: current }, (_, index) => {
            const version = index + 1
            const records = this.#mutations.get(id(type, version)) ?? 0
            return { type, version, records, retired }
          }),
      ),
      commands: [...this.#commands].map(([name, records]) => ({ name, records })),
    }
  }
}

const id = (type: string, version: number) => JSON.stringify([type, version])
