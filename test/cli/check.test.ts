import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broker } from '../store/broker.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const store = join(root, 'test/store/broker.ts')
const directory = mkdtempSync(join(tmpdir(), 'ministore-'))
const good = join(directory, 'good.jsonl')
const damaged = join(directory, 'damaged.jsonl')

/** The command as a user has it, from the sources. */
function ministore(...args: string[]) {
  const main = join(root, 'src/cli/main.ts')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'jiti/register', main, ...args],
    { cwd: root, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } },
  )
  return { status, stdout, stderr }
}

beforeAll(async () => {
  for (const path of [good, damaged]) {
    const opened = await broker.open(path)
    await opened.dispatch('addTopic', { name: 'a' })
    await opened.close()
  }
  appendFileSync(damaged, 'what is this?\n')
  writeFileSync(join(directory, 'empty.ts'), 'export const nothing = 1\n')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('ministore check', () => {
  test('exits with 0 and prints the digest where the journal still replays', async () => {
    const { digest } = await broker.replay(good)
    expect(ministore('check', good, '--store', `${store}#broker`)).toEqual({
      status: 0,
      stdout: `ok ${good}: 1 record, ${digest}\n`,
      stderr: '',
    })
  })

  test('finds the only definition of a file by itself', () => {
    expect(ministore('check', good, '--store', store).status).toBe(0)
  })

  test('exits with 1 and names file, line and reason where a journal is damaged', () => {
    const { status, stdout } = ministore('check', good, damaged, '--store', store)
    expect(status).toBe(1)
    expect(stdout).toContain(`ok ${good}`)
    expect(stdout).toContain(`failed ${damaged}`)
    expect(stdout).toContain(`${damaged}:3`)
  })

  test('exits with 1 where the digest is another one', () => {
    const { status, stdout } = ministore('check', good, '--store', store, '--digest', 'sha256:0')
    expect(status).toBe(1)
    expect(stdout).toContain('digest_mismatch at seq 1')
  })

  test('reports as JSON for machines', () => {
    const { status, stdout } = ministore('check', damaged, '--store', store, '--format', 'json')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject([
      { journal: damaged, ok: false, problems: [{ kind: 'unreadable', line: 3 }] },
    ])
  })

  test.each([
    [['check', good, join(directory, 'none.jsonl'), '--store', store], /none\.jsonl/],
    [['check', good, damaged, '--store', store, '--digest', 'sha256:0'], /name one/],
    [['check', good], /required option '--store/],
    [['check', good, '--store', 'nowhere.ts'], /nowhere\.ts/],
    [['check', good, '--store', join(directory, 'empty.ts')], /exports: none/],
    [['check', good, '--store', `${store}#nope`], /exports: .*broker\.ts#broker/],
    [['check', good, '--store', store, '--fromat', 'json'], /Did you mean --format/],
    [['chekc', good], /Did you mean check/],
  ])('exits with 2 and says why where it is used wrongly: %j', (args, message) => {
    const { status, stderr } = ministore(...args)
    expect(stderr).toMatch(message)
    expect(status).toBe(2)
  })

  test('explains itself', () => {
    expect(ministore('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('check'),
    })
    expect(ministore('check', '--help').stdout).toContain('Example:')
    expect(ministore('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
