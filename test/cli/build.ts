// Builds the sources once for all tests of the command, into a project that has them installed:
// what is compiled starts in a fraction of the time.
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const BUILT = 'MINISTORE_BUILT'
/** The definitions that tests name by `--store`; beside each is what it compiles to, in `.js`. */
const DEFINITIONS = ['test/store/broker.ts', 'test/cli/stores.ts', 'test/cli/tickets.ts']
/** What else runs there, in processes of its own. */
const PROGRAMS = [
  'test/file/child.ts',
  'test/file/contender.ts',
  'test/engines/chaos/child.ts',
  'test/sqlite/appender.ts',
  'test/examples/arcella/execution/orphans.ts',
]

/** The directory of that project. */
export const home = (): string => process.env[BUILT] ?? ''

/** Its package, as npm would install it. */
export const installed = (): string => join(home(), 'node_modules/ministore-ts')

/** The file behind the command `ministore`. */
export const main = (): string => join(installed(), 'dist/cli/main.js')

/** vitest calls it before the first test, and what it returns after the last. */
export function setup(): () => void {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  // Of this run alone: another one may be under way.
  process.env[BUILT] = mkdtempSync(join(cache, 'ministore-built-'))
  compile({ rootDir: join(root, 'src'), outDir: join(installed(), 'dist') }, [join(root, 'src')])
  copyFileSync(join(root, 'package.json'), join(installed(), 'package.json'))
  writeFileSync(join(home(), 'package.json'), '{"private":true,"type":"module"}')
  const compiled = [...DEFINITIONS, ...PROGRAMS].map((name) => join(root, name))
  compile({ rootDir: root, outDir: home() }, compiled)
  for (const name of DEFINITIONS) cpSync(join(root, name), join(home(), name))
  // A project of its own: the paths of the one around it lead to the sources.
  writeFileSync(join(home(), 'tsconfig.json'), '{}')
  const built = home()
  return () => rmSync(built, { recursive: true, force: true })
}

/** Without types, which are checked elsewhere. */
function compile(places: { rootDir: string; outDir: string }, include: readonly string[]): void {
  const none = { declaration: false, declarationMap: false, isolatedDeclarations: false }
  const compilerOptions = { ...places, ...none, noCheck: true, sourceMap: false }
  const config = join(home(), 'tsconfig.json')
  const text = { extends: join(root, 'tsconfig.build.json'), compilerOptions, include }
  writeFileSync(config, JSON.stringify(text))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', config], { cwd: dirname(config) })
}
