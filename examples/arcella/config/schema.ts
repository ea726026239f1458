// What can be set, and what holds where nothing is.
import { z } from 'zod'

const seconds = z.number().positive().max(86_400)
const count = z.int().min(0).max(1000)
const milliseconds = z.int().positive().max(3_600_000)

/** One file: all of it may be left out. */
export const configFile = z.strictObject({
  /** Further files, by pattern, relative to the one that says it. Each overrides what comes before. */
  includes: z.array(z.string().min(1).max(1024)).max(64).exactOptional(),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).exactOptional(),
      /** Then it becomes `arcella.log.1`. */
      max_bytes: z
        .int()
        .min(4096)
        .max(2 ** 30)
        .exactOptional(),
    })
    .exactOptional(),
  runtime: z
    .strictObject({
      /** For one call of a module, where its deployment says nothing. */
      timeout_seconds: seconds.exactOptional(),
      /** Of a replica, in a row. */
      max_restarts: count.exactOptional(),
      /** Before the first restart; each further one takes twice as long. */
      backoff_ms: milliseconds.exactOptional(),
      backoff_max_ms: milliseconds.exactOptional(),
      /** Of a replica whose deployment and manifest say nothing. */
      memory_mb: z.int().min(1).max(4096).exactOptional(),
    })
    .exactOptional(),
  publish: z
    .strictObject({
      /** Of a walmq broker; without it, what modules publish is refused. */
      walmq_dir: z.string().min(1).max(4096).exactOptional(),
      topic: z.string().min(1).max(128).exactOptional(),
    })
    .exactOptional(),
  /** What modules that declare a path see there: a directory of this machine. */
  filesystem: z
    .record(z.string().max(256).startsWith('/'), z.string().min(1).max(4096))
    .exactOptional(),
  /** What modules that declare a variable find in it. */
  environment: z
    .record(z.string().regex(/^[A-Za-z_]\w{0,127}$/, 'no name of a variable'), z.string().max(8192))
    .exactOptional(),
})
export type ConfigFile = z.output<typeof configFile>

export interface Config {
  readonly log: { readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly max_bytes: number }
  readonly runtime: {
    readonly timeout_seconds: number
    readonly max_restarts: number
    readonly backoff_ms: number
    readonly backoff_max_ms: number
    readonly memory_mb: number
  }
  readonly publish: { readonly walmq_dir?: string | undefined; readonly topic: string }
  readonly filesystem: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
}

export const DEFAULTS: Config = {
  log: { level: 'info', max_bytes: 10 * 2 ** 20 },
  runtime: {
    timeout_seconds: 5,
    max_restarts: 5,
    backoff_ms: 200,
    backoff_max_ms: 30_000,
    memory_mb: 512,
  },
  publish: { topic: 'logs' },
  filesystem: {},
  environment: {},
}

/** Key by key: a layer overrides what it names, and nothing else. */
export function layered(base: Config, { includes: _, ...file }: ConfigFile): Config {
  return {
    log: { ...base.log, ...file.log },
    runtime: { ...base.runtime, ...file.runtime },
    publish: { ...base.publish, ...file.publish },
    filesystem: { ...base.filesystem, ...file.filesystem },
    environment: { ...base.environment, ...file.environment },
  }
}
