// The example as it is compiled: it starts in a fraction of the time, which tests that kill it need.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { home } from '../../../cli/build.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** The file behind the command `walmq`. Compiled by the first test file that asks, beside the installed ministore. */
export function main(): string {
  const built = join(home(), 'walmq')
  if (!existsSync(built)) compile(built)
  return join(built, 'cli/main.js')
}

function compile(into: string): void {
  const outDir = mkdtempSync(join(home(), 'walmq-'))
  const source = join(root, 'examples/walmq')
  const none = { declaration: false, declarationMap: false, isolatedDeclarations: false }
  const compilerOptions = { ...none, rootDir: source, outDir, noCheck: true, sourceMap: false }
  const config = `${outDir}.json`
  const text = { extends: join(root, 'tsconfig.build.json'), compilerOptions, include: [source] }
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
