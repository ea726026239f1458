// The server over its sockets: what goes through, what it refuses, and what it does to those who do not read.
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../../../examples/walmq/client/client.ts'
import { startServer } from '../../../../examples/walmq/server/server.ts'
import { freshDirectory, type Server, serve, walmq } from './processes.ts'
import { Raw } from './raw.ts'

const MIB = 2 ** 20
const refusal = (id: number | null, code: string) => ({
  id,
  ok: false,
  error: expect.objectContaining({ code }),
})

const directory = freshDirectory()
let server: Server
/** Says nothing on TCP. */
let silent: Raw
beforeAll(async () => {
  server = await serve(directory, '--tcp', '0')
  silent = new Raw(server.tcp ?? { port: 0 })
})
const client = () => connect(server)
const raw = () => new Raw({ path: server.socket })

/** Bytes that mean nothing, and are the same each time. */
function bytes(length: number): Buffer {
  const body = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) body[at] = (at * 31 + (at >> 8)) & 0xff
  return body
}

test('W1: bodies from 0 bytes to 1 MiB come back as they were, and are acknowledged', async () => {
  const one = await client()
  await one.request('topic_create', { topic: 'bytes', max_message_bytes: MIB + 16 })
  const bodies = [0, 1, 2, 3, 255, 256, 65_535, 65_536, MIB].map(bytes)
  for (const [offset, body] of bodies.entries()) {
    const key = offset % 2 === 0 ? undefined : 'ключ\n'
    expect(await one.publish('bytes', { key, body })).toEqual({ partition: 0, offset })
  }
  const other = await client()
  const subscription = await other.subscribe('bytes', { group: 'readers' })
  let offset = 0
  for await (const item of subscription) {
    if (item.type !== 'message') throw new Error('nothing was removed')
    expect(item).toMatchObject({ topic: 'bytes', partition: 0, offset, redelivered: false })
    expect(item.key).toBe(offset % 2 === 0 ? undefined : 'ключ\n')
    expect(bodies[offset]?.equals(item.body)).toBe(true)
    await item.ack()
    offset += 1
    if (offset === bodies.length) await subscription.close()
  }
  const { groups } = await one.request('groups', {})
  const cursors = [{ next: bodies.length, ahead: [], lag: 0 }]
  const subscriptions = [{ topic: 'bytes', consumers: 0, cursors }]
  expect(groups).toMatchObject([{ group: 'readers', subscriptions }])
  await Promise.all([one.close(), other.close()])
})

test('a loop that is left can be gone on with, and one that closes its subscription ends', async () => {
  const one = await client()
  await one.request('topic_create', { topic: 'loops' })
  await one.publishBatch(
    'loops',
    [1, 2, 3, 4].map((length) => ({ body: bytes(length) })),
  )
  const subscription = await one.subscribe('loops', { group: 'readers' })
  // All four are there before the first is taken.
  await one.request('ping', {})
  const seen: number[] = []
  for await (const item of subscription) {
    if (item.type === 'message') seen.push(item.offset)
    break
  }
  for await (const item of subscription) {
    if (item.type === 'message') seen.push(item.offset)
    if (seen.length === 3) await subscription.close()
  }
  expect(seen).toEqual([0, 1, 2])
  await one.close()
})

test('what is given back comes again, and an end is told', async () => {
  const one = await client()
  await one.request('topic_create', { topic: 'nacks' })
  await one.publishBatch('nacks', [{ body: bytes(1) }, { body: bytes(2) }])
  const seen: [number, boolean][] = []
  const subscription = await one.subscribe('nacks', { group: 'readers' })
  const reading = (async () => {
    for await (const item of subscription) {
      if (item.type !== 'message') throw new Error('nothing was removed')
      seen.push([item.offset, item.redelivered])
      if (item.offset === 0 && !item.redelivered) await item.nack()
      else await item.ack()
      if (seen.length === 3) await one.request('topic_delete', { topic: 'nacks' })
    }
  })()
  await expect(reading).rejects.toMatchObject({ code: 'no_such_topic' })
  expect(seen.toSorted()).toEqual([
    [0, false],
    [0, true],
    [1, false],
  ])
  await one.close()
})

