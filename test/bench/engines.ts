// npm run bench:engines [-- --quick] [-- --json figures.json] [-- --engine sqlite]
// What a journal in PostgreSQL, NATS JetStream or SQLite costs beside the bare client that sends the same
// statements to the same server, on servers that this starts on loopback.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startNats } from '../servers/nats.ts'
import { startPostgres } from '../servers/postgres.ts'
import { contending } from './contention.ts'
import { type Engine, engineAt } from './engine.ts'
import { describe } from './environment.ts'
import { type Contestant, median, race, timed } from './measure.ts'
import { order, orders, recordText, warmUp } from './orders.ts'
import { report } from './progress.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'
import { asText } from './table.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    /** Nothing but the writers of one journal. */
    contention: { type: 'boolean', default: false },
    /** Only this one: postgres, nats-1, nats-3 or sqlite. */
    engine: { type: 'string', default: '' },
  },
})
/** Of a journal, and of a whole store, which validates and replays as well. */
const LIMIT = 1.3
const STORE_LIMIT = 1.5
/** Records that are appended at once. */
const BATCH = 500
const JOURNALS = [1, 10, 100]
/** Dispatches at once, of each journal. */
const CALLERS = 10

/** One journal's name after the other, since each contestant begins with an empty one. */
let made = 0
const newName = () => `bench-${++made}`

async function postgres(): Promise<Engine & { stop(): Promise<void> }> {
  const server = await startPostgres({ max_connections: '400', shared_buffers: '128MB' })
  if (!server) throw new Error('there is no PostgreSQL on this machine')
  return { ...engineAt({ kind: 'postgres', url: server.url }), stop: () => server.stop() }
}

async function nats(nodes: 1 | 3): Promise<Engine & { stop(): Promise<void> }> {
  const server = await startNats({ nodes })
  if (!server) throw new Error('there is no nats-server for this machine')
  return {
    ...engineAt({ kind: 'nats', servers: server.urls, replicas: nodes }),
    stop: () => server.stop(),
  }
}

async function sqlite(): Promise<Engine & { stop(): Promise<void> }> {
  const place = mkdtempSync(join(directory, 'sqlite-'))
  return {
    ...engineAt({ kind: 'sqlite', file: join(place, 'bench.db') }),
    stop: async () => rmSync(place, { recursive: true, force: true }),
  }
}

const bareContestant = (engine: Engine): Contestant => ({
  ...{ name: 'bare client', role: 'floor', isDurable: true, note: 'the same statements' },
  async start() {
    const bare = await engine.bare(newName())
    let head = 0
    const append = async (first: number, count: number) => {
      const texts = Array.from({ length: count }, (_, at) => recordText(first + at))
      if (!(await bare.append(texts, head))) throw new Error('a conflict')
      head += count
    }
    return {
      isSerial: true,
      call: (n) => append(n, 1),
      many: append,
      close: () => bare.close(),
    }
  },
})

/** Without a store: what is between the client and the store. */
const journalContestant = (engine: Engine): Contestant => ({
  ...{ name: 'its journal', role: 'ministore', isDurable: true },
  async start() {
    const journal = engine.journal(newName())
    await journal.open(orders.name)
    let head = 0
    const append = async (first: number, count: number) => {
      const to = head + count
      let batch = Array.from({ length: count }, (_, at) => ({ text: recordText(first + at) }))
      while (head < to) {
        const appended = await journal.append(batch, head)
        if (!appended.ok) throw new Error('a conflict')
        batch = batch.slice(appended.seq - head)
        head = appended.seq
      }
    }
    return {
      isSerial: true,
      call: (n) => append(n, 1),
      many: append,
      close: () => journal.close(),
    }
  },
})

const storeContestant = (engine: Engine): Contestant => ({
  ...{ name: 'ministore', role: 'ministore', isDurable: true },
  async start() {
    const store = await orders.open(engine.journal(newName()))
    return { call: (n) => store.dispatch('put', order(n)), close: () => store.close() }
  },
})

