// What a module sees of its host, and what it can do to it: no more than its manifest declares.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromGroup } from '../../../../examples/arcella/execution/messages.ts'
import { freshDirectory, instance, open, type Wanted, type Watched } from './hosts.ts'
import type { WAT } from './wat.ts'

describe('A22: the environment', () => {
  const env = { DECLARED: 'yes', SECRET: 'no' }

  test('has what is declared and set, and nothing else', async () => {
    const watched = await open({ env })
    const environment = ['DECLARED', 'UNSET', 'PATH']
    const event = await watched.ended(await instance('environment', 'env.1', { environment }))
    expect(event).toMatchObject({ type: 'exited', exitCode: 7 })
    expect(watched.linesOf('env.1', 'stdout')).toEqual(['environment\0DECLARED=yes\0'])
  })

  test('is empty where nothing is declared', async () => {
    const watched = await open({ env })
    await watched.ended(await instance('environment', 'env.1'))
    expect(watched.linesOf('env.1', 'stdout')).toEqual(['environment\0'])
  })
})

describe('A22: paths', () => {
  const [EBADF, ENOTCAPABLE] = [8, 76]
  const parent = freshDirectory('files')
  writeFileSync(join(parent, 'outside'), 'secret')
  const data = freshDirectory('files/data')
  writeFileSync(join(data, 'inside'), 'hello')
  const directories = { '/data': data, '/more': parent }

  test('a module opens what is in a declared directory, and not what is beside it', async () => {
    const watched = await open({ directories })
    const event = await watched.ended(await instance('files', 'files.1', { filesystem: ['/data'] }))
    expect(watched.linesOf('files.1', 'stdout')).toEqual(['hello'])
    expect(event).toMatchObject({ type: 'exited', exitCode: ENOTCAPABLE })
  })

  test('where nothing is declared, there are no directories', async () => {
    const watched = await open({ directories })
    const event = await watched.ended(await instance('files', 'files.1'))
    expect(watched.lines).toEqual([])
    expect(event).toMatchObject({ type: 'exited', exitCode: EBADF })
  })

  test('what is declared and the daemon does not have is refused', async () => {
    const watched = await open({ directories })
    const event = await watched.ended(
      await instance('files', 'files.1', { filesystem: ['/other'] }),
    )
    const error = "/other is declared, and the daemon's configuration has no directory for it"
    expect(event).toMatchObject({ type: 'failed', error, retryInMs: undefined })
  })
})

describe('imports', () => {
  let opened: Promise<Watched> | undefined
  /** Its process stays, since something sleeps in it. */
  const shared = () => {
    opened ??= open().then(async (watched) => {
      const startup = { timeout_seconds: 0.1 }
      watched.host.start(await instance('sleep', 'asleep.1', { startup }))
      return watched
    })
    return opened
  }

  test.each<[keyof typeof WAT, Wanted, string]>([
    ['importsMemory', {}, 'it imports env.memory, a memory, which does not exist here'],
    ['importsLogAsGlobal', {}, 'it imports arcella.log, a global, which does not exist here'],
    ['importsUnknown', {}, 'it imports arcella.spawn, a function, which does not exist here'],
    [
      'publish',
      { startup: { entrypoint: 'small' } },
      'it imports arcella.publish, and its manifest does not declare the network arcella:publish',
    ],
    [
      'sleep',
      { wasi: ['wasi:cli/stdout'] },
      'it imports wasi_snapshot_preview1.poll_oneoff, and its manifest does not declare wasi:io or wasi:clocks',
    ],
    ['minimal', {}, 'it exports no function _start, and its deployment names no entrypoint'],
    [
      'service',
      { startup: { entrypoint: 'none' } },
      'it exports no function none, which is to be called',
    ],
  ])('%s is refused by name, before any of it runs', async (name, wanted, error) => {
    const watched = await shared()
    const event = await watched.ended(await instance(name, `${name}.1`, wanted))
    expect(watched.of(`${name}.1`)).toEqual([event])
    expect(event).toMatchObject({ type: 'failed', error, restarts: 0, retryInMs: undefined })
  })

  test('a result of another type than the host gives is a failure of that module', async () => {
    const watched = await open({ limits: { restarts: 0 } })
    const event = await watched.ended(await instance('mistypes', 'wrong.1'))
    expect(event).toMatchObject({ error: 'Cannot convert a BigInt value to a number' })
  })
})

