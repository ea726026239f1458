export { type Random, random } from './random.ts'
export {
  type Fault,
  type SimulatedDisk,
  type SimulatedDiskOptions,
  simulatedDisk,
} from './simulated-disk.ts'
