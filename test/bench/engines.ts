// npm run bench:engines [-- --quick] [-- --json figures.json]
// What a journal in PostgreSQL or NATS JetStream costs beside the bare client that sends the same
// statements to the same server, on servers that this starts on loopback.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import type { Journal } from 'ministore-ts'
import { natsJournal } from 'ministore-ts/nats'
import { postgresJournal } from 'ministore-ts/postgres'
import pg from 'pg'
import { APPEND, READ } from '../../src/journals/postgres/statements.ts'
import { ADMIN, startNats } from '../servers/nats.ts'
import { startPostgres } from '../servers/postgres.ts'
import { describe } from './environment.ts'
import { type Contestant, median, race, timed } from './measure.ts'
import { order, orders, recordText, warmUp } from './orders.ts'
import { report } from './progress.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'
import { asText } from './table.ts'

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
})
const LIMIT = 1.3
/** Records that are appended at once. */
const BATCH = 500
const JOURNALS = [1, 10, 100]
/** Dispatches at once, of each journal. */
const CALLERS = 10

/** One journal's name after the other, since each contestant begins with an empty one. */
let made = 0
const newName = () => `bench-${++made}`

/** What the bare client of an engine does: the same statements, without a store. */
interface Bare {
  append(texts: readonly string[], expected: number): Promise<void>
  /** Texts of all records. */
  readAll(head: number): Promise<number>
  /** Resolves with the next record that somebody appends. */
  next(): Promise<unknown>
  close(): Promise<void>
}
interface Engine {
  readonly label: string
  journal(name: string): Journal
  bare(name: string): Promise<Bare>
}

async function postgres(): Promise<Engine & { stop(): Promise<void> }> {
  const server = await startPostgres({ max_connections: '400', shared_buffers: '128MB' })
  if (!server) throw new Error('there is no PostgreSQL on this machine')
  const { url } = server
  return {
    label: 'PostgreSQL',
    journal: (name) => postgresJournal({ connection: url, name }),
    async bare(name) {
      const clients = [new pg.Client(url), new pg.Client(url), new pg.Client(url)] as const
      const [client, teller, listener] = clients
      for (const each of clients) await each.connect()
      const opened = await orders.open(postgresJournal({ connection: url, name }))
      await opened.close()
      const { rows } = await client.query(
        'SELECT epoch::text AS epoch FROM ministore_journals WHERE name = $1',
        [name],
      )
      const epoch: string = rows[0].epoch
      const channel = `bench_${name.replaceAll('-', '_')}`

      let seen = 0
      let isListening: Promise<unknown> | undefined
      return {
        async append(texts, expected) {
          const ids = texts.map(() => randomUUID())
          const answer = await client.query({
            ...APPEND,
            values: [name, expected, epoch, ids, texts],
          })
          if (answer.rows.length === 0) throw new Error('a conflict')
          // As ministore does it: behind the append, and nobody waits for it.
          void teller.query(`NOTIFY ${channel}`)
        },
        async readAll(head) {
          let count = 0
          while (count < head) {
            const answer = await client.query({
              ...READ,
              values: [name, count, head, 2048, 2 ** 23, 2 ** 24],
            })
            count += answer.rows.length
          }
          return count
        },
        async next() {
          isListening ??= listener.query(`LISTEN ${channel}`)
          await isListening
          await once(listener, 'notification')
          const values = [name, seen, 2 ** 40, 2048, 2 ** 23, 2 ** 24]
          const answer = await listener.query({ ...READ, values })
          seen += answer.rows.length
          return answer
        },
        close: async () => void (await Promise.all(clients.map((each) => each.end()))),
      }
    },
    stop: () => server.stop(),
  }
}

