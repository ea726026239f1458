// An engine as the benchmark uses it: its journal, and a bare client that sends the same statements.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import type { Journal } from 'ministore-ts'
import { natsJournal } from 'ministore-ts/nats'
import { postgresJournal } from 'ministore-ts/postgres'
import pg from 'pg'
import { APPEND, READ } from '../../src/journals/postgres/statements.ts'
import { ADMIN } from '../servers/nats.ts'
import { orders } from './orders.ts'
import { sqlite } from './sqlite-engine.ts'

/** What the bare client of an engine does: the same statements, without a store. */
export interface Bare {
  /** Whether it was the first. */
  append(texts: readonly string[], expected: number): Promise<boolean>
  /** Reads the records behind seq `after`, at most a thousand or two. Resolves to how many there were. */
  read(after: number): Promise<number>
  /** Resolves with the next record that somebody appends. */
  next(): Promise<unknown>
  close(): Promise<void>
}
export interface Engine {
  readonly label: string
  readonly where: Where
  journal(name: string): Journal
  bare(name: string): Promise<Bare>
}

/** Which engine, and where its servers are. */
export type Where =
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'nats'; readonly servers: string[]; readonly replicas: 1 | 3 }
  | { readonly kind: 'sqlite'; readonly file: string }

export function engineAt(where: Where): Engine {
  if (where.kind === 'sqlite') return sqlite(where)
  return where.kind === 'postgres' ? postgres(where) : nats(where)
}

function postgres(where: Extract<Where, { kind: 'postgres' }>): Engine {
  const { url } = where
  return {
    where,
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

      const readWith = async (on: pg.Client, after: number) => {
        const values = [name, after, 2 ** 40, 2048, 2 ** 23, 2 ** 24, 0, '']
        const { rows } = await on.query({ ...READ, values })
        return rows.filter(({ seq }) => seq !== null).length
      }
      let seen = 0
      let isListening: Promise<unknown> | undefined
      return {
        async append(texts, expected) {
          const ids = texts.map(() => randomUUID())
          const answer = await client.query({
            ...APPEND,
            values: [name, expected, epoch, ids, texts, 0, ''],
          })
          if (answer.rows.length === 0) return false
          // As ministore does it: behind the append, and nobody waits for it.
          void teller.query(`NOTIFY ${channel}`).catch(() => undefined)
          return true
        },
        read: (after) => readWith(client, after),
        async next() {
          isListening ??= listener.query(`LISTEN ${channel}`)
          await isListening
          await once(listener, 'notification')
          seen += await readWith(listener, seen)
        },
        close: async () => void (await Promise.all(clients.map((each) => each.end()))),
      }
    },
  }
}

function nats(where: Extract<Where, { kind: 'nats' }>): Engine {
  const { servers, replicas } = where
  const options = { servers, ...ADMIN, replicas }
  return {
    where,
    label: `NATS R${replicas}`,
    journal: (name) => natsJournal({ ...options, name }),
    async bare(name) {
      const opened = await orders.open(natsJournal({ ...options, name }))
      await opened.close()
      const connection = await connect({ servers, ...ADMIN })
      const stream = `ministore_${name}`
      const info = await connection.request(`$JS.API.STREAM.INFO.${stream}`)
      const { config } = info.json<{
        config: { subjects: string[]; republish: { dest: string } }
      }>()
      const [subject = ''] = config.subjects
      const feed = connection.subscribe(config.republish.dest)[Symbol.asyncIterator]()
      return {
        append: (texts, expected) => appendBare(connection, subject, texts, expected),
        async read(after) {
          const entries: unknown[] = []
          const ask = { seq: after + 1, batch: 1000, max_bytes: 4 * 2 ** 20 }
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
          }
          return entries.length
        },
        next: () => feed.next(),
        close: () => connection.close(),
      }
    },
  }
}

/** "Wrong last sequence", with the sequence and without. */
const CONFLICTS = [10071, 10164]

async function appendBare(
  connection: NatsConnection,
  subject: string,
  texts: readonly string[],
  expected: number,
): Promise<boolean> {
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
  const answer = (await last)?.json<{ seq?: number; error?: { err_code: number } }>()
  if (answer?.error && CONFLICTS.includes(answer.error.err_code)) return false
  if (answer?.seq !== expected + texts.length) throw new Error(JSON.stringify(answer))
  return true
}
