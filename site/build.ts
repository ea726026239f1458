// npm run docs: the documents and the API reference as a static site, in site/dist.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writePages } from './pages.ts'

const site = fileURLToPath(new URL('.', import.meta.url))
const root = join(site, '..')
const pages = join(site, 'pages')

writePages(pages)
run('typedoc', ['--options', writeTypedocOptions()])
run('vitepress', ['build', site])

/** Each entry of package.json's `exports` that has types is a module of the reference. */
function writeTypedocOptions(): string {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = (Object.values(exports) as { types?: string }[]).flatMap(({ types }) =>
    types === undefined
      ? []
      : [join(root, types.replace('/dist/', '/src/').replace('.d.ts', '.ts'))],
  )
  const file = join(site, 'typedoc.json')
  const options = {
    entryPoints: entries,
    tsconfig: join(root, 'tsconfig.json'),
    plugin: ['typedoc-plugin-markdown'],
    out: join(pages, 'api'),
    name: 'API reference',
    readme: 'none',
    entryFileName: 'index',
    disableSources: true,
    excludeExternals: true,
    hidePageHeader: true,
    // Types that only help to infer others are not exported.
    validation: { notExported: false, invalidLink: true, notDocumented: false },
    treatWarningsAsErrors: true,
  }
  writeFileSync(file, JSON.stringify(options))
  return file
}

function run(command: string, args: readonly string[]): void {
  execFileSync(join(site, 'node_modules/.bin', command), args, { cwd: site, stdio: 'inherit' })
}