async function nats(nodes: 1 | 3): Promise<Engine & { stop(): Promise<void> }> {
  const server = await startNats({ nodes })
  if (!server) throw new Error('there is no nats-server for this machine')
  const options = { servers: server.urls, ...ADMIN, replicas: nodes }
  return {
    label: `NATS R${nodes}`,
    journal: (name) => natsJournal({ ...options, name }),
    async bare(name) {
      const opened = await orders.open(natsJournal({ ...options, name }))
      await opened.close()
      const connection = await connect({ servers: server.urls, ...ADMIN })
      const stream = `ministore_${name}`
      const info = await connection.request(`$JS.API.STREAM.INFO.${stream}`)
      const { config } = info.json<{
        config: { subjects: string[]; republish: { dest: string } }
      }>()
      const [subject = ''] = config.subjects
      const feed = connection.subscribe(config.republish.dest)[Symbol.asyncIterator]()
      return {
        append: (texts, expected) => appendBare(connection, subject, texts, expected),
        async readAll(head) {
          let count = 0
          while (count < head) {
            const entries: unknown[] = []
            const ask = { seq: count + 1, batch: 1000, max_bytes: 4 * 2 ** 20 }
            const answers = await connection.requestMany(
              `$JS.API.DIRECT.GET.${stream}`,
              JSON.stringify(ask),
              { strategy: 'sentinel', maxWait: 3000 },
            )
            for await (const answer of answers) {
              if (answer.data.length === 0) break
              // What a record is: its seq, its id, its text.
              entries.push([
                answer.headers?.get('Nats-Sequence'),
                answer.headers?.get('Ministore-Id'),
                answer.string(),
              ])
              count += 1
            }
          }
          return count
        },
        next: () => feed.next(),
        close: () => connection.close(),
      }
    },
    stop: () => server.stop(),
  }
}

async function appendBare(
  connection: NatsConnection,
  subject: string,
  texts: readonly string[],
  expected: number,
): Promise<void> {
  const batch = randomUUID()
  let last: Promise<{ json<T>(): T }> | undefined
  for (const [at, text] of texts.entries()) {
    const marks = headers()
    marks.append('Ministore-Id', randomUUID())
    if (at === 0) marks.append('Nats-Expected-Last-Sequence', String(expected))
    if (texts.length > 1) {
      marks.append('Nats-Batch-Id', batch)
      marks.append('Nats-Batch-Sequence', String(at + 1))
    }
    const isLast = at === texts.length - 1
    if (isLast && texts.length > 1) marks.append('Nats-Batch-Commit', '1')
    if (isLast) last = connection.request(subject, text, { headers: marks, timeout: 5000 })
    else if (at === 0) void connection.request(subject, text, { headers: marks, timeout: 5000 })
    else connection.publish(subject, text, { headers: marks })
  }
  const answer = (await last)?.json<{ seq?: number }>()
  if (answer?.seq !== expected + texts.length) throw new Error(JSON.stringify(answer))
}

const bareContestant = (engine: Engine): Contestant => ({
  ...{ name: 'bare client', role: 'floor', isDurable: true, note: 'the same statements' },
  async start() {
    const bare = await engine.bare(newName())
    let head = 0
    const append = async (first: number, count: number) => {
      const texts = Array.from({ length: count }, (_, at) => recordText(first + at))
      await bare.append(texts, head)
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
      atMost('the store ≤ 1.3 × the bare client', ratio('ministore', 'bare client'), LIMIT),
    ],
    notes: figures.map(
      ({ name, value }) =>
        `${name}: ${Math.round(1e6 / value).toLocaleString('en')} records a second`,
    ),
  }
}

/** Opening a journal, record by record; and the journal alone, without a store to replay into. */
async function catchingUp(engine: Engine, options: Options): Promise<Row> {
  const records = options.isQuick ? 5_000 : 50_000
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
    () => bare.readAll(records),
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
    targets: [atMost('≤ 1.3 × the bare client', ratio('ministore', 'bare client'), LIMIT)],
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
  for (const start of [postgres, () => nats(1), () => nats(3)]) {
    const engine = await start()
    rows.push(await appending(engine, options, 'in turn'))
    rows.push(await appending(engine, options, 'at once'))
    rows.push(await catchingUp(engine, options))
    rows.push(await following(engine, options))
    rows.push(await sharding(engine, options))
    await engine.stop()
  }
  const figures = { environment, rows, failed: [] }
  process.stdout.write(asText(figures))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
