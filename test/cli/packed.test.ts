// The package as npm publishes and installs it, and the command as its user types it.
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../docs/markdown.ts'
import { makeDirectory, pack } from '../runtimes/packed.ts'
import { makeTickets, Project, type Ran, run, ticketsText } from './installed.ts'

const project = new Project()
const npx = (...args: string[]): Promise<Ran> =>
  run('npx', ['--no', '--', 'ministore-ts', ...args], { cwd: project.directory })
/** What npx starts, as the scripts of a package.json do. */
const bin = (...args: string[]): Promise<Ran> =>
  run(project.path('node_modules/.bin/ministore-ts'), args, { cwd: project.directory })

beforeAll(async () => {
  const directory = makeDirectory()
  try {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const packages = [await pack(directory), `zod@${devDependencies.zod}`]
    const options = ['--prefer-offline', '--no-audit', '--no-fund']
    const installed = await run('npm', ['install', ...options, ...packages], {
      cwd: project.directory,
    })
    if (installed.status !== 0) throw new Error(`npm install failed: ${installed.stderr}`)
  } finally {
    rmSync(directory, { recursive: true })
  }
  await makeTickets(project.path('data/tickets.jsonl'), { closeAll: true })
  await makeTickets(project.path('other/damaged.jsonl'))
  appendFileSync(project.path('other/damaged.jsonl'), 'what is this?\n')
}, 180_000)
afterAll(() => project.remove())

describe('ministore, from the packed tarball', () => {
  test('records what a journal gives by npx, and finds the first record that a changed reducer reads otherwise', async () => {
    const check = ['check', 'data/*.jsonl', '--store', 'store.ts#tickets', '--require-coverage']
    const recorded = await npx(...check, '--update')
    expect(recorded).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ok data\/tickets\.jsonl: 8 records, sha256:/),
      stderr: 'recorded data/tickets.jsonl.check.json\n',
    })
    expect(await npx(...check)).toMatchObject({ status: 0, stderr: '' })
    project.write('store.ts', ticketsText(['draft.closed += 1', 'draft.closed += 2']))
    const { status, stdout } = await npx(...check)
    expect(status).toBe(1)
    expect(stdout).toContain('error digest_mismatch  data/tickets.jsonl:5  seq 4  closeTicket')
    expect(stdout).toContain('replace /closed  0 → 2')
  }, 60_000)

  test('reads journals without a definition, and tells the damaged from the whole', async () => {
    const damaged = 'other/damaged.jsonl'
    const [log, verified, checked, wrong] = await Promise.all([
      bin('log', 'data/tickets.jsonl', '--type', 'raise', '--format', 'json'),
      bin('verify', 'data/tickets.jsonl', damaged),
      bin('check', damaged, '--store', 'store.ts'),
      bin('check', damaged, '--store', 'store.ts', '--fromat', 'json'),
    ])
    expect(log.status).toBe(0)
    expect(JSON.parse(log.stdout)).toMatchObject({ seq: 3, type: 'raise', payload: { id: 'b' } })
    expect(verified.status).toBe(1)
    expect(verified.stdout).toMatch(/^ok data\/tickets\.jsonl: 8 records/)
    expect(verified.stdout).toContain('other/damaged.jsonl:9')
    expect(checked.status).toBe(1)
    expect(checked.stdout).toContain('error unreadable  other/damaged.jsonl:9')
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toContain('Did you mean --format?')
  }, 60_000)
})
