// How a program beside this file is started by `node`: what is compiled as it is, a source by Node itself
// where it can strip types, and by jiti where it cannot.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Program {
  readonly file: string
  readonly args: string[]
}

/** `name`: its path from here, without an ending. */
export function program(name: string): Program {
  const isCompiled = import.meta.url.endsWith('.js')
  const file = fileURLToPath(new URL(`./${name}.${isCompiled ? 'js' : 'ts'}`, import.meta.url))
  if (isCompiled || ('typescript' in process.features && process.features.typescript))
    return { file, args: [] }
  const jiti = dirname(createRequire(import.meta.url).resolve('jiti/package.json'))
  return { file: join(jiti, 'lib/jiti-cli.mjs'), args: [file] }
}
