// A process that writes, to be killed or to be given faults. Its job comes on standard input.
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { StoreError } from 'ministore-ts'
import { bank, type Job, type Said, type Step } from './bank.ts'

// A pipe is written at once, before anything else happens here.
const say = (said: Said) => void process.stdout.write(`${JSON.stringify(said)}\n`)

const job: Job = JSON.parse(readFileSync(0, 'utf8'))
const { path, steps, sync, durability, holds = false } = job
say({ what: 'ready' })
const store = await bank.open(path, { sync, durability }).catch((error: unknown) => {
  say({ what: 'not opened', ...broken(error) })
  process.exit()
})
say({ what: 'opened', seq: store.seq })

let joined: Promise<void>[] = []
for (const step of steps) {
  joined.push(take(step))
  // One turn later it is written, and its sync goes on.
  if (step.followed === 'in the air') await setImmediate()
  if (step.followed) continue
  await Promise.all(joined)
  joined = []
}
// Beside the flush that is in the air, where the last step was one that is followed.
say({ what: 'read', seq: store.seq, seqs: await readSeqs() })
await Promise.all(joined)
if (holds) setInterval(() => undefined, 2 ** 30)
else await store.close().then(() => say({ what: 'closed' }))

async function take({ id, ...step }: Step): Promise<void> {
  try {
    const { seq } = await dispatch(step)
    say({ what: 'acknowledged', id, seq })
  } catch (error) {
    say({ what: 'failed', id, ...broken(error) })
  }
}

function dispatch({ mutations, key }: Omit<Step, 'id'>) {
  const [first] = mutations
  if (!first || mutations.length > 1) return store.dispatchAll(mutations, { key })
  return first.type === 'deposit'
    ? store.dispatch('deposit', first.payload, { key })
    : store.dispatch('close', first.payload, { key })
}

async function readSeqs(): Promise<number[] | string> {
  const seqs: number[] = []
  try {
    for await (const { seq, part } of store.records()) if (part === 1) seqs.push(seq)
    return seqs
  } catch (error) {
    return broken(error).code
  }
}

/** Anything but a StoreError ends the process, and its parent sees that. */
function broken(error: unknown): { code: string; message: string } {
  if (!(error instanceof StoreError)) throw error
  const { code, message } = error
  return { code, message }
}
