// The process of one group: it starts threads and passes on what they say. Nothing of a module runs on this
// thread, so it always sees when its parent is gone, and goes, too.
import { loadModule } from '../guest/load.ts'
import type { FromGroup, RunEvent, Start, ToGroup } from '../messages.ts'
import { Replica } from './replica.ts'

const WATCH_MS = 25

const replicas = new Map<number, Replica>()
/** Several replicas of one module are begun together: it is compiled once. */
const loading = new Map<string, Promise<WebAssembly.Module>>()

function tell(run: number, event: RunEvent): void {
  const message: FromGroup = { run, event }
  if (event.type !== 'log' && event.type !== 'publish' && event.type !== 'started')
    replicas.delete(run)
  if (process.connected) process.send?.(message)
}

function start({ run, module: file, guest }: Start): void {
  const key = `${file.sha256} ${guest.grants.memoryMb} ${file.path}`
  const module = loading.get(key) ?? loadModule(file, guest.grants.memoryMb)
  loading.set(key, module)
  const replica = new Replica(guest, (event) => tell(run, event))
  replicas.set(run, replica)
  module
    .then(
      (loaded) => replica.begin(loaded),
      (error) => replica.fail(error),
    )
    .finally(() => loading.delete(key))
}

function hear(message: ToGroup) {
  if (message.type === 'start') return start(message)
  const replica = replicas.get(message.run)
  if (message.type === 'stop') replica?.stop()
  else replica?.terminate()
}

/** At once, whatever the threads are doing: an orderly exit would wait for them. */
function leave(): void {
  process.kill(process.pid, 'SIGKILL')
}

process.on('disconnect', leave)
process.stdin.on('end', leave).on('error', leave).resume()
if (!process.connected) leave()
// From a terminal it reaches the daemon as well, which knows what to do.
process.on('SIGINT', () => undefined)
process.on('message', hear)
setInterval(() => {
  for (const replica of replicas.values()) replica.watch()
}, WATCH_MS)
