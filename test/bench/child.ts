// The works that run in processes of their own: node child.ts <work> <arguments as JSON>.
import { readFileSync } from 'node:fs'
import { memoryJournal } from 'ministore-ts'
import { durable } from './durable.ts'
import { readTexts } from './journals.ts'
import { median, run, timed } from './measure.ts'
import { fold, type Order, type OrdersState, order, orders, type Stored } from './orders.ts'
import { replaySqlite } from './peers/better-sqlite3.ts'
import { castoreReplay } from './peers/castore.ts'
import { emmettReplay } from './peers/emmett.ts'
import { Missing } from './peers/load.ts'

const works = {
  /** So many calls, one after another, or so many rounds of so many at once. */
  async append({ name, rounds, calls, directory }: AppendWork) {
    const contestant = durable.find((each) => each.name === name)
    if (!contestant) throw new Error(`there is no ${name}`)
    const runner = await contestant.start(directory)
    for (let round = 0; round < rounds; round++) {
      await run(runner, round * calls, calls, 'at once')
    }
    // Without closing it: what it would sync then is not of a call.
    return {}
  },

  /** JSON.parse of every line of a file that is in memory already; what comes of it is kept, or dropped. */
  async parse({ path, isKept }: { path: string; isKept: boolean }) {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
    const kept: unknown[] = []
    const time = await measured(() => {
      for (const line of lines) kept[isKept ? kept.length : 0] = JSON.parse(line)
    })
    return { ...time, values: kept.length }
  },

  async open({ path }: { path: string }) {
    let total = 0
    // Loaded when the first file is opened: how long that takes is not the question.
    await import('ministore-ts/file')
    const time = await measured(async () => {
      const store = await orders.open(path)
      const { fallback } = store.recovery
      if (fallback !== undefined) throw new Error(`not replayed in place: ${fallback}`)
      total = store.state.total
      await store.close()
    })
    return { ...time, total }
  },

  async sqlite({ path }: { path: string }) {
    let total = 0
    const time = await measured(() => {
      total = replaySqlite(path).total
    })
    return { ...time, total }
  },

  async emmett({ path }: { path: string }) {
    return replayOf(await emmettReplay(payloadsIn(path)))
  },

  async castore({ path }: { path: string }) {
    return replayOf(await castoreReplay(payloadsIn(path)))
  },

  /** The state alone, in a process that has loaded the same modules. */
  async hold({ live }: { live: number }) {
    const state: OrdersState = { orders: {}, total: 0 }
    for (let n = 0; n < live; n++) fold(state, order(n, live))
    return { orders: Object.keys(state.orders).length }
  },

  /** So many dispatches with a key each: needs --expose-gc. */
  async keys({ count, isKeyed }: { count: number; isKeyed: boolean }) {
    const store = await orders.open(memoryJournal())
    const key = (n: number) => (isKeyed ? { key: `request-${n}` } : {})
    for (let n = 0; n < 5000; n++) await store.dispatch('put', order(n))
    const before = heapBytes()
    const rounds: number[] = []
    const size = Math.ceil(count / 20)
    for (let first = 0; first < count; first += size) {
      const ms = await timed(async () => {
        for (let n = first; n < first + size; n++) await store.dispatch('put', order(n), key(n))
      })
      rounds.push((ms * 1000) / size)
    }
    const bytes = heapBytes() - before
    const repeated = await timed(async () => {
      for (let n = 0; n < 1000; n++) await store.dispatch('put', order(n), key(n))
    })
    return {
      bytes,
      firstUs: median(rounds.slice(1, 4)),
      lastUs: median(rounds.slice(-3)),
      repeatedUs: repeated,
    }
  },
}
export type Works = typeof works

interface AppendWork {
  readonly name: string
  readonly rounds: number
  /** In each round. */
  readonly calls: number
  readonly directory: string
}

/** Milliseconds: on the wall, and of all threads' processor time, which a busy machine harms less. */
async function measured(work: () => unknown): Promise<{ ms: number; cpuMs: number }> {
  const before = process.cpuUsage()
  const ms = await timed(work)
  const { user, system } = process.cpuUsage(before)
  return { ms, cpuMs: (user + system) / 1000 }
}

function heapBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const payloadsIn = (path: string): Order[] =>
  Array.from(readTexts(path), (text) => (JSON.parse(text) as Stored).payload)

async function replayOf(replay: () => Promise<OrdersState>) {
  let total = 0
  const time = await measured(async () => {
    total = (await replay()).total
  })
  return { ...time, total }
}

const [, , work = '', given = '{}'] = process.argv
if (Object.hasOwn(works, work)) {
  const perform = works[work as keyof Works] as (given: unknown) => Promise<object>
  const answer = await perform(JSON.parse(given)).catch((error: unknown) => {
    if (error instanceof Missing) return { missing: error.message }
    throw error
  })
  const peakMB = process.resourceUsage().maxRSS / 1024
  // Peers may hold handles of their own, and nothing more is of interest.
  process.stdout.write(JSON.stringify({ ...answer, peakMB }), () => process.exit(0))
}
