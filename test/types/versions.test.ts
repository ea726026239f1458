// What the types promise, under each compiler that users have, against the package as it is installed.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../long.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const EVERY = ['typescript-5.7', 'typescript-5.9', 'typescript-6', 'typescript']
const OLDEST_AND_NEWEST = ['typescript-5.7', 'typescript']
const COMPILERS = isLong ? EVERY : OLDEST_AND_NEWEST
const FILES = ['helpers', 'inference', 'json', 'parts', 'rejections', 'store', 'union']

const LOOSE = `
import { defineStore, mutationsFor, reject } from 'ministore-ts'
import { z } from 'zod'
const parts = mutationsFor<{ n: number }>()({ set: { payload: z.number(), apply(draft, n) { draft.n = n.valueOf() } } })
const counter = defineStore({
  name: 'loose',
  state: { n: 0 },
  mutations: {
    ...parts,
    add: {
      payload: z.object({ by: z.number() }),
      guard(state, { by }) { if (by > state.n) return reject('too_many', { by }) },
      apply(draft, { by }) { draft.n += by.valueOf() },
    },
    reset: { apply: () => ({ n: 0 }) },
  },
  commands: { twice: { input: z.number(), run(tx, by) { tx.dispatch('add', { by }); return by.toFixed() } } },
})
const store = await counter.memory()
await store.dispatch('add', { by: 1 })
await store.dispatch('reset')
const { value } = await store.execute('twice', 1)
export const text: string = value.trim()
// @ts-expect-error by is a number
await store.dispatch('add', { by: 'one' })
// @ts-expect-error there is no such mutation
await store.dispatch('sub', { by: 1 })
`
const COMMON = { target: 'es2023', types: ['node'], skipLibCheck: true, noEmit: true }
const STRICTEST = {
  ...COMMON,
  module: 'nodenext',
  strict: true,
  lib: ['es2023', 'esnext.disposable'],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitReturns: true,
  allowImportingTsExtensions: true,
}
const LOOSEST = {
  ...COMMON,
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: false,
  noImplicitAny: false,
}

const installed = join(root, '.types', `versions-${process.pid}`)
const run = (compiler: string, ...args: string[]) =>
  new Promise<string>((resolve) => {
    const all = [join(root, 'node_modules', compiler, 'bin/tsc'), ...args, '--pretty', 'false']
    execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve(stdout + stderr || (error?.message ?? '')),
    )
  })

/** A project that has the package as it is published. */
beforeAll(async () => {
  const own = join(installed, 'node_modules/ministore-ts')
  mkdirSync(own, { recursive: true })
  cpSync(join(root, 'package.json'), join(own, 'package.json'))
  writeFileSync(join(installed, 'package.json'), '{"type":"module"}')
  const build = ['-p', join(root, 'tsconfig.build.json'), '--emitDeclarationOnly']
  expect(await run('typescript', ...build, '--outDir', join(own, 'dist'))).toBe('')
}, 120_000)
afterAll(() => rmSync(installed, { recursive: true, force: true }))

/** What the compiler prints: nothing if it has nothing to say. */
function compile(compiler: string, files: Record<string, string>, options: object) {
  const directory = mkdtempSync(join(installed, 'test-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  const config = { compilerOptions: options, include: ['*.ts'] }
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
  return run(compiler, '-p', directory)
}

/** Copied as they are: the paths of this repository do not reach them there. */
function promises(): Record<string, string> {
  return Object.fromEntries(
    FILES.map((name) => [`${name}.ts`, readFileSync(join(root, `test/types/${name}.ts`), 'utf8')]),
  )
}

describe.each(COMPILERS)('under %s', (compiler) => {
  test('every promise about types holds with the strictest options', async () => {
    expect(await compile(compiler, promises(), STRICTEST)).toBe('')
  }, 120_000)

  test('a definition keeps its types without `strict`, in a bundler', async () => {
    expect(await compile(compiler, { 'loose.ts': LOOSE }, LOOSEST)).toBe('')
  }, 120_000)
})
