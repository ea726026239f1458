// What runs is what should run: replicas of a daemon in real processes, asked over its socket.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../../../examples/arcella/control/client.ts'
import { directoryOf, WASM } from '../../../../examples/arcella/modules/index.ts'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import { buildSamples } from '../../../../examples/arcella/samples/build.ts'
import {
  type Daemon,
  daemon,
  expectNoRemains,
  groupIn,
  groupProcesses,
  isAlive,
  newBase,
  pack,
  SERVICE,
  spec,
  start,
  until,
} from '../daemons.ts'

const CONFIG = `
[runtime]
max_restarts = 2
backoff_ms = 20
[environment]
DECLARED = "yes"
OTHER = "no"
[filesystem]
"/data" = "../data"
`
const base = newBase(CONFIG)
const samples = join(base, 'samples')
let running: Daemon
beforeAll(async () => {
  await buildSamples(samples)
  running = await daemon(base)
})
const pidsOf = async (deployment: string) =>
  Object.fromEntries(
    (await running.instances(deployment)).map(({ instance_id, pid }) => [instance_id, pid]),
  )
const started = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('started in process'))
const undeploy = (deployment_id: string) => running.done('module:undeploy', { deployment_id })
const refusal = async (cmd: string, args: object) => {
  const { success, message } = await running.ask(cmd, args)
  expect(success).toBe(false)
  return message
}

describe('A3, A4: replicas', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `ticker.${n}`)
  const scale = (replicas: number) =>
    running.done('module:scale', { deployment_id: 'ticker', replicas })

  test('ten of them really tick', async () => {
    await running.done('module:install', { path: join(samples, 'ticker.wasm') })
    const file = spec(base, 'ticker', 'ticker@1.0.0', { replicas: 10 })
    await running.done('module:deploy', { file })
    await running.done('module:start', { deployment_id: 'ticker' })
    const instances = await running.running('ticker', 10)
    expect(instances.map(({ instance_id }) => instance_id)).toEqual(ids(10))
    expect(new Set(instances.map(({ pid }) => pid)).size).toBe(1)
    for (const id of ids(10))
      await until(
        async () => (await running.lines(id)).includes('tick 3'),
        () => id,
      )
  })

  test('from ten to three to twelve: three of them never noticed', async () => {
    await scale(3)
    expect(Object.keys(await pidsOf('ticker'))).toEqual(ids(3))
    for (const id of ids(10).slice(3)) expect((await running.lines(id)).at(-1)).toBe('stopped')
    const before = await running.lines('ticker.0')
    await scale(12)
    await running.running('ticker', 12)
    await until(async () => (await running.lines('ticker.11')).includes('tick 1'))
    for (const id of ids(3)) expect(started(await running.lines(id))).toHaveLength(1)
    expect(started(await running.lines('ticker.5'))).toHaveLength(2)
    // It counted on where it was.
    const ticks = (await running.lines('ticker.0')).filter((line) => line.startsWith('tick'))
    expect(ticks).toEqual(ticks.map((_, n) => `tick ${n + 1}`))
    expect(ticks.length).toBeGreaterThan(before.filter((line) => line.startsWith('tick')).length)
    await undeploy('ticker')
    await until(() => groupProcesses(base).length === 0)
  })
})

test('A7: when a group process is killed its replicas run again, and others never noticed', async () => {
  await start(running, 'victim', 'service', { table: SERVICE, replicas: 2 })
  await start(running, 'other', 'service', { table: SERVICE, group: groupIn(base, 'other') })
  const [victims, [other]] = [await running.running('victim', 2), await running.running('other', 1)]
  const pid = victims[0]?.pid ?? 0
  expect(pid).not.toBe(other?.pid)
  process.kill(pid, 'SIGKILL')
  for (const id of ['victim.0', 'victim.1']) {
    const again = await running.instance(
      id,
      ({ state, restarts }) => state === 'running' && restarts === 1,
    )
    expect(again.pid).not.toBe(pid)
  }
  expect(await running.instances('other')).toEqual([other])
  expect((await running.lines('victim.0')).join('\n')).toContain('failed: the process of group')
  await undeploy('victim')
  await undeploy('other')
})

