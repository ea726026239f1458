import type { Limits } from './types.ts'

export const LIMITS: Limits = {
  memoryMb: 512,
  startMs: 30_000,
  timeoutMs: 5000,
  tickMs: 100,
  fuelPerMs: 1_000_000,
  backOffMs: 200,
  backOffMaxMs: 30_000,
  restarts: 5,
  stableMs: 60_000,
  lineBytes: 4096,
  linesPerSecond: 500,
  publishBytes: 65_536,
  publishesPerSecond: 100,
}
