// Peers are optional: one that is not there is left out, with the reason, and never made up.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { here } from '../install.ts'

/** The message says why. */
export class Missing extends Error {}

// Not through the loader of TypeScript, which would translate them; and not named in an import, so
// that everything type-checks without them.
const require = createRequire(join(here, 'package.json'))

/** Throws Missing. */
export function load<Module>(name: string): Module {
  if (process.env['BENCH_PEERS'] === 'no') throw new Missing('left out by --no-peers')
  try {
    return require(name)
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n')
    throw new Missing(`${name} cannot be loaded: ${line}`)
  }
}
