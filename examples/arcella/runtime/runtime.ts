// A base directory that is open: its registry, its modules' files, what runs of them, its log. All that can be
// asked of a daemon is a method here; control/ only puts it on a socket.
import { join } from 'node:path'
import type { StoreError } from 'ministore-ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { openHost } from '../execution/host.ts'
import type { InstanceEvent, LogLine, Publication } from '../execution/types.ts'
import { type Modules, openModules } from '../modules/index.ts'
import { readDeployment } from '../modules/package.ts'
import type { CompatibilityWarning } from '../registry/compatibility.ts'
import { type RegistryStore, registry } from '../registry/definition.ts'
import { type ModuleId, moduleKey } from '../registry/ids.ts'
import { noSuchDeployment } from '../registry/refusals.ts'
import { makeBase } from './base.ts'
import { Broker } from './broker.ts'
import type { Layout } from './layout.ts'
import { publishLifecycle } from './lifecycle.ts'
import { LogFile } from './log-file.ts'
import { Queues } from './queues.ts'
import { Reconciler } from './reconciler.ts'
import * as views from './views.ts'

/** Records that opening may replay: with more records after the last snapshot, a new one is taken. */
const MOST_REPLAYED = 1000

export interface RuntimeOptions {
  /** The registry accepts no more writes, because its disk failed. Only opening it again helps. */
  readonly onStop: (error: StoreError) => void
}

/**
 * Takes the registry's lock, and with it the directory. Removes what a crash left, and starts exactly what should run.
 * Throws StoreError `locked` if another daemon has it, TomlProblem, ModuleError.
 */
export async function openRuntime(base: string, { onStop }: RuntimeOptions): Promise<Runtime> {
  const layout = await makeBase(base)
  const { config, warnings } = loadConfig(layout.config)
  const store = await registry.open(layout.registry, { onStop })
  try {
    const { level, max_bytes: maxBytes } = config.log
    const log = new LogFile(layout.log, { level, maxBytes })
    for (const warning of warnings) log.add('warn', 'arcella', warning)
    const modules = await openModules(store, layout.modules)
    const corrupt = await corruptModules(store, modules)
    const runtime = new Runtime({ store, modules, log, config, layout, corrupt })
    log.add('info', 'arcella', `opened at record ${store.seq}, as process ${process.pid}`)
    for (const name of modules.removed)
      log.add('warn', 'arcella', `removed ${name}, which a crash had left`)
    return runtime
  } catch (error) {
    await store.close()
    throw error
  }
}

export interface Opened {
  readonly store: RegistryStore
  readonly modules: Modules
  readonly log: LogFile
  readonly config: Config
  readonly layout: Layout
  readonly corrupt: Map<string, string>
}

export class Runtime {
  readonly log: LogFile
  readonly startTime: Date = new Date()
  readonly #store: RegistryStore
  readonly #modules: Modules
  readonly #corrupt: Map<string, string>
  readonly #reconciler: Reconciler
  readonly #broker: Broker | undefined
  /** By deployment: what is begun on one is through before the next thing is. */
  readonly #queues = new Queues()
  readonly #closing = new AbortController()
  readonly #background: Promise<unknown>[] = []

  constructor({ store, modules, log, config, layout, corrupt }: Opened) {
    this.log = log
    this.#store = store
    this.#modules = modules
    this.#corrupt = corrupt
    for (const [key, wrong] of corrupt) log.add('error', 'arcella', `${key}: ${wrong}`)
    const { walmq_dir: directory, topic } = config.publish
    const broker = directory === undefined ? undefined : new Broker(directory, topic)
    this.#broker = broker
    const host = hostOptions(config, log, broker)
    const open = (onEvent: (event: InstanceEvent) => void) => openHost({ ...host, onEvent })
    const onError = (error: unknown) => log.add('error', 'arcella', String(error))
    this.#reconciler = new Reconciler({ store, modules, log, corrupt, openHost: open, onError })
    const path = join(layout.cache, 'published.json')
    if (broker)
      this.#inBackground(publishLifecycle({ store, broker, path, log }, this.#closing.signal))
    if (store.recovery.records > MOST_REPLAYED) this.#inBackground(store.snapshot())
  }

  async install(path: string): Promise<ModuleId> {
    const { manifest } = await this.#modules.install(path)
    this.#say(`module ${moduleKey(manifest.id)} is installed`)
    return manifest.id
  }

