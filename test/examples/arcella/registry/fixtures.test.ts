// The sample journal of the registry, checked as in CI: `npm run replay-check:arcella`.
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import { home, main } from '../../../cli/build.ts'
import { built } from '../../built.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const journal = join(root, 'examples/arcella/fixtures/registry.jsonl')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

let copy: string
beforeAll(() => {
  // Compiled, beside the installed ministore: it loads in a fraction of the time.
  copy = mkdtempSync(join(home(), 'arcella-fixture-'))
  cpSync(join(built('arcella'), 'registry'), join(copy, 'registry'), { recursive: true })
})
afterAll(() => rmSync(copy, { recursive: true }))

/** The script of package.json, with the command as it is built, and with a definition as it is compiled. */
async function check(definition: string): Promise<{ code: number; stdout: string }> {
  const script: string = scripts['replay-check:arcella']
  const command = 'node --import jiti/register src/cli/main.ts'
  const named = 'examples/arcella/registry/definition.ts'
  for (const part of [command, named]) expect(script).toContain(part)
  const changed = script.replace(command, `node ${main()}`).replace(named, definition)
  return promisify(execFile)('bash', ['-c', changed], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
  }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  )
}

function change(name: string, before: string, after: string): void {
  const path = join(copy, 'registry', name)
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(before)
  writeFileSync(path, text.replace(before, after))
}

describe('npm run replay-check:arcella', () => {
  test('finds that the sample journal replays, covers everything, and fits the schema lock', async () => {
    const { code, stdout } = await check(join(copy, 'registry/definition.js'))
    expect(stdout).toMatch(/^ok examples\/arcella\/fixtures\/registry\.jsonl: 31 records, /)
    expect(stdout).toContain('1 journal, no findings')
    expect(code).toBe(0)
  })

  test('would find another order of layers, and a new required field', async () => {
    const [layers, other] = ['...base.resources', '...overrides.resources']
    change('rules.js', `${layers}, ${other}`, `${other}, ${layers}`)
    change('modules.js', 'kind: moduleKind,', 'kind: moduleKind, more: z.string(),')
    const { code, stdout } = await check(join(copy, 'registry/definition.js'))
    expect(stdout).toContain('digest_mismatch')
    expect(stdout).toContain('schema_changed')
    expect(code).toBe(1)
  })
})

test('the sample journal has hostile names, generations, and instances that are done', async () => {
  const { state } = await registry.replay(journal)
  expect([...state.deployments.keys()]).toEqual(['__proto__', 'audit', 'web'])
  expect(state.deployments.get('web')).toMatchObject({ generation: 2, desired: 'running' })
  expect(state.deployments.get('audit')?.full.resources).toEqual({ memory_mb: 8 })
  expect([...state.runningInstances.keys()]).toEqual(['__proto__.0', 'web.0'])
})
