// One replica: a thread of its group's process. What its module does to this thread, it does to no other one.
import { parentPort, workerData } from 'node:worker_threads'
import { CallClock } from '../guest/call-clock.ts'
import type { GuestOptions } from '../guest/guest.ts'
import { Runner } from '../guest/runner.ts'

export interface WorkerData {
  readonly module: WebAssembly.Module
  readonly guest: GuestOptions
  readonly clock: SharedArrayBuffer
}

if (parentPort === null) throw new Error('it is a thread of a group process')
const port = parentPort
const { module, guest, clock }: WorkerData = workerData
const cell = new Int32Array(new SharedArrayBuffer(4))
const runner = new Runner(guest, {
  tell: (event) => port.postMessage(event),
  clock: new CallClock(clock),
  // Unlike a sleep of the system's, it ends with the thread.
  sleep: (ms) => void Atomics.wait(cell, 0, 0, ms),
})
port.on('message', () => runner.stop())
runner.begin(module)