  /** Resolves when nothing of its old contents runs any more. */
  async update(path: string): Promise<{ id: ModuleId; deployments: readonly string[] }> {
    const { facts, deployments } = await this.#modules.update(path)
    const { id } = facts.manifest
    this.#say(`module ${moduleKey(id)} is updated`)
    await Promise.all(deployments.map((each) => this.#reconciler.settled(each)))
    return { id, deployments }
  }

  async remove(id: ModuleId): Promise<void> {
    await this.#modules.remove(id)
    this.#corrupt.delete(moduleKey(id))
    this.#say(`module ${moduleKey(id)} is removed`)
  }

  async deploy(file: string): Promise<Deployed> {
    const { id, spec } = await readDeployment(file)
    return this.#queues.run(id, async () => {
      const { value } = await this.#store.execute('deploy', { id, spec })
      this.#say(`deployment ${id} of ${moduleKey(spec.module_id)} is there`)
      return { id, moduleId: spec.module_id, warnings: value.warnings }
    })
  }

  undeploy(id: string): Promise<void> {
    return this.#queues.run(id, async () => {
      await this.#store.dispatch('undeployModule', { id })
      this.#say(`deployment ${id} is gone`)
      await this.#reconciler.settled(id)
    })
  }

  /** Throws ModuleError `module_corrupt`. What becomes of the replicas is seen later. */
  start(id: string): Promise<void> {
    return this.#queues.run(id, async () => {
      const deployment = this.#store.state.deployments.get(id)
      if (!deployment) throw noSuchDeployment(id)
      const wrong = await this.#modules.check(deployment.full.module_id)
      if (wrong) throw wrong
      this.#corrupt.delete(moduleKey(deployment.full.module_id))
      const { value } = await this.#store.execute('start', { id })
      if (value.isNew) this.#say(`deployment ${id} is started`)
    })
  }

  /** Resolves when nothing of it runs. */
  stop(id: string): Promise<void> {
    return this.#queues.run(id, async () => {
      const { value } = await this.#store.execute('stop', { id })
      if (value.isNew) this.#say(`deployment ${id} is stopped`)
      await this.#reconciler.settled(id)
    })
  }

  /** Resolves when those that are too many are gone. */
  scale(id: string, replicas: number): Promise<number> {
    return this.#queues.run(id, async () => {
      const { value } = await this.#store.execute('scale', { id, replicas })
      this.#say(`deployment ${id} has ${replicas} replicas, and had ${value.before}`)
      await this.#reconciler.settled(id)
      return value.before
    })
  }

  workerGroups(): readonly views.WorkerGroup[] {
    return this.#reconciler.host.groups()
  }

  modules(): views.ModuleView[] {
    return views.modules(this.#store.state, this.#corrupt)
  }

  deployments(): views.DeploymentView[] {
    return views.deployments(this.#store.state, this.#reconciler)
  }

  /** Of one deployment, or of all. Throws Rejection `no_such_deployment`. */
  instances(deployment?: string): views.InstanceView[] {
    return views.instances(this.#store.state, this.#reconciler, deployment)
  }

  /** Ends all instances. The registry still says that they run: the next opening begins with them. */
  stopAll(): Promise<void> {
    return this.#reconciler.close()
  }

  /** After `stopAll`. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#broker?.close()
    await Promise.all(this.#background)
    this.#say('closed')
    await this.#store.close()
    this.log.close()
  }

  #say(text: string): void {
    this.log.add('info', 'arcella', text)
  }

  /** What fails there is reported, and harms nothing else. */
  #inBackground(work: Promise<unknown>): void {
    const told = (error: unknown) => this.log.add('error', 'arcella', String(error))
    this.#background.push(work.catch(told))
  }
}

export interface Deployed {
  readonly id: string
  readonly moduleId: ModuleId
  readonly warnings: readonly CompatibilityWarning[]
}

async function corruptModules(
  { state }: RegistryStore,
  modules: Modules,
): Promise<Map<string, string>> {
  const corrupt = new Map<string, string>()
  for (const [key, { manifest }] of state.installedModules) {
    const wrong = await modules.check(manifest.id)
    if (wrong) corrupt.set(key, wrong.message)
  }
  return corrupt
}

function hostOptions(
  { runtime, environment: env, filesystem: directories }: Config,
  log: LogFile,
  broker: Broker | undefined,
) {
  const onLog = ({ id, stream, line }: LogLine) =>
    log.add(stream === 'stderr' || stream === 'host' ? 'warn' : 'info', id, line)
  const publish =
    broker && (({ deployment, body }: Publication) => broker.publish(deployment, body))
  const limits = {
    memoryMb: runtime.memory_mb,
    timeoutMs: runtime.timeout_seconds * 1000,
    restarts: runtime.max_restarts,
    backOffMs: runtime.backoff_ms,
    backOffMaxMs: runtime.backoff_max_ms,
  }
  return { env, directories, onLog, publish, limits }
}