describe('W17: a request that is none is refused, and the connection goes on', () => {
  test.each([
    ['no JSON', '{"id":1,', null],
    ['an empty line', '', null],
    ['no object', '[1,2]', null],
    ['no id', '{"op":"ping"}', null],
    ['an id of another kind', '{"id":"1","op":"ping"}', null],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), null],
    ['deep nesting', '['.repeat(100_000), null],
    ['an unknown operation', '{"id":7,"op":"toString"}', 7],
    ['__proto__ as an operation', '{"id":7,"op":"__proto__"}', 7],
    ['an unknown field', '{"id":7,"op":"ping","more":1}', 7],
    ['__proto__ as a field', '{"id":7,"op":"ping","__proto__":{"x":1}}', 7],
    ['an unknown argument', '{"id":7,"op":"ping","args":{"x":1}}', 7],
    ['__proto__ as an argument', '{"id":7,"op":"ping","args":{"__proto__":{"x":1}}}', 7],
    ['missing arguments', '{"id":7,"op":"publish"}', 7],
    ['no base64', '{"id":7,"op":"publish","args":{"topic":"t","body_b64":"a-_="}}', 7],
    [
      'too many messages at once',
      `{"id":7,"op":"publish_batch","args":{"topic":"t","messages":[${'0,'.repeat(1e6)}0]}}`,
      7,
    ],
    [
      'a range that ends before it begins',
      '{"id":7,"op":"ack","args":{"group":"g","topic":"t","partition":0,"offsets":[[2,1]]}}',
      7,
    ],
  ])('%s', async (_, line, id) => {
    const connection = raw()
    await connection.write(line)
    await connection.write('\n')
    const answer = await connection.next()
    expect(answer).toEqual(refusal(id, 'bad_request'))
    expect(JSON.stringify(answer).length).toBeLessThan(500)
    expect(await connection.request('ping')).toEqual({ id: 1, ok: true, data: { protocol: 1 } })
    await connection.close()
  })

  test('what the broker refuses has its code', async () => {
    const connection = raw()
    const refused = [
      ['topic_create', { topic: '..' }, 'invalid'],
      ['topic_create', { topic: 'x', partitions: 0 }, 'invalid'],
      ['topic_describe', { topic: '__proto__' }, 'no_such_topic'],
      ['publish', { topic: 'constructor', body_b64: '' }, 'no_such_topic'],
      ['unsubscribe', { sub: 's9' }, 'no_such_subscription'],
      ['group_delete', { group: 'nobody' }, 'no_such_group'],
    ] as const
    for (const [op, args, code] of refused)
      expect(await connection.request(op, args)).toEqual(refusal(expect.any(Number), code))
    await connection.close()
  })

  test('a message over its limit, and a line over the limit', async () => {
    const one = await client()
    await one.request('topic_create', { topic: 'small', max_message_bytes: 10 })
    const tooLarge = { code: 'too_large' }
    await expect(one.publish('small', { body: bytes(11) })).rejects.toMatchObject(tooLarge)
    await expect(one.publish('small', { body: bytes(20 * MIB) })).rejects.toMatchObject(tooLarge)
    expect(await one.publish('small', { body: bytes(10) })).toEqual({ partition: 0, offset: 0 })
    await one.close()

    const connection = raw()
    const before = memoryOf(server.pid)
    for (let sent = 0; sent < 200; sent += 1) await connection.write('x'.repeat(MIB))
    expect(await connection.next()).toEqual(refusal(null, 'too_large'))
    expect(memoryOf(server.pid) - before).toBeLessThan(100 * MIB)
    await connection.write('\n')
    expect(await connection.request('ping')).toMatchObject({ ok: true })
    await connection.close()
  })

  test('more subscriptions, and more connections, than there may be', async () => {
    const one = await client()
    await one.request('topic_create', { topic: 'crowd' })
    const subscriptions = Array.from({ length: 101 }, () =>
      one.subscribe('crowd', { group: 'crowd' }),
    )
    const settled = await Promise.allSettled(subscriptions)
    const refused = settled.filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject([{ reason: { code: 'too_many' } }])
    await one.close()

    const all = Array.from({ length: 256 }, raw)
    const answers = await Promise.all(all.map((each) => each.request('ping')))
    for (const answer of answers) expect(answer).toMatchObject({ ok: true })
    const last = raw()
    expect(await last.next()).toEqual(refusal(null, 'too_many'))
    await last.closed
    await Promise.all(all.map((each) => each.close()))
    await expect
      .poll(async () => (await walmq(['stats', '--dir', directory])).status, { timeout: 20_000 })
      .toBe(0)
  })
})

