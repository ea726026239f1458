// From what a manifest declares to what an instance gets. What is not declared is not there.

import type { HostOptions, InstanceSpec, Limits } from './types.ts'

/** What `network` has to declare for `arcella.publish`. */
export const PUBLISH = 'arcella:publish'

/** Goes to the process that runs the instance. */
export interface Grants {
  readonly env: Readonly<Record<string, string>>
  /** Directories by the paths that the module sees. */
  readonly preopens: Readonly<Record<string, string>>
  /** The packages of WASI, such as `wasi:cli`. */
  readonly wasi: readonly string[]
  readonly publish: boolean
  readonly memoryMb: number
}

export class NotGranted extends Error {
  override readonly name = 'NotGranted'
}

/** Throws NotGranted if the daemon does not have what is declared. */
export function grantsOf(
  { capabilities, full }: InstanceSpec,
  { env = {}, directories = {}, publish }: HostOptions,
  { memoryMb }: Limits,
): Grants {
  const wantsToPublish = capabilities.network.includes(PUBLISH)
  if (wantsToPublish && publish === undefined)
    throw new NotGranted(`${PUBLISH} is declared, and the daemon publishes nowhere`)
  return {
    env: declared(capabilities.environment, env),
    preopens: preopens(capabilities, directories),
    wasi: capabilities.wasi.map(packageOf),
    publish: wantsToPublish,
    memoryMb: Math.min(
      full.resources.memory_mb ?? memoryMb,
      Math.ceil((capabilities.resources.memory_max ?? Number.POSITIVE_INFINITY) / 2 ** 20),
    ),
  }
}

/** What is declared and not set is not set for the module, either. */
const declared = (names: readonly string[], env: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      return value === undefined ? [] : [[name, value]]
    }),
  )

function preopens(
  { filesystem }: InstanceSpec['capabilities'],
  directories: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = filesystem.map((path): [string, string] => {
    const directory = Object.hasOwn(directories, path) ? directories[path] : undefined
    if (directory === undefined)
      throw new NotGranted(
        `${path} is declared, and the daemon's configuration has no directory for it`,
      )
    return [path, directory]
  })
  return Object.fromEntries(entries)
}

const packageOf = (name: string): string => name.split(/[/@]/)[0] ?? name
