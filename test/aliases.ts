// Where the sources of `ministore-ts` and of its parts are: as package.json exports them, from `src` instead of dist/.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const manifest = new URL('../package.json', import.meta.url)
const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as {
  exports: Record<string, string | { default: string }>
}

/** For Vite: the alias of each entry. `src`: the absolute path of the sources, such as those of a mutant. */
export const aliases = (src: string): { find: RegExp; replacement: string }[] =>
  Object.entries(exports).flatMap(([name, target]) => {
    if (typeof target === 'string') return []
    const file = target.default.replace('./dist/', '').replace(/\.js$/, '.ts')
    return [{ find: new RegExp(`^ministore-ts${name.slice(1)}$`), replacement: join(src, file) }]
  })
