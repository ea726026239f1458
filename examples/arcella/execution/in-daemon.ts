// Main isolation: a trusted module on the daemon's own thread. What it throws harms no one; as long as one call
// lasts, the daemon does nothing else, and nothing can end it.
import { CallClock } from './guest/call-clock.ts'
import { loadModule } from './guest/load.ts'
import { Runner } from './guest/runner.ts'
import type { Launch } from './run.ts'

export const launchInDaemon: Launch = ({ module }, guest, hear) => {
  const clock = new CallClock()
  const runner = new Runner(guest, { tell: hear, clock, sleep: undefined })
  loadModule(module, guest.grants.memoryMb).then(
    (loaded) => runner.begin(loaded),
    (error) => runner.fail(error),
  )
  // Never while someone is asking for it.
  const soon = (action: () => void) => () => void setImmediate(action)
  return {
    pid: process.pid,
    stop: soon(() => runner.stop()),
    terminate: soon(() => runner.terminate()),
    kill: () => undefined,
  }
}
