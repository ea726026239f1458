// Installs the peers beside these files.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where their package.json is, as npm and the tests run it: what runs may be a compiled copy. */
export const here = resolve('test/bench')

/** Says why, where it does not work: then each of them is reported as missing. */
export function install(isWithPeers: boolean): string | undefined {
  if (!isWithPeers || existsSync(join(here, 'node_modules/.package-lock.json'))) return undefined
  process.stderr.write('installing the peers in test/bench …\n')
  const args = ['ci', '--prefix', here, '--no-audit', '--no-fund']
  // A figure goes to stdout, what npm says does not.
  const ran = spawnSync('npm', args, { stdio: ['ignore', 2, 2] })
  if (ran.status === 0) return undefined
  return `npm ${args.join(' ')}: ${ran.error?.message ?? `exit code ${ran.status}`}`
}
