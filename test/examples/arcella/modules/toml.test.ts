// A12: packages and deployment files that are wrong, with line and column.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { readDeployment, readPackage } from '../../../../examples/arcella/modules/package.ts'
import { newBase, start, wasm } from './given.ts'

let base: string
beforeEach(async () => {
  base = newBase()
  await start(base)
})

async function packageProblem(text: string) {
  const path = join(base, 'in', 'x.wasm')
  writeFileSync(path, wasm())
  writeFileSync(join(base, 'in', 'x.toml'), text)
  return readPackage(path).then(
    () => ({ message: 'fine' }),
    ({ message, code, line, column }) => ({ message, code, line, column }),
  )
}
const file = (name: string, text: string): string => {
  const path = join(base, 'in', name)
  writeFileSync(path, text)
  return path
}

const a = '[component]\nid = "a@1.0.0"\n'

describe('A12: a package', () => {
  test.each([
    ['[component\n', 'broken_toml', '1:11: Invalid TOML document'],
    ['[component]\nid = "a@1.0"\n', 'invalid_toml', '2:1: Invalid module ID version: 1.0'],
    [
      '[component]\nname = "a b"\nversion = "1.0.0"\n',
      'invalid_toml',
      '1:1: Invalid module ID name: a b',
    ],
    ['[component]\nid = 7\n', 'invalid_toml', '2:1: Invalid module ID format: 7'],
    ['', 'invalid_toml', '1:1: there is no [component]'],
    [
      `${a}exports = ["a"]\n`,
      'invalid_toml',
      '3:1: component.exports.a: Invalid export interface format: a',
    ],
    [
      `${a}[component.imports]\n'a:b' = { kind = "func" }\nc = { kind = "func" }\n`,
      'invalid_toml',
      '5:1: component.imports.c: Invalid import',
    ],
    [
      `${a}[component.capabilities]\n filesystem = ["x"]\n`,
      'invalid_toml',
      '4:2: component.capabilities.filesystem.0: Invalid path: x',
    ],
    [
      `${a}[deployment]\nisolation = "vm"\n`,
      'invalid_toml',
      '4:1: deployment.isolation: Invalid option',
    ],
    [
      `${a}[deployment]\n[deployment.resources]\nmemory_mb = 0\n`,
      'invalid_toml',
      '5:1: deployment.resources.memory_mb: memory_mb is never 0',
    ],
    [
      `${a}[deployment.overrides]\n`,
      'invalid_toml',
      '3:1: deployment: Unrecognized key: "overrides"',
    ],
    [`${a}\n[other]\n`, 'invalid_toml', '4:1: other does not belong here'],
    [`${a}__proto__ = 1\n`, 'invalid_toml', '3:1: no key is called __proto__'],
  ])('%j: %s %s', async (text, code, said) => {
    const problem = await packageProblem(text)
    const [line, column] = said.split(':').map(Number)
    expect(problem).toMatchObject({ code, line, column })
    expect(problem.message).toContain(`x.toml:${said}`)
  })

  test('says who it is, and how it wants to be run', async () => {
    const path = file('y.wasm', '')
    writeFileSync(path, wasm())
    file(
      'y.toml',
      '[component]\nname = "a"\nversion = "1.0.0"\n[deployment]\ngroup = "g"\nstartup = { entrypoint = "tick" }\n',
    )
    const { facts } = await readPackage(path)
    expect(facts.manifest.id).toEqual({ name: 'a', version: '1.0.0' })
    expect(facts.template).toEqual({
      ...{ isolation: 'worker', trusted: false, async: false, group: 'g' },
      ...{ startup: { entrypoint: 'tick' }, resources: {} },
    })
  })
})

describe('A12: a deployment file', () => {
  const text = '[deployment]\nmodule_id = "a@1.0.0"\ngroup = "g"\n'

  test('is called by its id', async () => {
    const more = '[deployment.overrides]\ntrusted = true\nresources = { memory_mb = 8 }\n'
    expect(await readDeployment(file('my-web.deployment.toml', text + more))).toEqual({
      id: 'my-web',
      spec: {
        ...{ module_id: { name: 'a', version: '1.0.0' }, group: 'g', replicas: 1 },
        overrides: { trusted: true, resources: { memory_mb: 8 } },
      },
    })
  })

  test.each([
    ['-web.deployment.toml', text, 'Invalid deployment ID: -web'],
    ['.deployment.toml', text, 'Invalid deployment ID: '],
    ['a.b.deployment.toml', text, 'Invalid deployment ID: a.b'],
    ['web.toml', text, 'is not called <deployment id>.deployment.toml'],
    [
      'web.deployment.toml',
      `${text}replicas = 0\n`,
      ':4:1: deployment.replicas: replicas must be at least 1',
    ],
    [
      'web.deployment.toml',
      text.replace('"g"', '""'),
      ':3:1: deployment.group: the group is empty',
    ],
    ['web.deployment.toml', text.replace('a@1', 'a'), ':2:1: Invalid module ID format: a.0.0'],
    [
      'web.deployment.toml',
      `${text}[deployment.overrides]\ngroup = "h"\n`,
      ':5:1: deployment.overrides: Unrecognized key: "group"',
    ],
    ['web.deployment.toml', `${text}x = [1,\n`, ':'],
  ])('%s: %j: %s', async (name, text, said) => {
    const error = await readDeployment(file(name, text)).catch((error) => error)
    expect(error).toMatchObject({ name: 'ModuleError' })
    expect(error.message).toContain(said)
  })
})
