// A20: the protocol, byte by byte, on a daemon's socket.
import { appendFileSync, existsSync, lstatSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { MAX_LINE_BYTES } from '../../../../examples/arcella/control/protocol.ts'
import { layoutOf } from '../../../../examples/arcella/runtime/layout.ts'
import { Raw } from '../../walmq/server/raw.ts'
import { arcella, type Daemon, daemon, groupIn, newBase, pack, SERVICE, spec } from '../daemons.ts'

const base = newBase()
const { socket } = layoutOf(base)
let running: Daemon
beforeAll(async () => {
  running = await daemon(base)
})

/** What is answered to these bytes, up to the end of the connection. */
async function answersTo(bytes: string | Uint8Array): Promise<unknown[]> {
  const raw = new Raw({ path: socket })
  await raw.write(bytes)
  raw.socket.end()
  const answers: unknown[] = []
  for (let next = await raw.next(); next !== undefined; next = await raw.next()) answers.push(next)
  return answers
}
const answerTo = async (request: object) => (await answersTo(`${JSON.stringify(request)}\n`))[0]
const refused = (message: unknown) => ({ success: false, message })

describe('A20: exact answers', () => {
  test('Ping, by both of its names', async () => {
    expect(await answersTo('{"cmd":"Ping"}\n{"cmd":"ping"}\n{"cmd":"ping","args":{}}\n')).toEqual(
      Array(3).fill({ success: true, message: 'pong' }),
    )
  })

  test('of a module from its installation to its removal', async () => {
    const module_id = { name: 'web', version: '1.0.0' }
    const path = await pack(base, 'service', 'web@1.0.0', SERVICE)
    const file = spec(base, 'shop', 'web@1.0.0', { replicas: 2 })
    const shop = { deployment_id: 'shop' }
    const asked: [cmd: string, args: object, message: string, data: unknown][] = [
      ['module:install', { path }, 'Module web@1.0.0 is installed', { module_id }],
      ['module:deploy', { file }, 'Module web@1.0.0 is deployed as shop', { module_id, ...shop }],
      ['module:start', shop, 'Deployment shop is started', { ...shop, status: 'Started' }],
      [
        'module:scale',
        { ...shop, replicas: 1 },
        'Deployment shop has 1 replicas',
        { ...shop, replicas: 1, before: 2 },
      ],
      [
        'module:update',
        { path },
        'Module web@1.0.0 is updated',
        { module_id, deployments: ['shop'] },
      ],
      ['module:stop', shop, 'Deployment shop is stopped', { ...shop, status: 'Stopped' }],
      [
        'deployment:list',
        {},
        'Deployment list',
        [
          {
            ...{ ...shop, module_id, group: groupIn(base), isolation: 'worker', replicas: 1 },
            ...{ running: 0, generation: 2, status: 'Stopped' },
          },
        ],
      ],
      ['module:undeploy', shop, 'Deployment shop is undeployed', shop],
      ['module:remove', { module_id: 'web@1.0.0' }, 'Module web@1.0.0 is removed', { module_id }],
      ['module:list', {}, 'Module list', []],
    ]
    for (const [cmd, args, message, data] of asked)
      expect(await answerTo({ cmd, args })).toEqual({ success: true, message, data })
  })

  test('module:list, with warnings at deploy, and status of the daemon and of a deployment', async () => {
    const path = await pack(base, 'environment', 'env@2.0.1', 'description = "Tells"\n')
    await answerTo({ cmd: 'module:install', args: { path } })
    expect(await answerTo({ cmd: 'module:list' })).toEqual({
      ...{ success: true, message: 'Module list' },
      data: [
        {
          ...{ module_id: { name: 'env', version: '2.0.1' }, kind: 'wasi', description: 'Tells' },
          ...{ size: statSync(path).size, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        },
      ],
    })
    const more = '[deployment.overrides.resources]\nfuel = 1000\n'
    const file = spec(base, 'told', 'env@2.0.1', { more })
    expect(await answerTo({ cmd: 'module:deploy', args: { file } })).toMatchObject({
      data: {
        deployment_id: 'told',
        warnings: [
          { field: 'resources.fuel', message: expect.stringContaining('Node has no fuel') },
          { field: 'sandbox', message: expect.stringContaining('no full sandbox') },
        ],
      },
    })
    expect(await answerTo({ cmd: 'module:status', args: { deployment_id: null } })).toEqual({
      ...{ success: true, message: 'Arcella runtime is active' },
      data: {
        ...{ version: '0.1.0', pid: running.pid, uptime: expect.any(Number), modules: 1 },
        start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        worker_groups: [],
      },
    })
    expect(await answerTo({ cmd: 'module:status', args: { deployment_id: 'told' } })).toMatchObject(
      {
        ...{ success: true, message: 'Deployment told is stopped' },
        data: { deployment_id: 'told', status: 'Stopped', instances: [] },
      },
    )
  })

  test('log:tail, the newest first, in one line of at most 64 KB', async () => {
    const answer = await answerTo({ cmd: 'log:tail', args: { n: 2 } })
    expect(answer).toMatchObject({ success: true, data: { lines: [expect.any(String), /./] } })
    // In JSON it takes twice as much.
    appendFileSync(layoutOf(base).log, `${'"'.repeat(999)}\n`.repeat(100))
    const long = await answerTo({ cmd: 'log:tail', args: { n: 10_000 } })
    const bytes = Buffer.byteLength(JSON.stringify(long))
    expect(bytes).toBeLessThanOrEqual(MAX_LINE_BYTES)
    expect(bytes).toBeGreaterThan(MAX_LINE_BYTES - 3000)
  })
})

describe('A20: what is no request', () => {
  test.each([
    ['no JSON', 'frobnicate', /^Invalid JSON: /],
    ['an empty line', '', /^Invalid JSON: /],
    ['half of it', '{"cmd":"ping"', /^Invalid JSON: /],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /^Invalid JSON: /],
    ['no object', '[1]', /^Invalid request: /],
    ['no command', '{"args":{}}', /^Invalid request: cmd: /],
    ['a command that is no text', '{"cmd":7}', /^Invalid request: cmd: /],
    ['an unknown command', '{"cmd":"__proto__"}', /^Unknown command: __proto__$/],
    ['a missing argument', '{"cmd":"module:start"}', /^Invalid arguments: deployment_id: /],
    ['one too many', '{"cmd":"ping","args":{"a":1}}', /^Invalid arguments: /],
    ['arguments that are none', '{"cmd":"ping","args":3}', /^Invalid arguments: /],
    [
      'an id that is none',
      '{"cmd":"module:start","args":{"deployment_id":"-x"}}',
      /Invalid deployment ID: -x$/,
    ],
    [
      'a module id that is none',
      '{"cmd":"module:remove","args":{"module_id":"a@01.0.0"}}',
      /^Invalid arguments: Invalid module ID version: 01\.0\.0$/,
    ],
    [
      'no replicas',
      '{"cmd":"module:scale","args":{"deployment_id":"a","replicas":0}}',
      /replicas must be at least 1$/,
    ],
  ])('%s is told, and the connection goes on', async (_, line, message) => {
    const bytes = Buffer.concat([Buffer.from(line), Buffer.from('\n{"cmd":"ping"}\n')])
    expect(await answersTo(bytes)).toEqual([
      refused(expect.stringMatching(message)),
      { success: true, message: 'pong' },
    ])
  })

  test('a line of 64 KB is read, one of a byte more is refused, and what follows is answered', async () => {
    const line = (bytes: number) => '{"cmd":"ping"}'.padEnd(bytes)
    const answers = await answersTo(
      `${line(MAX_LINE_BYTES)}\n${line(MAX_LINE_BYTES + 1)}\n${line(2 ** 22)}\n{"cmd":"ping"}\n`,
    )
    const pong = { success: true, message: 'pong' }
    const tooLarge = refused('Request too large: a line has at most 65536 bytes')
    expect(answers).toEqual([pong, tooLarge, tooLarge, pong])
  })

  test('a line without its end is not answered', async () => {
    expect(await answersTo('{"cmd":"ping"}\n{"cmd":"ping"}')).toHaveLength(1)
  })
})

test('A20: what is asked at once is answered in order, each when the one before is done', async () => {
  const path = await pack(base, 'service', 'row@1.0.0', SERVICE)
  const file = spec(base, 'row', 'row@1.0.0')
  const one = { deployment_id: 'row' }
  const asked: [string, object?][] = [
    ['module:start', one],
    ['module:install', { path }],
    ['module:deploy', { file }],
    ['module:start', one],
    ...Array.from({ length: 200 }, (): [string] => ['ping']),
    ['module:stop', one],
    ['module:undeploy', one],
    ['module:remove', { module_id: 'row@1.0.0' }],
    ['module:stop', one],
  ]
  const lines = asked.map(([cmd, args]) => `${JSON.stringify({ cmd, args })}\n`)
  const answers = await answersTo(lines.join(''))
  expect(answers).toMatchObject([
    refused('There is no deployment row'),
    { message: 'Module row@1.0.0 is installed' },
    { message: 'Module row@1.0.0 is deployed as row' },
    { data: { status: 'Started' } },
    ...Array(200).fill({ message: 'pong' }),
    { data: { status: 'Stopped' } },
    { success: true },
    { success: true },
    refused('There is no deployment row'),
  ])
})

describe('A20: the socket', () => {
  test("is its owner's alone, and so is the directory", () => {
    expect(lstatSync(socket).isSocket()).toBe(true)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    for (const name of ['registry.jsonl', 'log/arcella.log'])
      expect(statSync(join(base, name)).mode & 0o777).toBe(0o600)
  })

  test('that a killed daemon left is replaced', async () => {
    await running.kill()
    expect(existsSync(socket)).toBe(true)
    running = await daemon(base)
    expect(await answerTo({ cmd: 'ping' })).toEqual({ success: true, message: 'pong' })
    await running.stop()
  })

  test('where somebody else answers is not; nor is what is no socket', async () => {
    const other = createServer().listen(socket)
    await new Promise((resolve) => void other.once('listening', resolve))
    const { status, stderr } = await arcella(['daemon', '--dir', base])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^arcella: .*alme/)
    expect(existsSync(socket)).toBe(true)
    await new Promise((resolve) => void other.close(resolve))
    writeFileSync(socket, 'a file')
    expect(await arcella(['daemon', '--dir', base])).toMatchObject({ status: 2 })
  })
})
