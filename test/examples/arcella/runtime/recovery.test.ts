// One start after one kill, step by step; kill.test.ts does it under load.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { WASM } from '../../../../examples/arcella/modules/index.ts'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import {
  daemon,
  expectNoRemains,
  groupIn,
  groupProcesses,
  isAlive,
  newBase,
  SERVICE,
  start,
  until,
} from '../daemons.ts'

const CONFIG = '[runtime]\nmax_restarts = 1\nbackoff_ms = 10\n'
const NAP = `[component.capabilities]
wasi = ["wasi:clocks"]
[deployment.startup]
timeout_seconds = 0.1
`
const WASI = '[component.capabilities]\nwasi = ["wasi:cli"]\n'

test('A5, A11: after kill -9 the same replicas run again, and nothing else', async () => {
  const base = newBase(CONFIG)
  let running = await daemon(base)
  await start(running, 'web', 'service', { table: SERVICE, replicas: 3 })
  await start(running, 'nap', 'sleep', { table: NAP, group: groupIn(base, 'asleep') })
  await start(running, 'off', 'service', { table: SERVICE })
  await running.done('module:stop', { deployment_id: 'off' })
  await start(running, 'once', 'hello', { table: WASI })
  await start(running, 'trap', 'trap')
  const before = await running.running('web', 3)
  const nap = await running.instance('nap.0', ({ state }) => state === 'running')
  await running.instance('once.0', ({ state }) => state === 'exited')
  await running.instance('trap.0', ({ state }) => state === 'failed')

  await running.kill()
  const pids = [...before, nap].flatMap(({ pid }) => pid ?? [])
  expect(new Set(pids).size).toBe(2)
  await until(() => !pids.some(isAlive))
  expect(groupProcesses(base)).toEqual([])

  running = await daemon(base)
  const after = await running.running('web', 3)
  expect(after.map(({ instance_id }) => instance_id)).toEqual(
    before.map(({ instance_id }) => instance_id),
  )
  const again = await running.instance('nap.0', ({ state }) => state === 'running')
  for (const { pid = 0 } of [...after, again]) expect(pids).not.toContain(pid)
  // One that had failed has another chance; what was stopped, and what was done, has not.
  await until(async () => {
    const lines = await running.lines('trap.0')
    return lines.filter((line) => line.startsWith('started')).length === 4
  })
  expect(await running.instances('off')).toEqual([])
  expect(await running.instances('once')).toMatchObject([{ state: 'exited', exit_code: 0 }])
  const once = await running.lines('once.0')
  expect(once.filter((line) => line === 'hello, world')).toHaveLength(1)
  expect(groupProcesses(base)).toHaveLength(2)
  await running.stop()
})

test('A6, A18: what a crash left is removed, and what was damaged is told and not started', async () => {
  const base = newBase(CONFIG)
  const { modules } = layoutOf(base)
  let running = await daemon(base)
  await start(running, 'web', 'service', { table: SERVICE })
  await start(running, 'bad', 'trap')
  await running.running('web', 1)
  await running.kill()
  for (const name of [`.${'0'.repeat(36)}`, `web@1.0.0-${'0'.repeat(64)}`, 'other']) {
    mkdirSync(join(modules, name))
    writeFileSync(join(modules, name, WASM), 'half of it')
  }
  const [bad = ''] = readdirSync(modules).filter((name) => name.startsWith('bad'))
  truncateSync(join(modules, bad, WASM), 5)

  running = await daemon(base)
  await expectNoRemains(running)
  await running.running('web', 1)
  const error = expect.stringMatching(/^the module is corrupt: its SHA-256 is/)
  expect(await running.instance('bad.0', ({ state }) => state === 'failed')).toMatchObject({
    error,
  })
  const list = await running.done('module:list')
  expect(list).toEqual([expect.objectContaining({ corrupt: error }), expect.anything()])
  const { message } = await running.ask('module:start', { deployment_id: 'bad' })
  expect(message).toMatch(/corrupt/)
  await running.done('module:update', { path: join(base, 'in', 'bad-1.0.0.wasm') })
  expect(
    await running.instance('bad.0', ({ error }) => error?.startsWith('trap') === true),
  ).toMatchObject({
    generation: 2,
  })
  await running.stop()
})

test('A6: what is answered is in the registry, though the daemon is killed at that moment', async () => {
  const base = newBase(CONFIG)
  const first = await daemon(base)
  await start(first, 'web', 'service', { table: SERVICE })
  await first.stop()
  const of = { deployment_id: 'web' }
  const operations = [
    ['module:scale', { ...of, replicas: 3 }, { spec: { replicas: 3 }, desired: 'running' }],
    ['module:stop', of, { spec: { replicas: 3 }, desired: 'stopped' }],
  ] as const
  for (const [command, args, expected] of operations) {
    const running = await daemon(base)
    await running.done(command, args)
    await running.kill()
    const { state } = await registry.replay(layoutOf(base).registry)
    expect(state.deployments.get('web')).toMatchObject(expected)
  }
})

test('A23: a registry whose last record is torn has everything before it, and runs it', async () => {
  const base = newBase(CONFIG)
  const { registry: journal } = layoutOf(base)
  let running = await daemon(base)
  await start(running, 'web', 'service', { table: SERVICE, replicas: 2 })
  await running.running('web', 2)
  const size = statSync(journal).size
  await running.done('module:scale', { deployment_id: 'web', replicas: 1 })
  await running.kill()
  copyFileSync(journal, `${journal}.whole`)
  const scaled = readFileSync(journal).indexOf('\n', size)
  truncateSync(journal, scaled - 7)
  running = await daemon(base)
  await running.running('web', 2)
  await running.done('module:scale', { deployment_id: 'web', replicas: 3 })
  await running.running('web', 3)
  await running.stop()
})

test('a daemon that cannot open its registry says so, and starts nothing', async () => {
  const base = newBase(CONFIG)
  const { registry: journal } = layoutOf(base)
  const running = await daemon(base)
  await start(running, 'web', 'service', { table: SERVICE })
  await running.running('web', 1)
  await running.kill()
  const whole = readFileSync(journal)
  const damaged = Buffer.from(whole)
  damaged[whole.indexOf('\n') + 20] = 0
  writeFileSync(journal, damaged)
  await expect(daemon(base)).rejects.toThrow(/registry\.jsonl/)
  expect(groupProcesses(base)).toEqual([])
  writeFileSync(journal, whole)
})