describe('a server with small limits', () => {
  let small: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    const limits = { lineBytes: 5000, skippedBytes: 10_000 }
    const options = { segmentBytes: 1000, retentionEveryMs: null, limits }
    small = await startServer(freshDirectory(), options)
  })
  afterAll(() => small.close())

  test('tells a group what retention took away before it had it', async () => {
    const one = await connect(small)
    await one.request('topic_create', { topic: 'gaps', retention_bytes: 2000 })
    const early = await one.subscribe('gaps', { group: 'late' })
    await early.close()
    for (let sent = 0; sent < 50; sent += 1) await one.publish('gaps', { body: bytes(100) })
    const { removed } = await one.request('retention', {})
    const start = removed[0]?.log_start ?? 0
    expect(removed).toMatchObject([{ topic: 'gaps', partition: 0 }])
    const items = (await one.subscribe('gaps', { group: 'late' }))[Symbol.asyncIterator]()
    const place = { topic: 'gaps', partition: 0 }
    const gap = { type: 'gap', ...place, from: 0, to: start - 1 }
    expect(await items.next()).toEqual({ done: false, value: gap })
    expect(await items.next()).toMatchObject({ value: { ...place, offset: start } })
    await one.close()
  })

  test('W17: a line that never ends is skipped for a while; then the connection is closed', async () => {
    const connection = new Raw({ path: small.socket })
    await connection.write('x'.repeat(9000))
    expect(await connection.next()).toEqual(refusal(null, 'too_large'))
    await connection.write('x'.repeat(2000))
    expect(await connection.next()).toBeUndefined()
    await connection.closed
  })
})

test('many requests at once are all answered, though nobody reads at first', async () => {
  const connection = raw()
  const count = 5000
  const lines = Array.from({ length: count }, (_, id) => `{"id":${id},"op":"topic_list"}\n`)
  const writing = connection.write(lines.join(''))
  await sleep(200)
  const ids = new Set<number>()
  while (ids.size < count) {
    const answer = await connection.next()
    expect(answer).toMatchObject({ ok: true })
    ids.add((answer as { id: number }).id)
  }
  await writing
  await connection.close()
})

test.runIf(process.platform === 'linux')(
  'W16: a consumer that never reads costs no memory, and holds up nobody',
  async () => {
    const one = await client()
    await one.request('topic_create', { topic: 'large' })
    const count = 16
    const body = bytes(MIB - 64)
    for (let sent = 0; sent < count; sent += 1) await one.publish('large', { body })
    const before = memoryOf(server.pid)
    const deaf = raw()
    const groups = Array.from({ length: 8 }, (_, index) => `deaf-${index}`)
    for (const [id, group] of groups.entries()) {
      const args = { topic: 'large', group, max_in_flight: 10_000 }
      await deaf.write(`${JSON.stringify({ id, op: 'subscribe', args })}\n`)
    }
    // As much as would be sent at once if it were read: 8 times 16 MiB, and more in base64.
    await expect
      .poll(async () => (await one.request('stats', {})).consumers, { timeout: 20_000 })
      .toBe(8)
    await sleep(500)
    expect(memoryOf(server.pid) - before).toBeLessThan(100 * MIB)

    const other = await one.subscribe('large', { group: 'others' })
    let read = 0
    for await (const item of other) {
      if (item.type === 'message') await item.ack()
      read += 1
      if (read === count) break
    }
    const { in_flight: inFlight } = await one.request('stats', {})
    expect(inFlight).toBeLessThan(count)

    // It wakes up, and nothing is lost.
    const seen = new Map<string, number>()
    while (seen.size < groups.length || [...seen.values()].some((each) => each < count)) {
      const { event, sub } = (await deaf.next()) as { event?: string; sub: string }
      if (event === 'message') seen.set(sub, (seen.get(sub) ?? 0) + 1)
    }
    await deaf.close()
    await one.request('topic_delete', { topic: 'large' })
    await one.close()
  },
)

test('who has sent everything and says so is still answered', async () => {
  const connection = raw()
  await connection.request('topic_create', { topic: 'half' })
  connection.socket.end('{"id":2,"op":"publish","args":{"topic":"half","body_b64":""}}\n')
  expect(await connection.next()).toMatchObject({ id: 2, ok: true })
  expect(await connection.next()).toBeUndefined()
  await connection.closed
})

