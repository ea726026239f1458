import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED, makeDirectory, makeProject, pack, replay, run } from './packed.ts'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
let directory: string
let project: string

// Installed by hand, as npm would need the network: `npm run runtimes` has npm do it.
beforeAll(async () => {
  directory = makeDirectory()
  const tarball = await pack(directory)
  project = makeProject(directory)
  await run('tar', ['-xzf', tarball], directory)
  const installed = join(project, 'node_modules')
  cpSync(join(directory, 'package'), join(installed, 'ministore-ts'), { recursive: true })
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(installed, 'ministore-ts/package.json'), 'utf8'),
  )
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    mkdirSync(join(installed, name, '..'), { recursive: true })
    symlinkSync(join(modules, name), join(installed, name), 'junction')
  }
}, 120_000)
afterAll(() => rmSync(directory, { recursive: true }))

describe('the packed tarball', () => {
  test('gives the recorded digest for the fixed journal, writes the recorded bytes, and locks', async () => {
    expect(await replay(project, [process.execPath])).toEqual({
      ...EXPECTED,
      runtime: 'node',
      version: process.versions.node,
      replay: 'works',
      lock: 'works',
      write: 'works',
      reopen: 'works',
      create: 'works',
    })
  })

  test('has the command, which finds nothing wrong with that journal', async () => {
    const command = join(project, 'node_modules/ministore-ts/dist/cli/main.js')
    const options = ['--store', 'definition.mjs', '--digest', EXPECTED.digest]
    const args = [command, 'check', 'fixture.jsonl', ...options]
    const { stdout } = await run(process.execPath, args, project)
    expect(stdout).toContain(`fixture.jsonl: ${EXPECTED.seq} records, ${EXPECTED.digest}`)
  })
})
