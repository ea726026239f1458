// npm run bench:walmq [-- --quick] [-- --no-peers] [-- --json figures.json]
// What examples/walmq costs beside a bare append and fdatasync of the same bytes, and beside Redis
// Streams with a sync for each write.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openBroker } from '../../examples/walmq/broker/broker.ts'
import type { Broker } from '../../examples/walmq/broker/types.ts'
import { type Client, connect } from '../../examples/walmq/client/client.ts'
import { describe } from './environment.ts'
import { install } from './install.ts'
import { type Contestant, type Figure, race, timed } from './measure.ts'
import { startRedis } from './peers/redis.ts'
import { report } from './progress.ts'
import { atMost, directoryIn, type Options, type Row } from './row.ts'
import { asText } from './table.ts'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: true },
    json: { type: 'string' },
  },
})
const body = Buffer.alloc(100, 'x')
/** Length, version, flags, checksum, time, length of the key: what a message takes beside its body. */
const FRAME_BYTES = 20
const TOPIC = 'logs'
const GROUP = 'readers'
const PUBLISHERS = 100
const place = { group: GROUP, topic: TOPIC, partition: 0 }

const floor: Contestant = {
  ...{ name: 'append + fdatasync', role: 'floor', isDurable: true, note: 'of the same bytes' },
  async start(directory) {
    const fd = openSync(join(directory, 'floor'), 'w')
    const frame = Buffer.alloc(FRAME_BYTES + body.length, 'x')
    let end = 0
    const append = (count: number) => {
      end += writeSync(fd, Buffer.alloc(frame.length * count, frame), 0, undefined, end)
      fdatasyncSync(fd)
    }
    return {
      isSync: true,
      call: () => append(1),
      many: (_, count) => append(count),
      close: () => closeSync(fd),
    }
  },
}

/** In this process, without a server. */
const library: Contestant = {
  ...{ name: 'walmq, the library', role: 'ministore', isDurable: true },
  async start(directory) {
    const broker = await openBroker(directory)
    await broker.createTopic(TOPIC)
    return { call: () => broker.publish(TOPIC, { body }), close: () => broker.close() }
  },
}

const overSocket: Contestant = {
  ...{ name: 'walmq, Unix socket', role: 'ministore', isDurable: true },
  async start(directory) {
    const { client, stop } = await serve(directory)
    return { call: () => client.publish(TOPIC, { body }), close: stop }
  },
}

const redis: Contestant = {
  ...{ name: 'Redis Streams, Unix socket', role: 'peer', isDurable: true },
  note: 'appendonly yes, appendfsync always; XADD',
  async start(directory) {
    const server = await startRedis(directory)
    const client = await server.client()
    const message = { body: body.toString() }
    return { call: () => client.xAdd(TOPIC, '*', message), close: server.stop }
  },
}

async function publishing(options: Options, way: 'in turn' | 'at once'): Promise<Row> {
  const publishers = way === 'in turn' ? 1 : PUBLISHERS
  const title = `publish, ${publishers === 1 ? 'one publisher' : `${publishers} publishers`}`
  const { figures, skipped, ratio } = await race(title, [floor, library, overSocket, redis], {
    ...{ rounds: options.rounds, count: publishers === 1 ? 50 : PUBLISHERS, way },
    ...{ isLatency: publishers === 1, directory: directoryIn(options) },
  })
  return {
    ...{ id: `publish-${publishers}`, title, unit: 'µs', figures, skipped },
    work: `a durable message of ${body.length} bytes${publishers === 1 ? ', each awaited' : ''}`,
    targets: [
      atMost('walmq over its socket ahead of Redis', ratio(overSocket.name, redis.name), 1),
    ],
    notes: figures.map(
      ({ name, value }) =>
        `${name}: ${Math.round(1e6 / value).toLocaleString('en')} messages a second`,
    ),
  }
}

