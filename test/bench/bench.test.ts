import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the benchmark runs without its peers, says that they are missing, and makes no figure up', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-bench-test-'))
  try {
    const args = ['--quick', '--no-peers', '--only', 'in-memory,nothing', '--out', directory]
    const refused = bench(args)
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('there is no row nothing. Rows: durable-one, ')

    const ran = bench(args.map((each) => each.replace(',nothing', '')).concat('--rounds', '1'))
    expect(ran.stderr).toBe('')
    expect(ran.status).toBe(0)
    expect(ran.stdout).toContain('Redux Toolkit: not available: left out by --no-peers')

    const { environment, rows, failed } = JSON.parse(
      readFileSync(join(directory, 'results.json'), 'utf8'),
    )
    expect(failed).toEqual([])
    expect(environment).toMatchObject({ node: process.version, rounds: 1, isQuick: true })
    expect(rows).toMatchObject([
      {
        id: 'in-memory',
        figures: [
          { name: 'bare Immer produce', role: 'floor', ratio: 1, value: expect.any(Number) },
          { name: 'ministore, in memory', role: 'ministore', value: expect.any(Number) },
        ],
        targets: [{ text: 'ministore ≤ 2 × bare Immer', limit: 2, value: expect.any(Number) }],
      },
    ])
    expect(rows[0].skipped.map(({ name }: { name: string }) => name)).toEqual([
      'Redux Toolkit',
      'mutative',
      'Emmett, in memory',
      'Castore, in memory',
    ])
    expect(readdirSync(directory).sort()).toEqual(['in-memory.svg', 'results.json', 'results.md'])
    expect(readFileSync(join(directory, 'in-memory.svg'), 'utf8')).toMatch(
      /^<svg [\s\S]*<\/svg>\n$/,
    )
    expect(readFileSync(join(directory, 'results.md'), 'utf8')).toContain('| bare Immer produce | ')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 60_000)

function bench(args: readonly string[]) {
  const node = ['--import', 'jiti/register', 'test/bench/main.ts', ...args]
  const env = { ...process.env, NO_COLOR: '1', JITI_TSCONFIG_PATHS: 'true' }
  return spawnSync(process.execPath, node, { encoding: 'utf8', env })
}
