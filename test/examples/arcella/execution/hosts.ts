// Hosts with real processes, what they tell, and modules for them; gone when the test file is.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Host,
  HostOptions,
  InstanceEvent,
  InstanceSpec,
  LogLine,
  Publication,
} from '../../../../examples/arcella/execution/types.ts'
import type { FullDeployment } from '../../../../examples/arcella/registry/deployment.ts'
import type { Capabilities } from '../../../../examples/arcella/registry/manifest.ts'
import { assemble } from '../../../../examples/arcella/samples/wat.ts'
import { afterEveryFile } from '../../../endings.ts'
import { built } from '../../built.ts'
import { WAT } from './wat.ts'

let made: string | undefined
const hosts: Host[] = []
afterEveryFile(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()))
  if (made !== undefined) rmSync(made, { recursive: true })
  made = undefined
})

function directory(): string {
  made ??= realpathSync(mkdtempSync(join(tmpdir(), 'arcella-execution-')))
  return made
}

/** Compiled: its processes start in a fraction of the time. */
export const hostFile = (): string => join(built('arcella'), 'execution/host.js')

export function freshDirectory(name: string): string {
  const path = join(directory(), name)
  mkdirSync(path)
  return path
}

export async function open(options: Partial<HostOptions> = {}): Promise<Watched> {
  const { openHost }: typeof import('../../../../examples/arcella/execution/host.ts') =
    await import(/* @vite-ignore */ hostFile())
  const watched = new Watched((told) =>
    openHost({ ...told, ...options, limits: { backOffMs: 20, tickMs: 10, ...options.limits } }),
  )
  hosts.push(watched.host)
  return watched
}

export class Watched {
  readonly host: Host
  readonly events: InstanceEvent[] = []
  readonly lines: LogLine[] = []
  readonly published: Publication[] = []

  constructor(openHost: (options: HostOptions) => Host) {
    this.host = openHost({
      onEvent: (event) => void this.events.push(event),
      onLog: (line) => void this.lines.push(line),
      publish: async (publication) => void this.published.push(publication),
    })
  }

  of(id: string): InstanceEvent[] {
    return this.events.filter((event) => event.id === id)
  }

  linesOf(id: string, stream: LogLine['stream']): string[] {
    return this.lines
      .filter((line) => line.id === id && line.stream === stream)
      .map(({ line }) => line)
  }

  /** Started, and what came of it: it will not be started again. */
  async ended(instance: InstanceSpec): Promise<InstanceEvent | undefined> {
    this.host.start(instance)
    await until(() => !this.host.running().includes(instance.id))
    return this.of(instance.id).at(-1)
  }

  async started(id: string, restarts = 0): Promise<number> {
    const find = () =>
      this.of(id).find((event) => event.type === 'started' && event.restarts >= restarts)
    await until(() => find() !== undefined)
    const found = find()
    return found?.type === 'started' ? found.pid : 0
  }
}

export async function until(isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 5) {
    if (waited > 10_000) throw new Error(`it never is so: ${isSo}`)
    await sleep(5)
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

export type Wanted = Partial<Omit<FullDeployment, 'module_id' | 'replicas'>> &
  Partial<Pick<Capabilities, 'wasi' | 'filesystem' | 'network' | 'environment'>>

/** Everything of WASI that a module may have. */
export const ALL_WASI = ['cli', 'clocks', 'filesystem', 'io', 'random'].map(
  (name) => `wasi:${name}`,
)

/** `id`: `<deployment>.<n>`. */
export async function instance(
  name: keyof typeof WAT,
  id: string,
  wanted: Wanted = {},
): Promise<InstanceSpec> {
  const bytes = await assemble(name, WAT[name])
  return instanceOf(bytes, name, id, wanted)
}

export function instanceOf(
  bytes: Uint8Array,
  name: string,
  id: string,
  { wasi = ALL_WASI, filesystem = [], network = [], environment = [], ...full }: Wanted = {},
): InstanceSpec {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const path = join(directory(), `${name}-${sha256}.wasm`)
  // Others may be reading it.
  if (!existsSync(path)) writeFileSync(path, bytes)
  return {
    ...{ id, deployment: id.split('.')[0] ?? id, generation: 1, module: { path, sha256 } },
    full: {
      ...{ module_id: { name, version: '1.0.0' }, group: 'tests', replicas: 1 },
      ...{ isolation: 'worker', trusted: false, async: false, startup: {}, resources: {} },
      ...full,
    },
    capabilities: {
      ...{ wasi, filesystem, network, environment, resources: {} },
      security: { requires_tee: false, allowed_syscalls: [] },
    },
  }
}
