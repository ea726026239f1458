import type { GuestOptions } from './guest/guest.ts'
import type { RunEvent } from './messages.ts'
import type { InstanceSpec } from './types.ts'

/** One attempt of an instance, wherever it is. */
export interface Run {
  readonly pid: number
  /** Asks it to end. */
  stop(): void
  /** Ends it. */
  terminate(): void
  /** Ends everything around it, if it could not be ended. */
  kill(): void
}

/** Each attempt is told to `hear`; `exited`, `failed` and `stopped` are the last. Never before it returns. */
export type Launch = (
  instance: InstanceSpec,
  guest: GuestOptions,
  hear: (event: RunEvent) => void,
) => Run