test('A8: a trap is a failure; after so many restarts it is left alone, until it is started anew', async () => {
  await start(running, 'trap', 'trap')
  const failed = await running.instance('trap.0', ({ state }) => state === 'failed')
  expect(failed).toMatchObject({ restarts: 2, error: 'trap: unreachable' })
  expect(started(await running.lines('trap.0'))).toHaveLength(3)
  // It should run already: that changes nothing.
  await running.done('module:start', { deployment_id: 'trap' })
  expect(started(await running.lines('trap.0'))).toHaveLength(3)
  await running.done('module:stop', { deployment_id: 'trap' })
  await running.done('module:start', { deployment_id: 'trap' })
  await until(async () => started(await running.lines('trap.0')).length === 6)
  await undeploy('trap')
})

test('A9, A10: an endless loop is ended by its stop, and memory has its limit', async () => {
  const table = '[deployment.startup]\ntimeout_seconds = 0.3\n'
  await start(running, 'loop', 'loop', { table })
  const { pid = 0 } = await running.instance('loop.0', ({ state }) => state === 'running')
  await running.done('module:stop', { deployment_id: 'loop' })
  expect((await running.lines('loop.0')).at(-1)).toBe('terminated')
  await until(() => !isAlive(pid))
  await undeploy('loop')
  const resources =
    '[component.capabilities]\nwasi = ["wasi:cli"]\n[deployment.resources]\nmemory_mb = 2\n'
  await start(running, 'grow', 'grow', { table: resources })
  const grown = await running.instance('grow.0', ({ state }) => state === 'exited')
  // 64 KiB each.
  expect(grown.exit_code).toBe(32)
  await undeploy('grow')
})

test('A11: a command that has ended runs again only when it is started anew', async () => {
  await running.done('module:install', { path: join(samples, 'hello.wasm') })
  const file = spec(base, 'hello', 'hello@1.0.0', { replicas: 2 })
  await running.done('module:deploy', { file })
  const printed = async (id: string) =>
    (await running.lines(id)).filter((line) => line === 'hello, world').length
  await running.done('module:start', { deployment_id: 'hello' })
  for (const id of ['hello.0', 'hello.1'])
    await running.instance(id, ({ state }) => state === 'exited')
  await running.done('module:start', { deployment_id: 'hello' })
  await running.done('module:scale', { deployment_id: 'hello', replicas: 3 })
  await running.instance('hello.2', ({ state }) => state === 'exited')
  expect([await printed('hello.0'), await printed('hello.1'), await printed('hello.2')]).toEqual([
    1, 1, 1,
  ])
  await running.done('module:stop', { deployment_id: 'hello' })
  await running.done('module:start', { deployment_id: 'hello' })
  await until(async () => (await printed('hello.0')) === 2)
  await undeploy('hello')
})