async function appending(
  engine: Engine,
  options: Options,
  way: 'in turn' | 'at once',
): Promise<Row> {
  const count = way === 'in turn' ? 50 : BATCH
  const title = `${engine.label}: ${way === 'in turn' ? 'one append after the other' : `${BATCH} at once`}`
  // Each alone, or the timing of single calls would take the way of doing many.
  const alone = (contestant: Contestant): Contestant => ({
    ...contestant,
    start: async (directory) => {
      const { many: _, ...runner } = await contestant.start(directory)
      return runner
    },
  })
  const both = [bareContestant(engine), journalContestant(engine)]
  const contestants = way === 'at once' ? both : both.map(alone)
  const { figures, skipped, ratio } = await race(title, [...contestants, storeContestant(engine)], {
    ...{ rounds: options.rounds, count, way, isLatency: way === 'in turn' },
    directory: directoryIn(options),
  })
  return {
    ...{ id: `${engine.label}-${way}`, title, unit: 'µs', figures, skipped },
    work: 'a record of about 130 bytes, durable',
    targets: [
      atMost('the journal ≤ 1.3 × the bare client', ratio('its journal', 'bare client'), LIMIT),
      ...(way === 'in turn'
        ? [
            atMost(
              'the store ≤ 1.5 × the bare client',
              ratio('ministore', 'bare client'),
              STORE_LIMIT,
            ),
          ]
        : []),
    ],
    notes: figures.map(
      ({ name, value }) =>
        `${name}: ${Math.round(1e6 / value).toLocaleString('en')} records a second`,
    ),
  }
}

/** Opening a journal, record by record; and the journal alone, without a store to replay into. */
async function catchingUp(engine: Engine, options: Options): Promise<Row> {
  const records = options.isQuick ? 5_000 : 100_000
  const title = `${engine.label}: catch up on ${records.toLocaleString('en')} records`
  const name = newName()
  const filling = await orders.open(engine.journal(name))
  for (let n = 0; n < records; n += 1000) {
    report(`${title}: ${n}`)
    await Promise.all(
      Array.from({ length: 1000 }, (_, at) => filling.dispatch('put', order(n + at))),
    )
  }
  await filling.close()
  const bare = await engine.bare(name)
  const journal = engine.journal(name)
  await journal.open(orders.name)
  const samples: { name: string; ms: number[] }[] = ['bare client', 'its journal', 'ministore'].map(
    (each) => ({ name: each, ms: [] }),
  )
  const ways = [
    async () => {
      for (let at = 0; at < records; ) at += await bare.read(at)
    },
    async () => {
      for await (const _ of journal.read(0));
    },
    async () => (await orders.open(engine.journal(name))).close(),
  ]
  for (let round = -1; round < Math.min(options.rounds, 9); round++) {
    report(`${title}: round ${round + 1}`)
    // Each begins now and then, since what one leaves behind is collected while the next one runs.
    for (let turn = 0; turn < ways.length; turn++) {
      const at = (turn + round + ways.length) % ways.length
      const ms = await timed(() => ways[at]?.())
      if (round >= 0) samples[at]?.ms.push(ms)
    }
  }
  await bare.close()
  await journal.close()
  report()
  const floor = median(samples[0]?.ms ?? [])
  const roles = ['floor', 'ministore', 'ministore'] as const
  const figures = samples.map(({ name: each, ms }, at) => {
    const value = median(ms)
    return { name: each, role: roles[at] ?? 'ministore', value, ratio: value / floor }
  })
  const [, read] = figures
  return {
    ...{ id: `${engine.label}-catch-up`, title, unit: 'ms', figures, skipped: [] },
    work: 'all records, read; ministore also connects first, replays them, and closes',
    targets: [atMost('the journal ≤ 1.3 × the bare client', read?.ratio ?? Number.NaN, LIMIT)],
  }
}