describe('W24: TCP', () => {
  const tcp = () => new Raw(server.tcp ?? { port: 0 })
  const token = () => readFileSync(join(directory, 'token'), 'utf8').trim()

  test('is on 127.0.0.1, and works with the token, which is for its owner alone', async () => {
    expect(server.tcp?.host).toBe('127.0.0.1')
    expect(statSync(join(directory, 'token')).mode & 0o777).toBe(0o600)
    const one = await connect({ port: server.tcp?.port ?? 0, token: token() })
    await one.request('topic_create', { topic: 'tcp' })
    await one.publish('tcp', { body: bytes(3) })
    for await (const item of await one.subscribe('tcp', { group: 'tcp' })) {
      expect(item).toMatchObject({ topic: 'tcp', body: bytes(3) })
      break
    }
    await one.close()
  })

  test('is closed to who has another token, or asks for anything else first', async () => {
    const wrong = connect({ port: server.tcp?.port ?? 0, token: '0'.repeat(64) })
    await expect(wrong).rejects.toMatchObject({ code: 'unauthorized' })
    for (const [op, args] of [
      ['ping', {}],
      ['auth', {}],
      ['auth', { token: '' }],
      ['auth', { token: `${token()}0` }],
    ] as const) {
      const connection = tcp()
      expect(await connection.request(op, args)).toEqual(refusal(1, 'unauthorized'))
      expect(await connection.next()).toBeUndefined()
      await connection.closed
    }
  })

  test('does nothing of what comes behind a wrong token', async () => {
    const connection = tcp()
    const create = '{"id":2,"op":"topic_create","args":{"topic":"stolen"}}'
    await connection.write(`{"id":1,"op":"auth","args":{"token":"x"}}\n${create}\n`)
    expect(await connection.next()).toEqual(refusal(1, 'unauthorized'))
    expect(await connection.next()).toBeUndefined()
    const one = await client()
    const described = one.request('topic_describe', { topic: 'stolen' })
    await expect(described).rejects.toMatchObject({ code: 'no_such_topic' })
    await one.close()
  })

  test('takes little of who has not shown it, and not for long', async () => {
    const talker = tcp()
    await talker.write('x'.repeat(2000))
    expect(await talker.next()).toEqual(refusal(null, 'too_large'))
    await talker.closed
    expect(await silent.next()).toBeUndefined()
  })
})

describe('W18: a directory has one server', () => {
  test('whose socket is for its owner alone', () => {
    expect(statSync(server.socket).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  test('a second one is refused, and the first goes on', async () => {
    const { status, stderr } = await walmq(['serve', '--dir', directory])
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: /^walmq: .*lock/ })
    const one = await client()
    expect(await one.request('ping', {})).toEqual({ protocol: 1 })
    await one.close()
  })

  test('what was killed leaves a socket, which the next one replaces', async () => {
    const own = freshDirectory()
    // Of somebody who was careless.
    chmodSync(own, 0o755)
    const first = await serve(own)
    await first.kill()
    expect(existsSync(first.socket)).toBe(true)
    await expect(connect(first)).rejects.toMatchObject({ code: 'closed' })
    const second = await serve(own)
    expect(statSync(second.socket).mode & 0o777).toBe(0o600)
    const one = await connect(second)
    await one.close()
    expect(await second.stop()).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(second.socket)).toBe(false)
  })

  test('a socket on which somebody answers is not taken, nor is what is no socket', async () => {
    const own = freshDirectory()
    const path = join(own, 'walmq.sock')
    const stranger = createServer((socket) => void socket.on('error', () => undefined))
    await new Promise<void>((resolve) => void stranger.listen(path, resolve))
    const live = await walmq(['serve', '--dir', own])
    expect(live).toMatchObject({ status: 2, stderr: `walmq: a server answers at ${path}\n` })
    await new Promise((resolve) => void stranger.close(resolve))
    writeFileSync(path, 'a file')
    const file = await walmq(['serve', '--dir', own])
    expect(file).toMatchObject({ status: 1, stderr: `walmq: ${path} is not a socket\n` })
    expect(readFileSync(path, 'utf8')).toBe('a file')
  })
})

test('SIGTERM: what was asked for is answered, subscribers are told, and the exit code is 0', async () => {
  const own = freshDirectory()
  const stopping = await serve(own)
  const one = await connect(stopping)
  await one.request('topic_create', { topic: 'last' })
  // More than fits on the way to somebody who does not read.
  await one.publish('last', { body: bytes(MIB / 2) })
  const deaf = new Raw({ path: stopping.socket })
  const args = { topic: 'last', group: 'deaf' }
  await deaf.write(`${JSON.stringify({ id: 1, op: 'subscribe', args })}\n`)
  const subscription = await one.subscribe('last', { group: 'last' })
  const reading = (async () => {
    for await (const _ of subscription);
  })()
  const ended = expect(reading).rejects.toMatchObject({ code: 'closed' })
  const publishing = one.publish('last', { body: bytes(10) })
  // The server has it: the answer to what was sent after it is here.
  await one.request('ping', {})
  const [{ status, stderr }, published] = await Promise.all([stopping.stop(), publishing])
  expect({ status, stderr, published }).toEqual({
    status: 0,
    stderr: '',
    published: { partition: 0, offset: 1 },
  })
  await ended
  await deaf.close()
})

/** Resident, in bytes. */
function memoryOf(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
