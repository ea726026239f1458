// The command line from end to end, as somebody types it.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import { buildSamples } from '../../../../examples/arcella/samples/build.ts'
import { arcella, type Daemon, daemon, newBase, until } from '../daemons.ts'

const base = newBase()
const samples = join(base, 'samples')
let running: Daemon
beforeAll(async () => {
  await buildSamples(samples)
  running = await daemon(base)
})
const verb = (...args: string[]) => arcella([...args, '--dir', base])
const shell = (...lines: string[]) => arcella(['shell', '--dir', base], lines.join('\n'))
const done = (stdout: string) => ({ status: 0, stdout: `${stdout}\n`, stderr: '' })

describe('the command line', () => {
  test('A1: installs, deploys, starts, tells, stops, undeploys and removes', async () => {
    expect(await verb('ping')).toEqual(done('pong'))
    const installed = await verb('module:install', join(samples, 'ticker.wasm'))
    expect(installed).toEqual(done('Module ticker@1.0.0 is installed'))
    const deployed = await verb('module:deploy', join(samples, 'ticker.deployment.toml'))
    expect(deployed).toEqual(done('Module ticker@1.0.0 is deployed as ticker'))
    expect(await verb('module:start', 'ticker')).toEqual(done('Deployment ticker is started'))
    await running.running('ticker', 2)
    await until(async () => (await running.lines('ticker.1')).includes('tick 3'))

    const { stdout } = await verb('status', 'ticker')
    expect(stdout).toMatch(/^ticker is started: 2 of 2 run\nisolation worker, group demo, gen/)
    expect(stdout).toMatch(/^ticker\.1 +running +\d+ +0$/m)
    const scaled = await verb('module:scale', 'ticker', '1')
    expect(scaled).toEqual(done('Deployment ticker has 1 replicas'))
    expect(await verb('module:stop', 'ticker')).toEqual(done('Deployment ticker is stopped'))
    expect((await running.lines('ticker.0')).slice(-2)).toEqual(['stopped', 'stopped'])

    expect(await verb('module:remove', 'ticker@1.0.0')).toEqual({
      ...{ status: 1, stdout: '' },
      stderr: 'arcella: Module ticker@1.0.0 is deployed as ticker: undeploy it first\n',
    })
    expect(await verb('module:undeploy', 'ticker')).toEqual(done('Deployment ticker is undeployed'))
    const removed = await verb('module:remove', 'ticker@1.0.0')
    expect(removed).toEqual(done('Module ticker@1.0.0 is removed'))
    expect(await verb('module:list', '--json')).toEqual(
      done('{"success":true,"message":"Module list","data":[]}'),
    )
  })

  test('A2: the shell does the same, and what a module prints is in the log', async () => {
    const said = await shell(
      `module:install "${join(samples, 'hello.wasm')}"`,
      `module:deploy ${join(samples, 'hello.deployment.toml')}`,
      '',
      'module:start hello',
      '{"cmd":"Ping"}',
      'exit',
      'module:stop hello',
    )
    expect(said).toMatchObject({ status: 0, stderr: '' })
    expect(said.stdout.split('\n')).toEqual([
      'Module hello@1.0.0 is installed',
      'Module hello@1.0.0 is deployed as hello',
      expect.stringMatching(/^warning: sandbox: node:wasi is no full sandbox/),
      'Deployment hello is started',
      '{"success":true,"message":"pong"}',
      '',
    ])
    await running.instance(
      'hello.0',
      ({ state, exit_code }) => state === 'exited' && exit_code === 0,
    )
    const { stdout } = await verb('log:tail', '-n', '4')
    expect(stdout).toContain(' info hello.0: hello, world\n')
    // The newest is the last one that is read.
    expect(stdout.trim().split('\n').at(-1)).toContain('hello.0: exited with 0')
  })

  test('the shell goes on after what was refused, and says so at its end', async () => {
    const said = await shell('module:start nobody', 'frobnicate', 'ping', '{"cmd":')
    expect(said.status).toBe(1)
    expect(said.stdout).toMatch(/^pong\n\{"success":false,"message":"Invalid JSON: /)
    expect(said.stderr).toMatch(
      /^There is no deployment nobody\nerror: unknown command 'frobnicate'/,
    )
  })

  test('a second daemon is refused, and the first one goes on', async () => {
    const { status, stdout, stderr } = await verb('daemon')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^arcella: .*registry\.jsonl.*\n$/)
    expect(await running.ask('Ping')).toEqual({ success: true, message: 'pong' })
    expect(existsSync(layoutOf(base).socket)).toBe(true)
  })

  test.each([
    ['no verb that there is', ['frobnicate']],
    ['no number', ['module:scale', 'ticker', 'many']],
    ['no daemon', ['ping', '--dir', '/nowhere']],
  ])('ends with 2 and says why: %s', async (_, args) => {
    const { status, stdout, stderr } = await arcella(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^(arcella|error): /)
    expect(stderr).not.toContain('    at ')
  })

  test('A21: a configuration that is wrong is told with its place, and nothing is opened', async () => {
    const other = newBase('[runtime]\nmax_restarts = -1\n')
    const { status, stderr } = await arcella(['daemon', '--dir', other])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^arcella: .*arcella\.toml:2:1: runtime\.max_restarts: /)
    expect(existsSync(layoutOf(other).registry)).toBe(false)
  })

  test('stops at SIGTERM, takes its socket with it, and the log is whole', async () => {
    expect(await running.stop()).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(layoutOf(base).socket)).toBe(false)
    // As a crash would leave it.
    appendFileSync(layoutOf(base).log, 'a torn li')
    writeFileSync(join(base, 'modules', 'note'), 'no directory')
    running = await daemon(base)
    const { lines } = await running.done<{ lines: string[] }>('log:tail', { n: 2 })
    expect(lines[1]).toBe('a torn li')
    expect(lines[0]).toContain(' info arcella: opened at record ')
    await running.stop()
  })
})
