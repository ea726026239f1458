// An example as it is compiled: it starts in a fraction of the time, which tests that kill it need.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { home } from '../cli/build.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Its directory. Compiled by the first test file that asks, beside the installed ministore, with what it imports of other examples. */
export function built(name: string): string {
  const into = join(home(), `example-${name}`)
  if (!existsSync(into)) compile(name, into)
  return join(into, name)
}

function compile(name: string, into: string): void {
  const outDir = mkdtempSync(join(home(), `${name}-`))
  const rootDir = join(root, 'examples')
  const none = { declaration: false, declarationMap: false, isolatedDeclarations: false }
  const compilerOptions = { ...none, rootDir, outDir, noCheck: true, sourceMap: false }
  const config = `${outDir}.json`
  const include = [join(rootDir, name)]
  const text = { extends: join(root, 'tsconfig.build.json'), compilerOptions, include }
  writeFileSync(config, JSON.stringify(text))
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config])
  try {
    renameSync(outDir, into)
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(into)) throw error
    rmSync(outDir, { recursive: true })
  }
}
