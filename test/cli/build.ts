// Builds the sources once for all tests of the command: a compiled one starts in half the time.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUILT = 'MINISTORE_BUILT'

/** The file behind the command `ministore`. */
export const main = (): string => join(process.env[BUILT] ?? '', 'dist/cli/main.js')

/** vitest calls it before the first test, and what it returns after the last. */
export function setup(): () => void {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // Of this run alone: another one may be under way.
  const run = mkdtempSync(join(cache, 'ministore-built-'))
  // Where an installed package would be: loading a definition leaves those as they are.
  const built = join(run, 'node_modules/ministore-ts')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  // Types are checked elsewhere.
  const options = ['--noCheck', '--declaration', 'false', '--declarationMap', 'false']
  const quick = [...options, '--isolatedDeclarations', 'false', '--sourceMap', 'false']
  const outDir = join(built, 'dist')
  const config = join(root, 'tsconfig.build.json')
  execFileSync(process.execPath, [tsc, '-p', config, ...quick, '--outDir', outDir])
  copyFileSync(join(root, 'package.json'), join(built, 'package.json'))
  // What a test's definition imports by the name of this package is the same build.
  const paths = { 'ministore-ts': ['./dist/index.js'], 'ministore-ts/*': ['./dist/*/index.js'] }
  writeFileSync(join(built, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
  process.env[BUILT] = built
  return () => rmSync(run, { recursive: true, force: true })
}
