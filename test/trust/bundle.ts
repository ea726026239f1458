// A program as one file, so that it starts in a fraction of a second.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { aliases } from '../aliases.ts'

export const root: string = fileURLToPath(new URL('../..', import.meta.url))

export interface Bundle {
  /** The path of the program. */
  readonly main: string
  remove(): void
}

/** Bundles `entry` with all that it imports, inside node_modules. `src`: in place of src/, such as a mutant. */
export async function bundle(entry: string, src: string = join(root, 'src')): Promise<Bundle> {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const directory = mkdtempSync(join(cache, 'ministore-trust-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    // As deep as the quickstart is, which reads the file two directories above it.
    const outDir = join(directory, 'programs/one')
    cpSync(join(root, 'package-lock.json'), join(directory, 'package-lock.json'))
    await build({
      root,
      configFile: false,
      logLevel: 'error',
      resolve: {
        alias: aliases(src),
      },
      ssr: { noExternal: true, external: ['fs-native-extensions'] },
      build: {
        ssr: join(root, entry),
        outDir,
        rollupOptions: { output: { entryFileNames: 'main.js' } },
      },
    })
    return { main: join(outDir, 'main.js'), remove }
  } catch (error) {
    remove()
    throw error
  }
}
