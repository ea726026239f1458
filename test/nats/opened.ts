// Bare engines on a test's server, and what tests do with them.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreError } from 'ministore-ts'
import { type NatsServers, natsEngine } from 'ministore-ts/nats'
import type { Engine, EngineEntry } from 'ministore-ts/shared'
import { afterEveryTest } from '../endings.ts'
import { ADMIN, type Nats } from '../servers/nats.ts'

const open = new Set<Engine>()
afterEveryTest(async () => {
  await Promise.all([...open].map((engine) => engine.close()))
  open.clear()
})

let made = 0
/** No two tests share a journal. */
export const newName = (): string => `j${++made}`

export function engineOn(nats: Nats, options: Partial<NatsServers> & { name: string }): Engine {
  const replicas = nats.nodes.length
  const engine = natsEngine({ servers: nats.urls, replicas, ...ADMIN, ...options })
  open.add(engine)
  return engine
}

export async function openedOn(
  nats: Nats,
  options: Partial<NatsServers> & { name: string },
): Promise<Engine> {
  const engine = engineOn(nats, options)
  await persist(() => engine.open('tickets'))
  return engine
}

/** As the journal above an engine does. */
export async function persist<R>(run: () => Promise<R>, within = 15_000): Promise<R> {
  for (const until = Date.now() + within; ; await sleep(30)) {
    try {
      return await run()
    } catch (error) {
      const isPassing = error instanceof StoreError && error.code === 'unavailable'
      if (!isPassing || Date.now() > until) throw error
    }
  }
}

export const entries = (...texts: string[]): { id: string; text: string }[] =>
  texts.map((text) => ({ id: randomUUID(), text }))

export const numbered = (count: number, from = 1): { id: string; text: string }[] =>
  entries(...Array.from({ length: count }, (_, at) => JSON.stringify({ n: from + at })))

export async function all(engine: Engine, after = 0, to?: number): Promise<EngineEntry[]> {
  const found: EngineEntry[] = []
  for await (const batch of engine.read(after, { to })) found.push(...batch)
  return found
}

/** `code: message` of the StoreError that it ends with. */
export async function failure(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => 'it did not fail',
    (reason: unknown) => reason,
  )
  return error instanceof StoreError ? `${error.code}: ${error.message}` : String(error)
}

/** What it has given so far, how to end it, and how it ended. */
export function follow(
  engine: Engine,
  after = 0,
): [EngineEntry[], () => Promise<void>, Promise<void>] {
  const end = new AbortController()
  const seen: EngineEntry[] = []
  const run = async () => {
    for await (const batch of engine.follow(after, end.signal)) seen.push(...batch)
  }
  const done = run()
  done.catch(() => undefined)
  return [
    seen,
    async () => {
      end.abort()
      await done
    },
    done,
  ]
}

/** As the journal above an engine does: until it is certain. Resolves to whether it is this batch that is there. */
export async function settle(
  engine: Engine,
  batch: readonly { id: string; text: string }[],
  expected: number,
): Promise<boolean> {
  for (;;) {
    try {
      const { ok } = await persist(() => engine.append(batch, expected))
      if (ok) return true
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'unknown') throw error
    }
    const [first] = await persist(() => all(engine, expected, expected + 1))
    if (first) return first.id === batch[0]?.id
  }
}

/** Three writers, each of which wants to write every record: what each was told that it wrote. */
export async function race(
  engines: readonly Engine[],
  until: number,
): Promise<Map<number, string>> {
  const written = new Map<number, string>()
  const write = async (engine: Engine, at: number) => {
    let head = 0
    for (let turn = at; head < until; turn++) {
      // Alone, or as a batch.
      const batch = numbered(turn % 2 === 0 ? 1 : 3)
      const result = await persist(() => engine.append(batch, head))
      if (result.ok)
        for (const [index, { id }] of batch.entries()) {
          const seq = head + index + 1
          if (written.has(seq)) throw new Error(`seq ${seq} was acknowledged twice`)
          written.set(seq, id)
        }
      head = result.ok ? result.seq : Math.max(head, result.head)
    }
  }
  await Promise.all(engines.map(write))
  return written
}
