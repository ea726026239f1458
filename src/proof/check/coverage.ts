// What a journal exercises of its definition, and what it does not.

import type { CompiledDefinition } from '../../mutation/spec.ts'
import type { Decoded } from '../../record/record.ts'

/** How many records of a journal had what the definition declares; 0: it was never replayed. */
export interface Coverage {
  /** By name and payload version, retired ones included. */
  readonly mutations: readonly CoveredMutation[]
  readonly commands: readonly { readonly name: string; readonly records: number }[]
}

export interface CoveredMutation {
  readonly type: string
  readonly version: number
  readonly records: number
  readonly retired: boolean
}

export class Counts {
  readonly #definition: CompiledDefinition
  readonly #mutations = new Map<string, number>()
  readonly #commands: Map<string, number>

  constructor(definition: CompiledDefinition) {
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
