import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../docs/markdown.ts'
import { calls, reference, refusal } from './documents.ts'

const path = join(root, 'docs/CLI.md')

describe('docs/CLI.md', () => {
  test('says what --help prints: UPDATE=1 npx vitest run test/cli/reference.test.ts', async () => {
    const text = readFileSync(path, 'utf8')
    const expected = await reference(text)
    if (process.env['UPDATE'] === '1') writeFileSync(path, expected)
    else expect(text).toBe(expected)
  })

  test('knows every environment variable that the command reads', () => {
    const text = readFileSync(path, 'utf8')
    const sources = ['src/cli', 'src/proof/report'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    )
    const read = sources.flatMap((source) => [...source.matchAll(/\benv\['(\w+)'\]/g)])
    expect(read.length).toBeGreaterThan(3)
    for (const [, name] of read) expect(text).toContain(`| \`${name}\` |`)
  })
})

describe('a command line in a document', () => {
  const found = calls()

  test('is found in guides, in the workflow for CI, and in the help', () => {
    const files = new Set(found.map(({ where }) => where.split(':')[0]))
    for (const file of [
      'README.md',
      'docs/CLI.md',
      'docs/ci/README.md',
      'docs/ci/replay-check.yml',
    ])
      expect(files).toContain(file)
  })

  test('has only commands, options and arguments that there are', async () => {
    const refused: string[] = []
    for (const call of found) {
      const why = await refusal(call)
      if (why !== undefined)
        refused.push(`${call.where}: ministore-ts ${call.args.join(' ')}: ${why}`)
    }
    expect(refused).toEqual([])
  })

  test.each([
    [['chekc', 'a.jsonl', '--store', 'a.ts'], /unknown command/],
    [['check', 'a.jsonl', '--store', 'a.ts', '--covrage'], /unknown option/],
    [['check', 'a.jsonl'], /required option/],
    [['check', '--store', 'a.ts'], /missing required argument/],
    [['check', 'a.jsonl', '--store', 'a.ts', '--format', 'xml'], /Allowed choices/],
  ])('is refused where it is wrong: %j', async (args, why) => {
    expect(await refusal({ where: '', args })).toMatch(why)
  })
})