describe('A12 to A16: what is refused', () => {
  test('A13: two replicas in main isolation, at deploy and at scale; one runs in the daemon', async () => {
    const template = '[deployment]\nisolation = "main"\ntrusted = true\nasync = true\n'
    const path = await pack(base, 'service', 'kernel@1.0.0', `${template}${SERVICE}`)
    await running.done('module:install', { path })
    const two = spec(base, 'two', 'kernel@1.0.0', { replicas: 2 })
    const message = 'isolation = "main" requires replicas = 1, not 2'
    expect(await refusal('module:deploy', { file: two })).toBe(message)
    await running.done('module:deploy', { file: spec(base, 'kernel', 'kernel@1.0.0') })
    expect(await refusal('module:scale', { deployment_id: 'kernel', replicas: 2 })).toBe(message)
    await running.done('module:start', { deployment_id: 'kernel' })
    const [instance] = await running.running('kernel', 1)
    expect(instance?.pid).toBe(running.pid)
    await undeploy('kernel')
  })

  test.each([
    ['isolation = "main"', 'isolation = "main" requires async = true'],
    ['trusted = true', 'trusted = true requires isolation = "main"'],
    [
      'replicas = 0',
      expect.stringMatching(/bad\.deployment\.toml:4:1: .*replicas must be at least 1/),
    ],
  ])('A12: %s', async (line, message) => {
    await running.ask('module:install', { path: await pack(base, 'service', 'bad@1.0.0') })
    const more = line.startsWith('replicas') ? '' : `[deployment.overrides]\n${line}\n`
    const replicas = line.startsWith('replicas') ? 0 : 1
    const file = spec(base, 'bad', 'bad@1.0.0', { more, replicas })
    expect(await refusal('module:deploy', { file })).toEqual(message)
  })

  test('A12: a module that needs a TEE, files that are none, and TOML with its place', async () => {
    const security = '[component.capabilities.security]\nrequires_tee = true\n'
    await running.done('module:install', {
      path: await pack(base, 'service', 'tee@1.0.0', security),
    })
    expect(await refusal('module:deploy', { file: spec(base, 'tee', 'tee@1.0.0') })).toContain(
      'requires_tee',
    )
    const broken = await pack(base, Buffer.from('no wasm'), 'broken@1.0.0')
    expect(await refusal('module:install', { path: broken })).toMatch(/no WebAssembly module/)
    const component = await pack(base, Buffer.from('0061736d0d000100', 'hex'), 'component@1.0.0')
    expect(await refusal('module:install', { path: component })).toMatch(/this is a component/)
    const wrong = await pack(base, 'service', 'wrong@1.0.0', 'exports = 3\n')
    expect(await refusal('module:install', { path: wrong })).toMatch(/wrong-1\.0\.0\.toml:3:1: /)
    expect(await refusal('module:install', { path: '/nowhere.wasm' })).toMatch(/is not there$/)
    await expectNoRemains(running)
  })

  test('A14, A16: removing what is deployed, and deploying what is not installed', async () => {
    await running.done('module:deploy', { file: spec(base, 'uses', 'bad@1.0.0') })
    const bad = { module_id: 'bad@1.0.0' }
    expect(await refusal('module:remove', bad)).toBe(
      'Module bad@1.0.0 is deployed as uses: undeploy it first',
    )
    await undeploy('uses')
    await running.done('module:remove', bad)
    const file = spec(base, 'uses', 'bad@1.0.0')
    expect(await refusal('module:deploy', { file })).toBe('Module bad@1.0.0 is not installed')
    await expectNoRemains(running)
  })
})

test('A15: two deployments of one module run side by side', async () => {
  const path = await pack(base, 'service', 'shared@1.0.0', SERVICE)
  await running.done('module:install', { path })
  for (const id of ['one', 'two']) {
    await running.done('module:deploy', { file: spec(base, id, 'shared@1.0.0') })
    await running.done('module:start', { deployment_id: id })
  }
  await running.running('one', 1)
  const before = await running.running('two', 1)
  await undeploy('one')
  expect(await running.instances('two')).toEqual(before)
  await undeploy('two')
})

test('A17: after an update the new contents run, as another generation', async () => {
  await start(running, 'grown', 'service', { table: SERVICE, replicas: 2 })
  await running.running('grown', 2)
  await pack(base, 'trap', 'grown@1.0.0')
  const path = join(base, 'in', 'grown-1.0.0.wasm')
  await running.done('module:update', { path })
  const failed = await running.instance('grown.1', ({ state }) => state === 'failed')
  expect(failed).toMatchObject({ generation: 2, error: 'trap: unreachable' })
  expect(await running.lines('grown.0')).toContain('stopped')
  await pack(base, 'service', 'grown@1.0.0', SERVICE)
  await running.done('module:update', { path })
  const again = await running.running('grown', 2)
  expect(again.map(({ instance_id, generation }) => [instance_id, generation])).toEqual([
    ['grown.0', 3],
    ['grown.1', 3],
  ])
  await expectNoRemains(running)
  await undeploy('grown')
})