async function latency(options: Options): Promise<Row> {
  const title = 'from publish to delivery'
  const contestants: Contestant[] = [
    {
      ...{ name: 'walmq, Unix socket', role: 'ministore', isDurable: true },
      note: 'one consumer, which acknowledges each message before the next is published',
      async start(directory) {
        const { client, socket, stop } = await serve(directory)
        const reader = await connect({ socket })
        const consumer = await reader.subscribe(TOPIC, { group: GROUP })
        const deliveries = consumer[Symbol.asyncIterator]()
        let isAcknowledged: Promise<void> | undefined
        return {
          async call() {
            await isAcknowledged
            await client.publish(TOPIC, { body })
            const { value } = await deliveries.next()
            isAcknowledged = value && 'ack' in value ? value.ack() : undefined
          },
          async close() {
            await isAcknowledged
            await reader.close()
            await stop()
          },
        }
      },
    },
    {
      ...{ name: 'Redis Streams, Unix socket', role: 'peer', isDurable: true },
      note: 'XADD, XREADGROUP BLOCK, XACK; appendfsync always',
      async start(directory) {
        const server = await startRedis(directory)
        const [client, reader] = [await server.client(), await server.client()]
        await client.xGroupCreate(TOPIC, GROUP, '0', { MKSTREAM: true })
        const message = { body: body.toString() }
        const from = { key: TOPIC, id: '>' }
        let isAcknowledged: Promise<unknown> | undefined
        return {
          async call() {
            await isAcknowledged
            const read = reader.xReadGroup(GROUP, 'one', from, { COUNT: 1, BLOCK: 1000 })
            await client.xAdd(TOPIC, '*', message)
            const [stream] = (await read) ?? []
            const id = stream?.messages[0]?.id
            isAcknowledged = id === undefined ? undefined : client.xAck(TOPIC, GROUP, id)
          },
          close: server.stop,
        }
      },
    },
  ]
  const { figures, skipped } = await race(title, contestants, {
    ...{ rounds: options.rounds, count: 50, way: 'in turn', isLatency: true },
    directory: directoryIn(options),
  })
  return {
    ...{ id: 'latency', title, unit: 'µs', figures, skipped, targets: [] },
    work: 'published, durable, delivered to a waiting consumer; and the acknowledgement of the one before',
  }
}

async function acknowledging(options: Options): Promise<Row> {
  const title = `acknowledge, ${PUBLISHERS} at once`
  const count = PUBLISHERS
  const messages = (options.rounds + 2) * count
  const fill = async (broker: Pick<Broker, 'publishBatch'> | Pick<Client, 'publishBatch'>) => {
    for (let n = 0; n < messages; n += count)
      await broker.publishBatch(
        TOPIC,
        Array.from({ length: count }, () => ({ body })),
      )
  }
  const offsets = () => {
    let next = -1
    return () => {
      next += 1
      return [next, next] as const
    }
  }
  const contestants: Contestant[] = [
    floor,
    {
      ...{ name: 'walmq, the library', role: 'ministore', isDurable: true },
      async start(directory) {
        const broker = await openBroker(directory)
        await broker.createTopic(TOPIC)
        await broker.subscribe(TOPIC, { group: GROUP, maxInFlight: 1 })
        await fill(broker)
        const next = offsets()
        return { call: () => broker.ack(place, [next()]), close: () => broker.close() }
      },
    },
    {
      ...{ name: 'walmq, Unix socket', role: 'ministore', isDurable: true },
      async start(directory) {
        const { client, stop } = await serve(directory)
        await client.subscribe(TOPIC, { group: GROUP, max_in_flight: 1 })
        await fill(client)
        const next = offsets()
        return {
          call: () => client.request('ack', { ...place, offsets: [[...next()]] }),
          close: stop,
        }
      },
    },
    {
      ...{ name: 'Redis Streams, Unix socket', role: 'peer', isDurable: true },
      note: 'XACK; appendfsync always',
      async start(directory) {
        const server = await startRedis(directory)
        const client = await server.client()
        await client.xGroupCreate(TOPIC, GROUP, '0', { MKSTREAM: true })
        const message = { body: body.toString() }
        const adding = Array.from({ length: messages }, () => client.xAdd(TOPIC, '*', message))
        const ids = await Promise.all(adding)
        const read = { COUNT: messages, BLOCK: 1000 }
        await client.xReadGroup(GROUP, 'one', { key: TOPIC, id: '>' }, read)
        const next = offsets()
        return { call: () => client.xAck(TOPIC, GROUP, ids[next()[0]] ?? ''), close: server.stop }
      },
    },
  ]
  const { figures, skipped } = await race(title, contestants, {
    ...{ rounds: options.rounds, count, way: 'at once', directory: directoryIn(options) },
  })
  return {
    ...{ id: 'acks', title, unit: 'µs', figures, skipped, targets: [] },
    work: 'a durable acknowledgement of one message; the floor writes the bytes of a message',
    notes: figures.map(
      ({ name, value }) => `${name}: ${Math.round(1e6 / value).toLocaleString('en')} acks a second`,
    ),
  }
}

