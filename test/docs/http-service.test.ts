// The server of docs/guides/http-service.md, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { documentAt, programsOf, root } from './markdown.ts'

const ORDER = { id: 'o-1', customer: 'Ann', cents: 1275 }

test('answers a repeated request once, also after kill -9, and stops without losing an answer', async () => {
  const server = writeServer()
  const first = await server.start()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => first.post('/orders', 'key-1', ORDER)),
  )
  const statuses = answers.map(({ status }) => status).toSorted()
  expect(statuses).toEqual([...Array.from({ length: 19 }, () => 200), 201])
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  await first.end('SIGKILL')

  const second = await server.start()
  expect(second.says).toContain('at seq 1')
  expect((await second.post('/orders', 'key-1', ORDER)).status).toBe(200)
  expect(await second.post('/orders', 'key-2', ORDER)).toEqual({
    status: 409,
    body: { error: 'order_exists', details: { id: 'o-1' } },
  })
  expect((await second.post('/orders', 'key-1', { ...ORDER, cents: 1 })).status).toBe(422)
  const inFlight = ['a', 'b', 'c'].map((id) => second.post('/orders', id, { ...ORDER, id }))
  const ended = second.end('SIGTERM')
  // A request that came too late is refused by the system, and not lost by the service.
  const outcomes = await Promise.allSettled(inFlight)
  const { status, printed } = await ended
  expect(status).toBe(0)
  const answered = outcomes.filter(({ status }) => status === 'fulfilled').length
  const [, seq] = /stopped at seq (\d+)/.exec(printed) ?? []
  expect(Number(seq)).toBeGreaterThanOrEqual(1 + answered)
}, 60_000)

/** The programs of the guide, in a directory where the package is found. */
function writeServer() {
  const parent = join(root, '.types')
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, 'http-'))
  const data = mkdtempSync(join(tmpdir(), 'ministore-http-'))
  onTestFinished(() => {
    for (const each of [directory, data]) rmSync(each, { recursive: true })
  })
  for (const { file, text } of programsOf(documentAt('docs/guides/http-service.md'))) {
    const name = file.split('/').at(-1) ?? ''
    // Outside of tsc, a module has its own name.
    if (!name.startsWith('line-'))
      writeFileSync(join(directory, name), text.replace(/from '\.\/(\w+)\.js'/g, "from './$1.ts'"))
  }
  return { start: () => start(join(directory, 'server.ts'), join(data, 'orders.jsonl')) }
}

async function start(file: string, journal: string) {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'jiti/register', file], {
    cwd: root,
    env: { ...process.env, JITI_TSCONFIG_PATHS: 'true', JOURNAL: journal, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (!child.stdout) throw new Error('the server has no standard output')
  let printed = ''
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    printed += `${line}\n`
  })
  const [says] = (await once(lines, 'line')) as [string]
  const [, port] = /listening on port (\d+)/.exec(says) ?? []
  return {
    says,
    async post(path: string, key: string, body: object) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { 'Idempotency-Key': key },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    },
    async end(signal: NodeJS.Signals) {
      const closed = once(child, 'close')
      child.kill(signal)
      const [status] = (await closed) as [number | null]
      return { status, printed }
    },
  }
}