describe('arcella.publish', () => {
  const network = ['arcella:publish']
  const publisher = (entrypoint: string) =>
    instance('publish', 'publisher.1', { network, startup: { entrypoint } })

  test('hands a message to the host', async () => {
    const watched = await open()
    expect(await watched.ended(await publisher('small'))).toMatchObject({ exitCode: 0 })
    const body = Buffer.from('an event')
    expect(watched.published).toEqual([{ id: 'publisher.1', deployment: 'publisher', body }])
  })

  test('refuses what is too large, and more than so many a second', async () => {
    const watched = await open()
    expect(await watched.ended(await publisher('large'))).toMatchObject({ exitCode: 0 })
    expect(watched.published).toEqual([])
    expect(await watched.ended(await publisher('many'))).toMatchObject({ exitCode: 0 })
    expect(watched.published.length).toBeGreaterThanOrEqual(100)
    expect(watched.published.length).toBeLessThan(200)
  })

  test('a rejection is in the log of the instance', async () => {
    const watched = await open({ publish: () => Promise.reject(new Error('the broker is gone')) })
    expect(await watched.ended(await publisher('small'))).toMatchObject({ exitCode: 0 })
    expect(watched.linesOf('publisher.1', 'host')).toEqual([
      'it was not published: the broker is gone',
    ])
  })

  test.each([
    ['outside', '100 bytes at 131000 are outside of the memory of 131072 bytes'],
    ['logOutside', '2 bytes at 4294967295 are outside of the memory of 131072 bytes'],
  ])('%s: an address that is not in the memory ends the module', async (entrypoint, error) => {
    const watched = await open({ limits: { restarts: 0 } })
    expect(await watched.ended(await publisher(entrypoint))).toMatchObject({
      type: 'failed',
      error,
    })
    expect(watched.published).toEqual([])
  })
})

describe('output', () => {
  test('A2: a line that is too long is cut; too many in a second are counted and dropped', async () => {
    const watched = await open({ limits: { lineBytes: 100, linesPerSecond: 50 } })
    await watched.ended(await instance('flood', 'flood.1'))
    const errors = watched.linesOf('flood.1', 'stderr')
    expect(errors.length).toBeGreaterThanOrEqual(48)
    expect(errors.length).toBeLessThan(1000)
    const dropped = watched.linesOf('flood.1', 'host').map((line) => {
      const [, count] = /^(\d+) lines were dropped: too many in a second$/.exec(line) ?? []
      return Number(count)
    })
    const printed = watched.linesOf('flood.1', 'stdout')
    const all = dropped.reduce((sum, count) => sum + count, errors.length + printed.length)
    // The first line goes on until the first newline of its stream: it is told at the end, if there is room.
    expect(all).toBe(20_001)
    for (const line of printed) expect(line).toMatch(/^\0*.*…$/)
    for (const { line } of watched.lines) expect(line.length).toBeLessThanOrEqual(101)
  })
})

test.runIf(process.platform === 'linux')(
  'A22: group processes have an empty environment',
  async () => {
    const watched = await open()
    watched.host.start(await instance('sleep', 'sleep.1', { startup: { timeout_seconds: 0.1 } }))
    const pid = await watched.started('sleep.1')
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('PATH=')
    await watched.host.stop('sleep.1')
  },
)

describe('what a group process says', () => {
  const log = { type: 'log', stream: 'stdout', line: 'a line' }
  test.each([
    ['no object', 'started'],
    ['no run', { event: log }],
    ['a run that is none', { run: -1, event: log }],
    ['an unknown event', { run: 1, event: { type: 'granted' } }],
    ['an unknown stream', { run: 1, event: { ...log, stream: 'journal' } }],
    ['a line that is too long', { run: 1, event: { ...log, line: 'x'.repeat(65_537) } }],
    ['more than belongs there', { run: 1, event: { ...log, id: 'other.1' } }],
    ['a code that is none', { run: 1, event: { type: 'exited', exitCode: -1 } }],
    ['a body that is not base64', { run: 1, event: { type: 'publish', body: '§' } }],
  ])('is no message with %s', (_, message) => {
    expect(fromGroup.safeParse({ run: 1, event: log }).success).toBe(true)
    expect(fromGroup.safeParse(message).success).toBe(false)
  })
})

test('a module cannot harm its process by signals, by closing what is not its own, or by sockets', async () => {
  const watched = await open({ limits: { restarts: 0 } })
  const event = await watched.ended(await instance('attack', 'attack.1'))
  expect(watched.linesOf('attack.1', 'stdout')).toEqual(['alive'])
  const error = '8 bytes at 4294967288 are outside of the memory of 65536 bytes'
  expect(event).toMatchObject({ type: 'failed', error })
})

test('a file that is not what was installed is refused', async () => {
  const watched = await open()
  const good = await instance('service', 'corrupt.1')
  writeFileSync(good.module.path, Buffer.from('0061736d01000000', 'hex'))
  const event = await watched.ended(good)
  const error = expect.stringContaining(`${good.module.sha256} was installed`)
  expect(event).toMatchObject({ type: 'failed', error, restarts: 0, retryInMs: undefined })
})
