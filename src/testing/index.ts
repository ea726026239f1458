export { AssertionError, type AssertionErrorOptions } from './assertion.ts'
export { type ContractCase, type JournalContractOptions, journalContract } from './contract.ts'
export type { JournalStorage } from './contract-case.ts'
export { testKeys } from './keys.ts'
export { type Random, random } from './random.ts'
export { type Given, type Scenarios, scenarios, type Then, type When } from './scenario.ts'
export {
  type Fault,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  simulatedDisk,
} from './simulated-disk.ts'
