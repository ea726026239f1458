// Assembles the samples: node --import jiti/register examples/arcella/samples/build.ts [directory]
// Into that directory go the modules, the manifests beside them and the deployments; otherwise everything
// stays here, and the modules come beside their sources.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assemble } from './wat.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export async function buildSamples(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(here)) {
    if (name.endsWith('.toml') && resolve(directory) !== resolve(here))
      copyFileSync(join(here, name), join(directory, name))
    if (!name.endsWith('.wat')) continue
    const bytes = await assemble(name, readFileSync(join(here, name), 'utf8'))
    writeFileSync(join(directory, name.replace(/\.wat$/, '.wasm')), bytes)
  }
}

const [, program, directory = here] = process.argv
if (program !== undefined && resolve(program) === fileURLToPath(import.meta.url))
  await buildSamples(directory)
