// This repository's own journals, checked as any user's CI would: `npm run replay-check`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { env, Project, run } from '../cli/installed.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const quickstart = join(root, 'examples/quickstart')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const project = new Project()
beforeAll(() => project.install())
afterAll(() => project.remove())

/** The script of package.json, with another definition, and with the command as it is built. */
function check(name: string, definition: string) {
  const command = 'node --import jiti/register src/cli/main.ts'
  const store = 'examples/quickstart/registry.ts'
  const script: string = scripts['replay-check']
  for (const part of [command, store]) expect(script).toContain(part)
  project.write(name, definition)
  const changed = script.replace(command, `node ${project.command}`)
  return run('bash', ['-c', changed.replace(store, project.path(name))], { cwd: root, env })
}

describe.concurrent('npm run replay-check', () => {
  test('finds that the sample journals still replay, cover everything, and fit the schema lock', async () => {
    const { status, stdout, stderr } = await run('npm', ['run', '--silent', 'replay-check'], {
      cwd: root,
      env,
    })
    expect({ status, stdout: stdout.split('\n') }, stderr).toEqual({
      status: 0,
      stdout: [
        expect.stringMatching(/^ok examples\/quickstart\/fixtures\/registry\.jsonl: 39 records, /),
        '',
        '1 journal, no findings',
        'compared with 20 recorded digests, schemas locked by examples/quickstart/ministore.schema.json',
        '',
      ],
    })
  })

  test('names the first record that a changed reducer makes another state of', async () => {
    const before = 'found.deprecated = reason'
    const text = readFileSync(join(quickstart, 'registry.ts'), 'utf8')
    expect(text).toContain(before)
    const changed = text.replace(before, `${before}.toUpperCase()`)
    const { status, stdout } = await check('registry.ts', changed)
    expect(status).toBe(1)
    // The first command: until then, packages were only added.
    expect(stdout).toContain(
      'digest_mismatch  examples/quickstart/fixtures/registry.jsonl:18  seq 17',
    )
    expect(stdout).toContain('add /packages/chalk@4.1.2/deprecated  "THERE IS A NEWER ONE"')
  })

  test('names what the schema lock does not allow any more', async () => {
    const before = 'name: z.string().min(1)'
    const text = readFileSync(join(quickstart, 'registry.ts'), 'utf8')
    expect(text).toContain(before)
    const changed = text.replace(before, `${before}.max(50)`)
    const { status, stdout } = await check('narrower.ts', changed)
    expect(status).toBe(1)
    expect(stdout).toContain('error schema_changed  examples/quickstart/ministore.schema.json')
  })
})
