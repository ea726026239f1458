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
