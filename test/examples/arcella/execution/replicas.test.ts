// Replicas in the processes of their groups: what they do, and what becomes of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readPackage } from '../../../../examples/arcella/modules/package.ts'
import { buildSamples } from '../../../../examples/arcella/samples/build.ts'
import { freshDirectory, instance, instanceOf, isAlive, open, until } from './hosts.ts'

const SERVICE = { startup: { entrypoint: 'begin', shutdown: 'shutdown', timeout_seconds: 2 } }
const numbered = (deployment: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${deployment}.${index + 1}`)

describe('the samples', async () => {
  const directory = freshDirectory('samples')
  await buildSamples(directory)
  const sample = async (name: string, id: string) => {
    const { bytes, facts } = await readPackage(join(directory, `${name}.wasm`))
    const { startup = {}, resources = {} } = facts.template ?? {}
    const { wasi } = facts.manifest.capabilities
    return instanceOf(bytes, name, id, { startup, resources, wasi })
  }

  test('A3: replicas really tick, and are told when they are stopped', async () => {
    const watched = await open()
    const ids = numbered('ticker', 4)
    for (const id of ids) watched.host.start(await sample('ticker', id))
    await until(() => ids.every((id) => watched.linesOf(id, 'log').includes('tick 12')))
    expect(watched.host.groups()).toMatchObject([{ group: 'tests', instances: 4 }])
    await Promise.all(ids.map((id) => watched.host.stop(id)))
    for (const id of ids) {
      const lines = watched.linesOf(id, 'log')
      const ticks = Array.from({ length: lines.length - 2 }, (_, index) => `tick ${index + 1}`)
      expect(lines).toEqual(['started', ...ticks, 'stopped'])
      expect(watched.of(id).map(({ type }) => type)).toEqual(['started', 'stopped'])
      expect(watched.of(id).at(-1)).toMatchObject({ how: 'ended' })
    }
    expect(watched.host.running()).toEqual([])
  })

  test('A2: a command prints, and ends', async () => {
    const watched = await open()
    const event = await watched.ended(await sample('hello', 'hello.1'))
    expect(event).toEqual({ id: 'hello.1', generation: 1, type: 'exited', exitCode: 0 })
    expect(watched.lines).toEqual([{ id: 'hello.1', stream: 'stdout', line: 'hello, world' }])
    // A11: it is not begun again.
    await sleep(100)
    expect(watched.of('hello.1').map(({ type }) => type)).toEqual(['started', 'exited'])
  })
})

test('a real WASI command runs: esbuild says its version', async () => {
  const watched = await open()
  const file = new URL(import.meta.resolve('@esbuild/wasi-preview1/package.json'))
  const bytes = readFileSync(new URL('esbuild.wasm', file))
  const wasi = ['cli', 'clocks', 'filesystem', 'io', 'random'].map((name) => `wasi:${name}`)
  // Without arguments and on a standard input that is empty, it has nothing to transform.
  const event = await watched.ended(instanceOf(bytes, 'esbuild', 'esbuild.1', { wasi }))
  expect(event).toMatchObject({ type: 'exited', exitCode: 0 })
})

describe('A7: when a group process is killed', () => {
  test('its replicas run again under their ids, and those of others never noticed', async () => {
    const watched = await open()
    const victims = numbered('victim', 3)
    for (const id of victims) watched.host.start(await instance('service', id, SERVICE))
    watched.host.start(await instance('service', 'other.1', { ...SERVICE, group: 'others' }))
    const pids = await Promise.all(victims.map((id) => watched.started(id)))
    const other = await watched.started('other.1')
    expect(new Set(pids).size).toBe(1)
    expect(pids).not.toContain(other)

    const [pid = 0] = pids
    process.kill(pid, 'SIGKILL')
    const again = await Promise.all(victims.map((id) => watched.started(id, 1)))
    expect(new Set(again).size).toBe(1)
    expect(again).not.toContain(pid)
    for (const id of victims) {
      const error = 'the process of group "tests" is gone: it ended by SIGKILL'
      expect(watched.of(id)).toMatchObject([
        { type: 'started', restarts: 0 },
        { type: 'failed', error, restarts: 0, retryInMs: 20 },
        { type: 'started', restarts: 1 },
      ])
    }
    expect(watched.of('other.1').map(({ type }) => type)).toEqual(['started'])
    expect(isAlive(other)).toBe(true)
    await watched.host.close()
    expect([...again, other].filter(isAlive)).toEqual([])
  })

  test('one that waits to be started again can be stopped', async () => {
    const watched = await open({ limits: { backOffMs: 60_000, backOffMaxMs: 60_000 } })
    watched.host.start(await instance('trap', 'trap.1'))
    await until(() => watched.of('trap.1').some(({ type }) => type === 'failed'))
    expect(watched.host.running()).toEqual(['trap.1'])
    await watched.host.stop('trap.1')
    expect(watched.of('trap.1').at(-1)).toMatchObject({ type: 'stopped', how: 'ended' })
    expect(watched.host.running()).toEqual([])
  })
})

describe('A8: a trap', () => {
  test('is a failure; the replica runs again, each time later, and not for ever', async () => {
    const watched = await open({ limits: { backOffMs: 5, backOffMaxMs: 15, restarts: 3 } })
    await watched.ended(await instance('trap', 'trap.1'))
    const failed = watched.of('trap.1').filter((event) => event.type === 'failed')
    expect(failed).toMatchObject([
      { error: 'trap: unreachable', restarts: 0, retryInMs: 5 },
      { error: 'trap: unreachable', restarts: 1, retryInMs: 10 },
      { error: 'trap: unreachable', restarts: 2, retryInMs: 15 },
      { error: 'trap: unreachable', restarts: 3, retryInMs: undefined },
    ])
    expect(watched.host.running()).toEqual([])
  })

  test('after a good while is forgiven: it is counted anew', async () => {
    const watched = await open({ limits: { backOffMs: 1, restarts: 1, stableMs: 0 } })
    watched.host.start(await instance('trap', 'trap.1'))
    await watched.started('trap.1', 3)
    const failed = watched.of('trap.1').filter((event) => event.type === 'failed')
    expect(failed.map(({ retryInMs }) => retryInMs)).toEqual(failed.map(() => 1))
    await watched.host.stop('trap.1')
  })

  test('harms no replica in the same process', async () => {
    const watched = await open({ limits: { restarts: 1 } })
    watched.host.start(await instance('service', 'service.1', SERVICE))
    const pid = await watched.started('service.1')
    for (const name of ['trap', 'trapAtStart', 'recursion'] as const)
      expect(await watched.ended(await instance(name, `${name}.1`))).toMatchObject({
        type: 'failed',
      })
    expect(watched.of('recursion.1').at(-1)).toMatchObject({
      error: 'Maximum call stack size exceeded',
    })
    const before = watched.linesOf('service.1', 'log').length
    await until(() => watched.linesOf('service.1', 'log').length > before + 2)
    expect(watched.of('service.1')).toMatchObject([{ type: 'started', pid }])
  })

  test('in shutdown is told, and it is stopped all the same', async () => {
    const watched = await open()
    const startup = { entrypoint: 'begin', shutdown: 'trap' }
    watched.host.start(await instance('service', 'service.1', { startup }))
    await watched.started('service.1')
    await watched.host.stop('service.1')
    expect(watched.of('service.1').at(-1)).toMatchObject({ type: 'stopped', how: 'ended' })
    expect(watched.linesOf('service.1', 'host')).toEqual(['its shutdown failed: trap: unreachable'])
  })
})

describe('A9: an endless loop', () => {
  test.each([
    ['in a command', { entrypoint: '_start' }],
    ['in an entrypoint', { entrypoint: 'spin' }],
    ['in tick', { entrypoint: 'begin' }],
  ])('%s is ended at the timeout of its stop', async (_, startup) => {
    const watched = await open()
    const timeout = { startup: { ...startup, timeout_seconds: 0.25 } }
    watched.host.start(await instance('loop', 'loop.1', timeout))
    await until(() => watched.linesOf('loop.1', 'log').includes('spinning'))
    const pid = await watched.started('loop.1')
    const from = performance.now()
    await watched.host.stop('loop.1')
    const took = performance.now() - from
    // The time of a call of `tick` began before.
    if (startup.entrypoint !== 'begin') expect(took).toBeGreaterThan(240)
    expect(took).toBeLessThan(5000)
    expect(watched.of('loop.1').at(-1)).toMatchObject({ type: 'stopped', how: 'terminated' })
    await until(() => !isAlive(pid))
  })

  test('in shutdown is ended, too', async () => {
    const watched = await open()
    const startup = { entrypoint: 'begin', shutdown: 'shutdown', timeout_seconds: 0.2 }
    watched.host.start(await instance('loopInShutdown', 'loop.1', { startup }))
    await watched.started('loop.1')
    await watched.host.stop('loop.1')
    expect(watched.of('loop.1').at(-1)).toMatchObject({ type: 'stopped', how: 'terminated' })
  })

  test('of a tick is ended by itself, and so is any call that takes longer than its fuel', async () => {
    const watched = await open({ limits: { restarts: 0 } })
    const startup = { entrypoint: 'begin', timeout_seconds: 0.1 }
    const tick = await watched.ended(await instance('loop', 'tick.1', { startup }))
    expect(tick).toMatchObject({ error: 'a call took longer than 100 ms, and was ended' })
    const resources = { fuel: 50_000_000 }
    for (const name of ['loop', 'loopAtStart'] as const) {
      const event = await watched.ended(await instance(name, `${name}.1`, { resources }))
      expect(event).toMatchObject({ error: 'a call took longer than 50 ms, and was ended' })
    }
  })

  test('in a start function is no start', async () => {
    const watched = await open({ limits: { restarts: 0, startMs: 300 } })
    const event = await watched.ended(await instance('loopAtStart', 'loop.1'))
    expect(event).toMatchObject({ type: 'failed', error: 'it did not start within 300 ms' })
  })

  test('a sleep is ended, too, and takes no fuel', async () => {
    const watched = await open()
    const wanted = { resources: { fuel: 20_000_000 }, startup: { timeout_seconds: 0.2 } }
    watched.host.start(await instance('service', 'service.1', SERVICE))
    watched.host.start(await instance('sleep', 'sleep.1', wanted))
    await watched.started('sleep.1')
    await sleep(200)
    await watched.host.stop('sleep.1')
    expect(watched.of('sleep.1').map(({ type }) => type)).toEqual(['started', 'stopped'])
    expect(watched.of('service.1').map(({ type }) => type)).toEqual(['started'])
  })
})

test('A10: a module has the memory that it is given, and not more', async () => {
  const watched = await open()
  const resources = { memory_mb: 2 }
  const grown = await watched.ended(await instance('grow', 'grow.1', { resources }))
  expect(grown).toMatchObject({ type: 'exited', exitCode: 32 })
  const huge = await watched.ended(await instance('huge', 'huge.1', { resources }))
  const error = 'it needs 65536 pages of memory at once, and is given 32'
  // It would be the same at each attempt.
  expect(huge).toMatchObject({ type: 'failed', error, restarts: 0, retryInMs: undefined })
})

describe('main isolation', () => {
  const MAIN = { isolation: 'main', trusted: true, async: true } as const

  test('a service ticks inside of this process, and is stopped', async () => {
    const watched = await open()
    watched.host.start(await instance('service', 'main.1', { ...SERVICE, ...MAIN }))
    expect(await watched.started('main.1')).toBe(process.pid)
    await until(() => watched.linesOf('main.1', 'log').length > 3)
    await watched.host.stop('main.1')
    const lines = watched.linesOf('main.1', 'log')
    expect([lines[0], lines[1], lines.at(-1)]).toEqual(['began', 'ticked', 'stopped'])
    expect(watched.host.groups()).toEqual([])
  })

  test('what a module throws there is its own failure', async () => {
    const watched = await open({ limits: { restarts: 1 } })
    expect(await watched.ended(await instance('trap', 'trap.1', MAIN))).toMatchObject({
      ...{ type: 'failed', error: 'trap: unreachable', restarts: 1, retryInMs: undefined },
    })
    expect(await watched.ended(await instance('recursion', 'deep.1', MAIN))).toMatchObject({
      error: 'Maximum call stack size exceeded',
    })
  })
})
