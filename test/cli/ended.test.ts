// A module that ends the process, or never ends itself: a command without its report is never a success.
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { env, makeTickets, Project, ticketsText } from './installed.ts'

const project = new Project()
vi.setConfig({ testTimeout: 120_000 })

beforeAll(async () => {
  project.install()
  await makeTickets(project.path('one.jsonl'))
}, 120_000)
afterAll(() => project.remove())

let files = 0
/** A module with the definition, and `code` at its end. */
function withCode(code: string, ...changes: readonly (readonly [string, string])[]): string {
  const name = `module${files++}.mjs`
  project.write(name, `${ticketsText(...changes)}\n${code}\n`)
  return name
}
const APPLY = 'ticket.priority += 1'
const run = (...args: string[]) => project.ministore(args)
const check = (store: string, ...more: string[]) =>
  run('check', 'one.jsonl', '--store', store, ...more)

const ENDED = /: the module ended the process by process\.\w+\. No report was finished\./
const NEVER = /: the module never finished loading: a top-level await does not end\./

describe.concurrent('a module that ends the process makes the exit code 2', () => {
  test.each([
    ['when it loads', 'process.exit(0)', ENDED],
    [
      'a millisecond later',
      'setTimeout(() => process.exit(0), 1)\nawait new Promise((done) => setTimeout(done, 1000))',
      ENDED,
    ],
    [
      'by a listener too',
      "process.on('exit', () => { process.exitCode = 0 })\nprocess.exit(0)",
      ENDED,
    ],
    ['by reallyExit', 'process.reallyExit(0)', ENDED],
    ['by a signal', 'process.kill(process.pid)', ENDED],
    ['by abort', 'process.abort()', ENDED],
    [
      'by a rejection that nobody handles',
      "Promise.reject(new Error('lost'))\nawait new Promise((done) => setTimeout(done, 1000))",
      /lost/,
    ],
    ['by waiting without end', 'await new Promise(() => {})', NEVER],
    ['by an unref timer', 'await new Promise((done) => setTimeout(done, 60_000).unref())', NEVER],
    [
      'by waiting while a timer runs',
      'setInterval(() => {}, 100)\nawait new Promise(() => {})',
      NEVER,
    ],
    [
      'by an exit code of its own',
      "process.on('beforeExit', () => { process.exitCode = 0 })\nprocess.exitCode = 0\nawait new Promise(() => {})",
      NEVER,
    ],
  ])('%s', async (_, code, message) => {
    const args = ['check', 'one.jsonl', '--store', withCode(code)]
    // Only where a timer keeps the process alive, the limit is reached.
    const limit = { MINISTORE_LOAD_TIMEOUT: code.includes('setInterval') ? '2000' : '' }
    const { status, stdout, stderr } = await project.ministore(args, limit)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test('in a reducer, for every command and format', async () => {
    const store = ['--store', withCode('', [APPLY, 'process.exit(0)'])]
    const calls = [
      ['check', 'one.jsonl', ...store, '--format', 'json'],
      ['check', 'one.jsonl', ...store, '--format', 'junit'],
      ['state', 'one.jsonl', ...store],
      ['blame', 'one.jsonl', 'tickets', ...store],
      ['snapshot', 'one.jsonl', ...store],
      ['copy', 'one.jsonl', 'copy.jsonl', ...store],
    ]
    const all = await Promise.all(calls.map((call) => run(...call)))
    for (const { status, stdout, stderr } of all) {
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
      expect(stderr).toMatch(ENDED)
    }
  })

  test('unless it happens after the report', async () => {
    const store = withCode("process.on('exit', () => { process.exitCode = 0; process.exit(0) })", [
      APPLY,
      "throw new Error('not today')",
    ])
    expect((await check(store)).status).toBe(1)
    expect((await check(withCode('process.exitCode = 1'))).status).toBe(0)
  })
})

test('what a module or its child processes write is never a part of a report', async () => {
  const loud = `
import { execSync, spawnSync } from 'node:child_process'
import { writeSync, writeFileSync } from 'node:fs'
import { Console } from 'node:console'
const say = (from) => {
  process.stdout.write('noise ' + from)
  new Console(process.stdout).log('noise')
  writeSync(1, 'noise')
  writeFileSync('/dev/stdout', 'noise')
}
say('of loading')
spawnSync(process.execPath, ['-e', 'console.log("noise of a child")'], { stdio: 'inherit' })
execSync('echo noise of a shell', { stdio: [0, 1, 2] })`
  const store = withCode(loud, [APPLY, `say('of a reducer'); ${APPLY}`])
  const { status, stdout, stderr } = await check(store, '--format', 'json')
  expect(status, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ ok: true })
  for (const from of ['loading', 'a child', 'a shell', 'a reducer'])
    expect(stderr).toContain(`noise of ${from}`)

  // As a file, standard output is written by functions that the module has too.
  const script = '"$@" > report.json'
  const args = ['-c', script, 'bash', process.execPath, project.command, 'check', 'one.jsonl']
  const all = [...args, '--store', store, '--format', 'json']
  spawnSync('bash', all, { cwd: project.directory, env })
  expect(JSON.parse(project.read('report.json'))).toMatchObject({ ok: true })
})
