// Run as a process of its own: `node … child.js <job as JSON>`. A writer asks for its operations until each
// has its answer; a reader follows. Both speak in JSON lines, and end loudly where something is wrong.
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Receipt, type Rejection, StoreError, type StoreOf } from 'ministore-ts'
import { digest } from 'ministore-ts/check'
import { type Engine, sharedJournal } from 'ministore-ts/shared'
import { Recorder } from '../../linearizability/recorder.ts'
import type { StoreCall } from '../../linearizability/shared-store.ts'
import { counted, withBug } from './bugs.ts'
import { keyOf, operation } from './operations.ts'
import { emptyTally, type Job, type Order, type Said, type Told } from './report.ts'
import { chaos } from './store.ts'

type Chaos = StoreOf<typeof chaos>

const job: Job = JSON.parse(process.argv[2] ?? '')
const { by, timeout } = job
const tally = emptyTally()
const say = (said: Said) => process.stdout.write(`${JSON.stringify(said)}\n`)

/** The clock is the same in all processes of a machine, and monotonic. */
const clock = () => Number(process.hrtime.bigint())
const history = openSync(join(job.histories, `${by}.${process.pid}.jsonl`), 'a', 0o600)
// Synchronous: what was asked is in the file when this process is killed.
const recorder = new Recorder(clock, (event) => writeSync(history, `${JSON.stringify(event)}\n`))

function fail(error: unknown): never {
  say({ what: 'tally', tally })
  const why = error instanceof StoreError ? `${error.code}: ${error.message}` : String(error)
  say({ what: 'failed', why })
  process.exit(1)
}

/** Loads the one client that it needs. */
async function bareEngine(): Promise<Engine> {
  const { servers, journal: name } = job
  if (job.engine === 'nats') {
    const { natsEngine } = await import('ministore-ts/nats')
    return natsEngine({ servers, name, timeout })
  }
  if (job.engine === 'sqlite') {
    const { sqliteEngine } = await import('ministore-ts/sqlite')
    return sqliteEngine({ file: servers[0] ?? '', name, timeout })
  }
  const { postgresEngine } = await import('ministore-ts/postgres')
  return postgresEngine({ connection: servers[0] ?? '', name, timeout })
}

async function open(): Promise<Chaos> {
  const real = counted(await bareEngine(), tally)
  const engine = job.bug ? withBug(real, job.bug) : real
  return persist(() => chaos.open(sharedJournal(engine, { timeout }), { onStop: fail }))
}

/** Again as long as the journal cannot be reached. */
async function persist<R>(run: () => Promise<R>): Promise<R> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      const isPassing = error instanceof StoreError && error.code === 'unavailable'
      if (!isPassing) throw error
      await sleep(50)
    }
  }
}

type Answer = Receipt | Rejection | 'unknown' | 'unavailable'

/** Throws what no writer should ever see. */
async function answerTo(asked: Promise<Receipt | Rejection>): Promise<Answer> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code !== 'unknown' && error.code !== 'unavailable') throw error
    tally[error.code] += 1
    return error.code
  }
}

type Mutations = Extract<ReturnType<typeof operation>, { mutations: unknown }>['mutations']

function dispatched(
  store: Chaos,
  mutations: Mutations,
  options: { key?: string; expectSeq?: number },
): Promise<Receipt | Rejection> {
  const call = { what: 'dispatch', mutations, ...options } as StoreCall
  return recorder.asked(call, () => store.dispatchAll(mutations, options).safe())
}

/** An operation until it has its one answer. */
async function perform(store: Chaos, n: number): Promise<Told> {
  const it = operation(by, n, job.keyless)
  const key = keyOf(by, n)
  let doubtful = n < job.begun
  if (it.how === 'once' && doubtful) return { what: 'abandoned', n }
  for (let conflicts = 0; ; ) {
    const expected = it.how === 'expecting' ? store.seq : undefined
    const options = {
      ...(it.how !== 'once' && { key }),
      ...(expected !== undefined && { expectSeq: expected }),
    }
    const answer = await answerTo(
      it.how === 'command'
        ? recorder.asked({ what: 'takeAny', by, n, names: it.names }, () =>
            store.execute('takeAny', { by, n, names: [...it.names] }).safe(),
          )
        : dispatched(store, it.mutations, options),
    )
    if (typeof answer === 'string') {
      if (answer === 'unknown') doubtful = true
      if (it.how === 'once' && doubtful) return look(store, n)
      if (it.how === 'once') return { what: 'refused', n, code: answer }
      await sleep(20 + Math.random() * 80)
      continue
    }
    if (answer.ok) {
      if (answer.duplicate) tally.duplicates += 1
      const { seq, duplicate } = answer
      return { what: 'acknowledged', n, seq, ...(!duplicate && { expected }) }
    }
    if (answer.code === 'conflict' && conflicts++ < 5) continue
    if (answer.code === 'done') return { what: 'found', n }
    return { what: 'refused', n, code: answer.code }
  }
}

/** After something later has been acknowledged, what was in the air cannot arrive any more. */
async function look(store: Chaos, n: number): Promise<Told> {
  const fence = n + 0.5
  const note = { type: 'note', payload: { by, n: fence } } as const
  for (;;) {
    const answer = await answerTo(dispatched(store, [note], { key: keyOf(by, fence) }))
    if (typeof answer !== 'string' && answer.ok) break
    await sleep(20 + Math.random() * 80)
  }
  return { what: store.state.done[by]?.includes(n) ? 'found' : 'missing', n }
}

/** So many operations for each refresh. */
const READ_EVERY = 6

async function write(store: Chaos, hasEnded: () => boolean): Promise<void> {
  const reported = new Set(job.reported)
  let next = job.from
  const slot = async () => {
    while (!hasEnded()) {
      const n = next++
      if (reported.has(n)) continue
      if (n % READ_EVERY === 0) await persist(() => recorder.read(store))
      say(await perform(store, n))
      await sleep(job.pace * (0.5 + Math.random()))
    }
  }
  await Promise.all(Array.from({ length: job.slots }, slot))
}

/** Each seq once, in order. */
function watch(store: Chaos): void {
  let last = store.seq
  store.subscribe((_, __, [first]) => {
    last += 1
    if (first?.seq !== last) fail(`heard of seq ${first?.seq} where ${last} was next`)
  })
}

const store = await open().catch(fail)
if (job.role === 'reader') watch(store)
say({ what: 'opened', seq: store.seq })
const telling = setInterval(() => say({ what: 'tally', tally }), 250)
const lines = createInterface({ input: process.stdin })
// It does not outlive whoever started it.
lines.once('close', () => process.exit(2))
const orders = lines[Symbol.asyncIterator]()
const order = async () => JSON.parse((await orders.next()).value ?? 'null') as Order | null

let isEnding = false
const writing = job.role === 'writer' ? write(store, () => isEnding).catch(fail) : undefined
await order()
isEnding = true
await writing
say({ what: 'idle' })
const last = await order()
if (last?.order === 'digest') {
  // The reader does not ask: it has to hear of all.
  if (job.role === 'writer') await persist(() => recorder.read(store)).catch(fail)
  for (const until = Date.now() + 20_000; store.seq < last.seq; await sleep(10))
    if (Date.now() > until)
      fail(`heard of nothing behind seq ${store.seq}, but ${last.seq} is there`)
}
say({ what: 'tally', tally })
say({ what: 'digest', seq: store.seq, digest: await digest(store.state) })
clearInterval(telling)
await store.close()
lines.removeAllListeners('close')
process.stdin.destroy()