test('A18: what was changed on the disk is not started; an update mends it', async () => {
  await start(running, 'rotten', 'service', { table: SERVICE })
  await running.running('rotten', 1)
  await running.done('module:stop', { deployment_id: 'rotten' })
  const { data } = await running.ask('module:list')
  const modules = data as { module_id: { name: string; version: string }; sha256: string }[]
  const module = modules.find(({ module_id }) => module_id.name === 'rotten')
  if (!module) throw new Error('it is installed')
  const directory = join(layoutOf(base).modules, directoryOf(module.module_id, module.sha256))
  const bytes = readFileSync(join(directory, WASM))
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(join(directory, WASM), bytes)
  const message = await refusal('module:start', { deployment_id: 'rotten' })
  expect(message).toMatch(/^the module is corrupt: its SHA-256 is [0-9a-f]{64}, /)
  await running.done('module:update', { path: join(base, 'in', 'rotten-1.0.0.wasm') })
  await running.done('module:start', { deployment_id: 'rotten' })
  await running.running('rotten', 1)
  await undeploy('rotten')
})

test('A19: of several who install one id at the same time, one does', async () => {
  const paths = await Promise.all(
    (['service', 'trap', 'grow', 'loop'] as const).map(async (name, n) => {
      const path = await pack(base, name, 'race@1.0.0')
      const other = join(base, 'in', `race-${n}.wasm`)
      for (const suffix of ['.wasm', '.toml'])
        writeFileSync(other.replace('.wasm', suffix), readFileSync(path.replace('.wasm', suffix)))
      return other
    }),
  )
  const others = await Promise.all(paths.map(() => connect(layoutOf(base).socket)))
  const answers = await Promise.all(
    paths.map((path, n) => others[n]?.request('module:install', { path })),
  )
  expect(answers.filter((answer) => answer?.success)).toHaveLength(1)
  for (const answer of answers)
    if (!answer?.success) expect(answer?.message).toBe('Module race@1.0.0 is already installed')
  for (const other of others) other.close()
  await expectNoRemains(running)
})

test('A22: a module sees of the environment and of files what it declares and the daemon has', async () => {
  const wasi = 'wasi = ["wasi:cli", "wasi:filesystem"]'
  const declaring = (lines: string) => `[component.capabilities]\n${wasi}\n${lines}\n`
  const table = declaring('environment = ["DECLARED", "SECRET_OF_THE_DAEMON", "PATH"]')
  await start(running, 'env', 'environment', { table })
  await running.instance('env.0', ({ exit_code }) => exit_code === 7)
  const said = (await running.lines('env.0')).join('\n')
  expect(said).toContain('DECLARED=yes')
  expect(said).not.toMatch(/OTHER|SECRET|PATH/)

  await start(running, 'blind', 'files')
  const blind = await running.instance('blind.0', ({ state }) => state !== 'starting')
  // Nothing of WASI is declared.
  expect(blind).toMatchObject({ state: 'failed', error: expect.stringMatching(/wasi/) })
  await start(running, 'homeless', 'files', { table: declaring('filesystem = ["/home"]') })
  const homeless = await running.instance('homeless.0', ({ state }) => state === 'failed')
  expect(homeless.error).toContain('/home is declared')
  for (const id of ['env', 'blind', 'homeless']) await undeploy(id)
})

test('stops well in the end, and nothing of it is left', async () => {
  await start(running, 'last', 'service', { table: SERVICE, replicas: 3 })
  await running.running('last', 3)
  expect(await running.stop()).toMatchObject({ status: 0, stderr: '' })
  expect(groupProcesses(base)).toEqual([])
  // What should run still should.
  running = await daemon(base)
  await running.running('last', 3)
  await running.stop()
})
