// A service in one file, run in a directory without node_modules.
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import commonjs from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { build as esbuild } from 'esbuild'
import { rollup } from 'rollup'
import { build as vite } from 'vite'
import { beforeAll, expect, test } from 'vitest'
import { home } from '../cli/build.ts'
import { tempJournal } from '../file/temp-journal.ts'

/** Beside the built package, which it imports by name. */
let entry: string
beforeAll(() => {
  entry = join(home(), 'app.js')
  copyFileSync(fileURLToPath(new URL('app.js', import.meta.url)), entry)
})

const REQUIRE = "import{createRequire}from'module';const require=createRequire(import.meta.url);"

/** Each writes `file`, and returns the paths of the modules in it. */
const BUNDLERS: Record<string, (file: string) => Promise<readonly string[]>> = {
  'esbuild, as ESM': (file) => withEsbuild(`${file}.mjs`, { format: 'esm' }),
  'esbuild, as ESM with a require': (file) =>
    withEsbuild(`${file}.mjs`, { format: 'esm', banner: { js: REQUIRE } }),
  'esbuild, as minified CommonJS': (file) =>
    withEsbuild(`${file}.cjs`, { format: 'cjs', minify: true }),
  'rollup, as ESM': (file) => withRollup(`${file}.mjs`, 'es'),
  'rollup, as CommonJS': (file) => withRollup(`${file}.cjs`, 'cjs'),
  'vite, for the server': withVite,
}

test.each(Object.entries(BUNDLERS))(
  '%s: the bundle locks, writes, replays and checks',
  async (_, bundle) => {
    const file = join(dirname(tempJournal()), 'app')
    const modules = await bundle(file)
    expect(modules.some((name) => name.includes('zod'))).toBe(true)
    // A program without engines need not install their clients.
    expect(modules.filter((name) => /node_modules\/(pg|@nats-io)\//.test(name))).toEqual([])
    const program = `${file}.${modules[0]}`
    const answer = execFileSync(process.execPath, [program, `${file}.jsonl`], { encoding: 'utf8' })
    const { url, ...rest } = JSON.parse(answer)
    expect(rest).toEqual({ seq: 1, second: 'locked', ok: true })
    expect(url).toMatch(/^config ministore-ts\/postgres is not part of this bundle.*external/)
  },
)

async function withEsbuild(outfile: string, options: object): Promise<readonly string[]> {
  const { metafile } = await esbuild({
    ...{ entryPoints: [entry], bundle: true, platform: 'node', outfile, metafile: true },
    ...{ logLevel: 'error', ...options },
  })
  return [outfile.slice(-3), ...Object.keys(metafile.inputs)]
}

async function withRollup(file: string, format: 'es' | 'cjs'): Promise<readonly string[]> {
  // @ts-expect-error: its types are those of CommonJS
  const plugins = [nodeResolve({ exportConditions: ['node'] }), commonjs()]
  const bundle = await rollup({ input: entry, plugins, onLog: () => undefined })
  await bundle.write({ file, format, inlineDynamicImports: true })
  const { watchFiles } = bundle
  await bundle.close()
  return [file.slice(-3), ...watchFiles]
}

async function withVite(file: string): Promise<readonly string[]> {
  const built = await vite({
    ...{ root: dirname(entry), configFile: false, logLevel: 'error' },
    ssr: { noExternal: true },
    build: {
      ...{ ssr: entry, outDir: dirname(file), emptyOutDir: false, target: 'node20' },
      rollupOptions: { output: { entryFileNames: 'app.mjs' } },
    },
  })
  const [output] = [built].flat()
  if (!output || !('output' in output)) throw new Error('vite built nothing')
  return ['mjs', ...output.output.flatMap((part) => ('moduleIds' in part ? part.moduleIds : []))]
}
