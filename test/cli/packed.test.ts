// The package as npm publishes and installs it, and the command as its user types it.
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Document, documentAt, documents, linksOf, root } from '../docs/markdown.ts'
import { makeDirectory, pack } from '../runtimes/packed.ts'
import { env, makeTickets, Project, type Ran, run, ticketsText } from './installed.ts'

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
    // As a newcomer installs it; it is large, and here already.
    const compiler = join(root, 'node_modules/typescript')
    symlinkSync(compiler, project.path('node_modules/typescript'), 'junction')
    symlinkSync(join(compiler, 'bin/tsc'), project.path('node_modules/.bin/tsc'))
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

describe('what a newcomer pastes', () => {
  const readme = documentAt('README.md')
  const guide = documentAt('docs/guides/first-ten-minutes.md')

  test('README: two files compile with the defaults of tsc --init, run twice, and show the red check that it prints', async () => {
    const fresh = await newcomer()
    expect(await fresh.bin('tsc', '--init')).toMatchObject({ status: 0 })
    expect(fresh.read('tsconfig.json')).toMatch(/^\s*"strict": true/m)
    fresh.paste(readme)
    expect(await fresh.bin('tsc')).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(await fresh.node('main.js')).toEqual({ status: 0, stdout: '17\n', stderr: '' })

    const [shown] = readme.blocks.filter(({ language }) => language === 'text')
    const [call = '', ...printed] = shown?.lines ?? []
    const [command = '', ...args] = call.replace('$ npx ', '').split(' ')
    const unrecorded = await fresh.bin(command, ...args)
    expect(unrecorded).toMatchObject({
      status: 0,
      stderr:
        'note: data/shop.jsonl: no baseline yet. Record one with --update, so that the check finds changed states\n',
    })
    expect(await fresh.bin(command, ...args, '--update')).toMatchObject({ status: 0 })
    fresh.write('shop.ts', fresh.read('shop.ts').replace('Math.floor', 'Math.round'))
    const { status, stdout } = await fresh.bin(command, ...args)
    expect(stdout.trimEnd().replace(/sha256:\w+/, 'sha256:…')).toBe(printed.join('\n'))
    expect(status).toBe(1)

    expect(await fresh.node('main.js')).toEqual({ status: 0, stdout: '34\n', stderr: '' })
  }, 60_000)

  test('README: the same text is JavaScript', async () => {
    const fresh = await newcomer()
    fresh.paste(readme, (name) => name.replace('.ts', '.js'))
    for (const stdout of ['17\n', '34\n'])
      expect(await fresh.node('main.js')).toEqual({ status: 0, stdout, stderr: '' })
  }, 60_000)

  test('the first ten minutes: each program and each command, in order and twice, and CommonJS', async () => {
    const fresh = await newcomer()
    fresh.paste(guide)
    const [, ...steps] = guide.blocks.filter(({ language }) => language === 'sh')
    const commands = steps.flatMap(({ lines }) => lines)
    const again = 'npx tsc && node main.js'
    expect(commands[0]).toBe(again)
    expect(commands.length).toBeGreaterThan(6)
    await fresh.bin('tsc', '--init')
    for (const command of [...commands, again]) {
      const ran = await fresh.shell(command.replace('npx ', ''))
      expect(ran, command).toMatchObject({ status: 0, stderr: expect.not.stringMatching(/rror/) })
    }
    const { stdout } = await fresh.bin(
      'ministore-ts',
      'state',
      'data/shop.jsonl',
      '--store',
      'shop.ts',
    )
    expect(JSON.parse(stdout)).toEqual({ points: 24 })
    for (const points of ['5\n', '10\n'])
      expect(await fresh.node('main.cjs')).toEqual({ status: 0, stdout: points, stderr: '' })
  }, 60_000)

  test('with the defaults of TypeScript 5.7, where modules are CommonJS', async () => {
    const fresh = await newcomer()
    await run('npm', ['pkg', 'set', 'type=commonjs'], { cwd: fresh.directory })
    const [shop] = guide.blocks.filter(({ lines }) => lines[0] === '// shop.ts')
    fresh.write('shop.ts', `${shop?.lines.join('\n')}\n`)
    const tsc = join(root, 'node_modules/typescript-5.7/bin/tsc')
    await fresh.node(tsc, '--init')
    expect(await fresh.node(tsc)).toEqual({ status: 0, stdout: '', stderr: '' })
    const points = "require('./shop.js').shop.memory().then(({ state }) => console.log(state))"
    expect(await fresh.node('-e', points)).toMatchObject({ stdout: '{ points: 0 }\n' })
  }, 60_000)

  test('every link of a document in the package leads to a file in the package', () => {
    const own = project.path('node_modules/ministore-ts')
    const packed = documents.filter(({ path }) => existsSync(join(own, path)))
    expect(packed.map(({ path }) => path)).toContain('README.md')
    expect(packed.length).toBeGreaterThan(20)
    const broken = packed.flatMap(linksOf).filter(({ path }) => !existsSync(join(own, path)))
    expect(broken).toEqual([])
  })
})

/** An empty directory, set up as the README says; the tarball is installed there already. */
async function newcomer() {
  const directory = mkdtempSync(join(tmpdir(), 'ministore-newcomer-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const [first = '', install = ''] = documentAt('README.md').blocks[0]?.lines ?? []
  expect(await run('sh', ['-c', first], { cwd: directory })).toMatchObject({ status: 0 })
  const needed = install.replace('npm install ', '').split(' ')
  expect(needed.filter((name) => !existsSync(project.path('node_modules', name)))).toEqual([])
  symlinkSync(project.path('node_modules'), join(directory, 'node_modules'), 'junction')
  const at = (name: string) => join(directory, name)
  const PATH = `${at('node_modules/.bin')}:${env['PATH']}`
  const options = { cwd: directory, env: { ...env, PATH } }
  return {
    directory,
    read: (name: string) => readFileSync(at(name), 'utf8'),
    write: (name: string, text: string) => writeFileSync(at(name), text),
    node: (...args: string[]) => run(process.execPath, args, options),
    /** As npx finds it, in a fraction of the time. */
    bin: (name: string, ...args: string[]) => run(at(`node_modules/.bin/${name}`), args, options),
    shell: (command: string) => run('sh', ['-c', command], options),
    /** The blocks of a document that name their file in the first line. */
    paste(document: Document, rename = (name: string) => name) {
      for (const { lines } of document.blocks) {
        const [, name] = /^\/\/ (\w+\.(?:ts|cjs))$/.exec(lines[0] ?? '') ?? []
        if (name !== undefined) writeFileSync(at(rename(name)), `${lines.join('\n')}\n`)
      }
    },
  }
}
