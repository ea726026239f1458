// Whether this machine can do what a test needs.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process'

/** Why this command does not succeed here; undefined where it does. */
export function whyNot(
  [command = '', ...args]: readonly string[],
  options: SpawnSyncOptions = {},
): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { ...options, encoding: 'utf8' })
  if (status === 0) return undefined
  return error ? `${command} is missing` : `${command} does not work here (${stderr.trim()})`
}

/** Why a test that needs this tool is skipped; undefined if it is there. Throws in CI, where .ci/run installs it. */
export function whyNoTool(tool: string): string | undefined {
  if (whyNot(['sh', '-c', `command -v ${tool}`]) === undefined) return undefined
  const isForgotten = process.platform === 'linux' && process.getuid?.() === 0
  if (isForgotten && process.env['CI'])
    throw new Error(`CI is set and ${tool} is missing: install it`)
  return `${tool} is missing`
}