/** From the dispatch in one store until a listener of another one hears of it. */
async function following(engine: Engine, options: Options): Promise<Row> {
  const title = `${engine.label}: until a follower hears of it`
  const floor: Contestant = {
    ...{ name: 'bare client', role: 'floor', note: 'append, tell, and read where it is heard' },
    async start() {
      const name = newName()
      const [writer, reader] = [await engine.bare(name), await engine.bare(name)]
      let head = 0
      return {
        async call(n) {
          const heard = reader.next()
          await writer.append([recordText(n)], head)
          head += 1
          await heard
        },
        close: async () => void (await Promise.all([writer.close(), reader.close()])),
      }
    },
  }
  const ours: Contestant = {
    ...{ name: 'ministore', role: 'ministore' },
    async start() {
      const name = newName()
      const writer = await orders.open(engine.journal(name))
      const reader = await orders.open(engine.journal(name))
      return {
        async call(n) {
          const heard = new Promise<void>((resolve) => {
            const off = reader.subscribe(() => {
              off()
              resolve()
            })
          })
          await writer.dispatch('put', order(n))
          await heard
        },
        close: async () => void (await Promise.all([writer.close(), reader.close()])),
      }
    },
  }
  const { figures, skipped, ratio } = await race(title, [floor, ours], {
    ...{ rounds: options.rounds, count: 50, way: 'in turn', isLatency: true },
    directory: directoryIn(options),
  })
  return {
    ...{ id: `${engine.label}-follow`, title, unit: 'µs', figures, skipped },
    work: 'a durable record of one store, until a listener of another store has it',
    targets: [atMost('≤ 1.5 × the bare client', ratio('ministore', 'bare client'), STORE_LIMIT)],
  }
}

async function sharding(engine: Engine, options: Options): Promise<Row> {
  const title = `${engine.label}: journals side by side`
  const points: [number, number][] = []
  for (const size of JOURNALS) {
    report(`${title}: ${size}`)
    const names = Array.from({ length: size }, newName)
    const stores = await Promise.all(names.map((name) => orders.open(engine.journal(name))))
    const samples: number[] = []
    const calls = Math.max(1, Math.round((options.isQuick ? 20 : 100) / size))
    for (let round = -1; round < Math.min(options.rounds, 7); round++) {
      const ms = await timed(() =>
        Promise.all(
          stores.map(async (store) => {
            for (let n = 0; n < calls; n++)
              await Promise.all(
                Array.from({ length: CALLERS }, (_, at) => store.dispatch('put', order(n + at))),
              )
          }),
        ),
      )
      if (round >= 0) samples.push((ms * 1000) / (size * calls * CALLERS))
    }
    points.push([size, median(samples)])
    await Promise.all(stores.map((store) => store.close()))
  }
  report()
  return {
    ...{ id: `${engine.label}-journals`, title, unit: 'µs', figures: [], skipped: [], targets: [] },
    work: `a durable dispatch, ${CALLERS} at once in each journal, all in one process; time by the number of all`,
    curves: { of: 'journals', lines: [{ name: 'ministore', role: 'ministore', points }] },
    notes: points.map(
      ([size, value]) =>
        `${size} journals: ${Math.round(1e6 / value).toLocaleString('en')} records a second`,
    ),
  }
}

process.env['NODE_ENV'] = 'production'
const directory = mkdtempSync(join(tmpdir(), 'ministore-engines-'))
try {
  const { quick: isQuick } = values
  const options = { isQuick, rounds: isQuick ? 3 : 20, records: 0, directory }
  const environment = describe(directory, options)
  await warmUp(options)
  const rows: Row[] = []
  const engines = { postgres, 'nats-1': () => nats(1), 'nats-3': () => nats(3), sqlite }
  for (const [name, start] of Object.entries(engines)) {
    if (!name.startsWith(values.engine)) continue
    const engine = await start()
    const measured = [
      () => appending(engine, options, 'in turn'),
      () => appending(engine, options, 'at once'),
      () => catchingUp(engine, options),
      () => following(engine, options),
      () => sharding(engine, options),
      () => contending(engine.label, engine.where, newName, options),
    ]
    for (const measure of values.contention ? measured.slice(-1) : measured)
      rows.push(await measure())
    await engine.stop()
  }
  const figures = { environment, rows, failed: [] }
  process.stdout.write(asText(figures))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
