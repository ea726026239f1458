// What every Journal keeps: a case for each sentence of the port, for any test runner to run.
import { type Cases, type JournalStorage, runCase } from './contract-case.ts'
import { crashCases } from './contract-crash.ts'
import { journalCases } from './contract-journal.ts'
import { exclusiveCases, sharedCases } from './contract-sharing.ts'
import { storeCases } from './contract-store.ts'

export interface JournalContractOptions {
  /** A new, empty storage: a path, a table, a stream that no other process has. Once for each case. */
  create(): JournalStorage | Promise<JournalStorage>
  /** Several Journal objects may be open on one storage. Default: a second one is refused with `locked`. */
  shared?: boolean | undefined
  /** The storages have a `crash`: what is acknowledged must survive it. */
  crashes?: boolean | undefined
}

export interface ContractCase {
  /** What it promises, as a sentence. */
  readonly name: string
  /** Rejects if the promise is broken, mostly with an AssertionError. */
  run(): Promise<void>
}

/**
 * `for (const { name, run } of journalContract({ create })) test(name, run)`. The cases are
 * independent of each other. One needs a few seconds at most, and some tens of megabytes.
 */
export function journalContract({
  create,
  shared = false,
  crashes = false,
}: JournalContractOptions): readonly ContractCase[] {
  const cases: Cases = {
    ...journalCases,
    ...(shared ? sharedCases : exclusiveCases),
    ...(crashes ? crashCases : {}),
    ...storeCases,
  }
  return Object.entries(cases).map(([name, test]) => ({ name, run: () => runCase(create, test) }))
}
