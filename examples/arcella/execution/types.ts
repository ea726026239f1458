// What the host of instances promises. It knows no store: it is told what to run, and tells what became of it.
import type { Immutable } from 'ministore-ts'
import type { ModuleFile } from '../modules/bytes.ts'
import type { FullDeployment } from '../registry/deployment.ts'
import type { Capabilities } from '../registry/manifest.ts'

export interface InstanceSpec {
  /** `<deployment>.<n>`: the same one after every restart. */
  readonly id: string
  readonly deployment: string
  readonly generation: number
  readonly full: Immutable<FullDeployment>
  /** Read, and compared with its digest, where it is run. */
  readonly module: ModuleFile
  readonly capabilities: Immutable<Capabilities>
}

/** Of one instance, in the order in which they happened. After `stop` was called only `stopped` comes. */
export type InstanceEvent = { readonly id: string; readonly generation: number } & (
  | {
      readonly type: 'started'
      /** The process that it is in: that of its group, or the daemon's own. */
      readonly pid: number
      /** How often it was started again since `start`. */
      readonly restarts: number
    }
  /** It ended by itself, and is not started again. A service that has nothing more to do ends with 0. */
  | { readonly type: 'exited'; readonly exitCode: number }
  | {
      readonly type: 'failed'
      readonly error: string
      readonly restarts: number
      /** `undefined`: never again, since it failed too often, or cannot ever be started. */
      readonly retryInMs: number | undefined
    }
  /** `terminated`: it did not end within its timeout, and was not asked any longer. */
  | { readonly type: 'stopped'; readonly how: 'ended' | 'terminated' }
)

export interface LogLine {
  readonly id: string
  /** `log`: by `arcella.log`. `host`: what the host has to say about the instance, such as lines that were dropped. */
  readonly stream: 'stdout' | 'stderr' | 'log' | 'host'
  readonly line: string
}

export interface Publication {
  readonly id: string
  readonly deployment: string
  readonly body: Buffer
}

export interface HostOptions {
  onEvent(event: InstanceEvent): void
  onLog?: ((line: LogLine) => void) | undefined
  /** What a module gives to `arcella.publish`. If it rejects, the instance's log says so; the module is not told. */
  publish?: ((publication: Publication) => Promise<void>) | undefined
  /** What declared names of the environment are looked up in. That of the daemon is never given to modules. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The directory of each path that a manifest may declare. */
  readonly directories?: Readonly<Record<string, string>> | undefined
  readonly limits?: Partial<Limits> | undefined
}

export interface Host {
  /** Begins it; what becomes of it is told by events. Throws where this id runs, or waits to be started again. */
  start(instance: InstanceSpec): void
  /**
   * Calls `shutdown`, and waits for as long as the deployment's timeout says; then terminates it. Resolves
   * when it is gone. Of an id that does not run, at once.
   */
  stop(id: string): Promise<void>
  /** Ids that run, or wait to be started again. */
  running(): string[]
  /** The group processes that there are. */
  groups(): { readonly group: string; readonly pid: number; readonly instances: number }[]
  /** Stops all, at the same time. Nothing can be started afterwards. */
  close(): Promise<void>
}

export interface Limits {
  /** Memory of an instance whose deployment and manifest say nothing. */
  readonly memoryMb: number
  /** From `start` to `started`. */
  readonly startMs: number
  /** What `startup.timeout_seconds` is, where the deployment says nothing: for a stop, and for one call of `tick`. */
  readonly timeoutMs: number
  /** Between the end of a call of `tick` and the next. */
  readonly tickMs: number
  /** Of fuel that stand for a millisecond of a call: Node has no fuel. */
  readonly fuelPerMs: number
  /** Before the first restart; each one in a row waits for twice as long, up to `backOffMaxMs`. */
  readonly backOffMs: number
  readonly backOffMaxMs: number
  /** In a row. After `stableMs`, the count starts again. */
  readonly restarts: number
  readonly stableMs: number
  /** Bytes of a line of output; a longer one is cut. */
  readonly lineBytes: number
  /** Of an instance, of all its streams; the rest is counted and dropped. */
  readonly linesPerSecond: number
  readonly publishBytes: number
  readonly publishesPerSecond: number
}
