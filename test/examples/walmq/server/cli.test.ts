// The command line from end to end, as somebody types it.
import { appendFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { freshDirectory, type Server, serve, start, walmq } from './processes.ts'

const directory = freshDirectory()
const key = join(directory, 'key')
let server: Server
beforeAll(async () => {
  writeFileSync(key, `${'0f'.repeat(32)}\n`, { mode: 0o600 })
  server = await serve(join(directory, 'data'), '--encryption-key-file', key)
})
const dir = join(directory, 'data')
const run = (...args: string[]) => walmq([...args, '--dir', dir])
const done = (stdout: string) => ({ status: 0, stdout, stderr: '' })

describe('W19: the command line', () => {
  test('makes topics, changes, tells and deletes them', async () => {
    expect(await run('topic', 'create', 'logs', '--partitions', '2')).toEqual(
      done('logs\tpartitions 2\tmessages 0\tbytes 0\tkeeps everything\n'),
    )
    expect(await run('topic', 'create', 'logs')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^walmq: .*logs/),
    })
    const [retained, grown] = [
      await run('topic', 'set-retention', 'logs', '--retention-ms', '60000', '--keep-unacked'),
      await run('topic', 'add-partitions', 'logs', '3'),
    ]
    const keeps = 'messages 0\tbytes 0\tkeeps 60000 ms, what is not acknowledged\n'
    expect(retained).toEqual(done(`logs\tpartitions 2\t${keeps}`))
    expect(grown).toEqual(done(`logs\tpartitions 3\t${keeps}`))
    await run('topic', 'create', 'short')
    expect(await run('topic', 'delete', 'short')).toEqual(done(''))
    const listed = await run('topic', 'list', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject([{ topic: 'logs', retention_ms: 60_000 }])
    const described = await run('topic', 'describe', 'logs')
    expect(described.stdout.split('\n')).toHaveLength(5)
  })

  test('publishes arguments and lines, and prints them to a group', async () => {
    await run('topic', 'create', 'chat')
    const published = await run('pub', 'chat', 'one', 'two', '--key', 'k')
    expect(published).toEqual(done('chat/0@0\nchat/0@1\n'))
    const lines = Array.from({ length: 300 }, (_, number) => `line ${number}\n`)
    const piped = await walmq(['pub', 'chat', '--dir', dir], lines.join(''))
    expect(piped).toEqual(done(lines.map((_, number) => `chat/0@${number + 2}\n`).join('')))

    const sub = (...more: string[]) => run('sub', 'chat', '--group', 'g', ...more)
    expect(await sub('--count', '1', '--no-ack')).toEqual(done('one\n'))
    expect(await sub('--count', '2')).toEqual(done('one\ntwo\n'))
    const { stdout } = await sub('--count', '1', '--json')
    const event = { topic: 'chat', partition: 0, offset: 2, key: null }
    expect(JSON.parse(stdout)).toMatchObject({ ...event, body_b64: btoa('line 0') })
    expect((await sub('--count', '299')).stdout).toBe(lines.slice(1).join(''))
  })

  test('moves a group, acknowledges for it, and deletes it', async () => {
    await run('topic', 'create', 'jobs')
    await run('pub', 'jobs', 'a', 'b', 'c', 'd')
    await run('sub', 'jobs', '--group', 'w', '--count', '4')
    const moved = await run('seek', 'jobs', 'earliest', '--group', 'w')
    expect(moved).toEqual(done('partition 0\tnext 0\n'))
    const acked = await run('ack', 'jobs', '0-1', '3', '--group', 'w')
    expect(acked).toEqual(done('next 2\n'))
    expect((await run('groups')).stdout).toContain('w\tjobs\tconsumers 0\tnext 2\tlag 1\n')
    const beyond = await run('ack', 'jobs', '9', '--group', 'w')
    expect(beyond).toMatchObject({ status: 1, stdout: '' })
    const left = await run('sub', 'jobs', '--group', 'w', '--count', '1')
    expect(left).toEqual(done('c\n'))
    expect(await run('groups', 'delete', 'w')).toEqual(done(''))
    expect((await run('groups', 'list')).stdout).not.toContain('w\tjobs')
  })

  test('waits for messages, and ends well at SIGINT and where its reader leaves', async () => {
    await run('topic', 'create', 'live')
    const reader = start('sub', 'live', '--group', 'g', '--dir', dir)
    await run('pub', 'live', 'first')
    expect((await reader.lines.next()).value).toBe('first')
    reader.child.kill('SIGINT')
    expect(await reader.ended).toEqual(done('first\n'))

    const leaving = start('sub', 'live', '--group', 'h', '--dir', dir)
    expect((await leaving.lines.next()).value).toBe('first')
    leaving.child.stdout?.destroy()
    await run('pub', 'live', 'second')
    expect(await leaving.ended).toMatchObject({ status: 0, stderr: '' })
  })

  test('counts, looks at retention, compacts', async () => {
    const stats = JSON.parse((await run('stats', '--json')).stdout)
    expect(stats).toMatchObject({ connections: 1, consumers: 0, in_flight: 0 })
    expect(stats.topics).toBeGreaterThan(3)
    expect(await run('retention')).toEqual(done(''))
    expect(await run('compact')).toEqual(done(''))
    const compacted = JSON.parse((await run('stats', '--json')).stdout)
    expect(compacted.metadata).toEqual({ ...stats.metadata, records_since_compaction: 0 })
  })

  test('prints a segment without a server, to who has the key', async () => {
    await run('topic', 'create', 'sealed')
    await run('pub', 'sealed', 'secret\u001b[2J', '--key', 'k')
    const topics = join(dir, 'topics')
    const [name = ''] = readdirSync(topics).filter((each) => each.endsWith('-sealed'))
    const file = join(topics, name, 'p0', `${'0'.repeat(20)}.wal`)
    const opened = await walmq(['inspect', file, '--encryption-key-file', key, '--json'])
    expect(JSON.parse(opened.stdout)).toMatchObject({
      offset: 0,
      at: 0,
      key: 'k',
      body_b64: btoa('secret\u001b[2J'),
    })
    const shown = await walmq(['inspect', file, '--encryption-key-file', key])
    expect(shown.stdout).toMatch(/^0\tbyte 0\t\d+ bytes\t.*Z\tkey "k"\t"secret\\u001b\[2J"\n$/)
    expect(await walmq(['inspect', file])).toMatchObject({ status: 2, stdout: '' })
    const copy = join(directory, 'copy')
    cpSync(join(file, '..'), copy, { recursive: true })
    const torn = join(copy, `${'0'.repeat(20)}.wal`)
    appendFileSync(torn, 'torn')
    const cut = await walmq(['inspect', torn, '--encryption-key-file', key])
    expect(cut).toMatchObject({ status: 1, stdout: shown.stdout })
    expect(cut.stderr).toMatch(/^walmq: 4 bytes from byte \d+ on are no message\n$/)
  })

  test.each([
    ['no verb that there is', ['frobnicate']],
    ['no number', ['topic', 'create', 'x', '--partitions', 'many']],
    ['no group', ['sub', 'logs']],
    ['no server', ['stats', '--dir', '/nowhere']],
    ['a key that is none', ['serve', '--dir', '/nowhere', '--encryption-key-file', '/dev/null']],
    ['no segment', ['inspect', '/nowhere/x.wal']],
  ])('ends with 2 and says why: %s', async (_, args) => {
    const { status, stdout, stderr } = await walmq(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^(walmq|error): /)
    expect(stderr).not.toContain('    at ')
  })

  test('stops at SIGTERM, and opens only with the key it was made with', async () => {
    expect(await server.stop()).toMatchObject({ status: 0, stderr: '' })
    expect(await run('serve')).toMatchObject({ status: 2, stdout: '' })
  })
})
