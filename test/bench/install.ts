// Puts beside these files what they import: the peers, and ministore itself as it was built.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where their package.json is, as npm and the tests run it: what runs may be a compiled copy. */
export const here = resolve('test/bench')
const modules = join(here, 'node_modules')

/** Says why, where the peers cannot be installed: then each of them is reported as missing. */
export function install(isWithPeers: boolean): string | undefined {
  const failure = isWithPeers ? installPeers() : undefined
  // From source, as the tests run it, there is nothing to find.
  if (process.env['JITI_TSCONFIG_PATHS']) return failure
  // This directory is a package of its own, in which the name of the outer one says nothing.
  const link = join(modules, 'ministore-ts')
  mkdirSync(modules, { recursive: true })
  if (!existsSync(link)) symlinkSync(join(here, '../..'), link)
  return failure
}

function installPeers(): string | undefined {
  if (existsSync(join(modules, '.package-lock.json'))) return undefined
  process.stderr.write('installing the peers in test/bench …\n')
  const args = ['ci', '--prefix', here, '--no-audit', '--no-fund']
  // A figure goes to stdout, what npm says does not.
  const ran = spawnSync('npm', args, { stdio: ['ignore', 2, 2] })
  if (ran.status === 0) return undefined
  return `npm ${args.join(' ')}: ${ran.error?.message ?? `exit code ${ran.status}`}`
}