/** A consumer asks for all there is, and reads none of it. */
async function slowConsumer(options: Options): Promise<Row> {
  const title = 'a consumer that does not read'
  report(title)
  const { client, socket, pid, stop } = await serve(directoryIn(options)('slow'))
  const [batch, batches] = [1000, options.isQuick ? 5 : 20]
  const large = Buffer.alloc(10_000, 'x')
  const publish = async () => {
    const messages = Array.from({ length: batch }, () => ({ body: large }))
    for (let n = 0; n < batches; n++) await client.publishBatch(TOPIC, messages)
  }
  await publish()
  const before = residentMB(pid)
  const slow = connectSocket(socket)
  await once(slow, 'connect')
  slow.pause()
  const args = { topic: TOPIC, group: GROUP, max_in_flight: 10_000 }
  slow.write(`${JSON.stringify({ id: 1, op: 'subscribe', args })}\n`)
  await publish()
  const after = residentMB(pid)
  slow.destroy()
  await stop()
  report()
  const published = (batch * batches * large.length) / 1e6
  return {
    ...{ id: 'slow', title, unit: 'MB', skipped: [] },
    work: `${published} MB published while one consumer asks for 10,000 messages in flight and reads none`,
    figures: [
      { name: 'the server before', role: 'floor', value: before, ratio: 1 },
      { name: 'the server then', role: 'ministore', value: after, ratio: after / before },
    ],
    targets: [atMost('it takes at most 64 MB more', after - before, 64)],
  }
}

async function restart(options: Options): Promise<Row> {
  const acks = options.isQuick ? 10_000 : 100_000
  const title = `restart after ${acks.toLocaleString('en')} acknowledgements`
  const directory = directoryIn(options)('restart')
  const broker = await openBroker(directory)
  await broker.createTopic(TOPIC)
  const consumer = await broker.subscribe(TOPIC, { group: GROUP, maxInFlight: 1 })
  for (let n = 0; n < acks; n += 1000) {
    report(`${title}: ${n}`)
    await broker.publishBatch(
      TOPIC,
      Array.from({ length: 1000 }, () => ({ body })),
    )
    const acking = Array.from({ length: 1000 }, (_, at) => broker.ack(place, [[n + at, n + at]]))
    await Promise.all(acking)
  }
  await consumer.close()
  await broker.close()
  report()
  let next: number | undefined
  const openMs = await timed(async () => {
    const again = await openBroker(directory)
    next = again.listGroups()[0]?.subscriptions[0]?.cursors[0]?.next
    await again.close()
  })
  if (next !== acks) throw new Error(`the cursor is at ${next}, not at ${acks}`)
  const bytes = statSync(join(directory, 'metadata.jsonl')).size
  const figures: Figure[] = [
    { name: 'walmq: open and close again', role: 'ministore', value: openMs },
  ]
  return {
    ...{ id: 'restart', title, unit: 'ms', figures, skipped: [] },
    work: `with ${acks.toLocaleString('en')} messages of ${body.length} bytes`,
    targets: [atMost('the metadata journal is bounded, in MB', bytes / 1e6, 20)],
  }
}

interface Serving {
  readonly client: Client
  readonly socket: string
  readonly pid: number
  stop(): Promise<void>
}

/** A server in a process of its own, and a client of it, with the topic. */
async function serve(directory: string): Promise<Serving> {
  const extension = extname(import.meta.url)
  const program = new URL(`../../examples/walmq/cli/main${extension}`, import.meta.url)
  const args = [...process.execArgv, fileURLToPath(program), 'serve', '--dir', directory, '--json']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const socket = join(directory, 'walmq.sock')
  const client = await connect({ socket })
  await client.request('topic_create', { topic: TOPIC })
  return {
    ...{ client, socket, pid: child.pid ?? 0 },
    async stop() {
      await client.close()
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}

function residentMB(pid: number): number {
  const [, kB = 'NaN'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kB) / 1024
}

process.env['NODE_ENV'] = 'production'
if (!values.peers) process.env['BENCH_PEERS'] = 'no'
const failure = install(values.peers)
if (failure) process.stderr.write(`The peers are left out. ${failure}\n`)
const directory = mkdtempSync(join(tmpdir(), 'walmq-bench-'))
try {
  const { quick: isQuick } = values
  const options = { isQuick, rounds: isQuick ? 3 : 20, records: 0, directory }
  const environment = describe(directory, options)
  const rows = [
    await publishing(options, 'in turn'),
    await publishing(options, 'at once'),
    await latency(options),
    await acknowledging(options),
    await slowConsumer(options),
    await restart(options),
  ]
  const figures = { environment, rows, failed: [] }
  process.stdout.write(asText(figures))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
