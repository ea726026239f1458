// What should run is the registry's; what runs is the host's. After each change of the registry this brings the
// second in line with the first, and it alone records what became of instances.
import type { Immutable } from 'ministore-ts'
import type { Host, InstanceEvent } from '../execution/types.ts'
import type { Modules } from '../modules/index.ts'
import { isDone, type RegistryRecord, type RegistryStore } from '../registry/definition.ts'
import { instanceId, moduleKey } from '../registry/ids.ts'
import { deploymentsOf } from '../registry/modules.ts'
import type { Deployment } from '../registry/state.ts'
import type { LogFile } from './log-file.ts'

type State = RegistryStore['state']

/** Of one replica, as long as the registry wants it, and until it is gone. */
interface Held {
  readonly replica: number
  readonly generation: number
  /** `ended`: by itself, for good; it is not started again as long as the same is wanted. */
  phase: 'up' | 'stopping' | 'ended'
  pid: number | undefined
  restarts: number
  /** Resolves when it is gone. */
  stopping?: Promise<void>
}

export interface ReconcilerOptions {
  readonly store: RegistryStore
  readonly modules: Modules
  readonly log: LogFile
  /** Those whose files are not what was installed, with what is wrong, by `name@version`. */
  readonly corrupt: Map<string, string>
  readonly openHost: (onEvent: (event: InstanceEvent) => void) => Host
  readonly onError: (error: unknown) => void
}

export class Reconciler {
  readonly host: Host
  readonly #options: ReconcilerOptions
  /** By deployment, then by replica. */
  readonly #held = new Map<string, Map<number, Held>>()
  readonly #recording = new Set<Promise<unknown>>()
  readonly #unsubscribe: () => void
  #isClosed = false

  /** Starts what should run. */
  constructor(options: ReconcilerOptions) {
    this.#options = options
    const { store } = options
    this.host = options.openHost((event) => this.#hear(event))
    // Not `store.state`, which may be later: a deployment that was stopped and is started again would be
    // taken for one that never stopped.
    this.#unsubscribe = store.subscribe((state, _, records) => {
      for (const { type, payload } of records)
        if (type === 'updateModule') options.corrupt.delete(moduleKey(payload.manifest.id))
      for (const id of new Set(records.flatMap((record) => affected(state, record))))
        this.#reconcile(state, id)
    })
    for (const id of store.state.deployments.keys()) this.#reconcile(store.state, id)
  }

  /** Resolves when nothing of it runs that should not. */
  async settled(deployment: string): Promise<void> {
    for (;;) {
      const stopping = [...this.#of(deployment).values()].flatMap(({ stopping }) => stopping ?? [])
      if (stopping.length === 0) return
      await Promise.all(stopping)
    }
  }

  /** What the registry cannot know: whether the host has it, and in which process. */
  find(
    deployment: string,
    replica: number,
  ): Readonly<Pick<Held, 'phase' | 'pid' | 'restarts'>> | undefined {
    return this.#held.get(deployment)?.get(replica)
  }

  /** Ends all instances. The registry still says that they run: the next start begins with them. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#unsubscribe()
    await this.host.close()
    await Promise.all(this.#recording)
  }

  #reconcile(state: State, id: string): void {
    if (this.#isClosed) return
    const deployment = state.deployments.get(id)
    const wanted = deployment?.desired === 'running' ? deployment.full.replicas : 0
    const held = this.#of(id)
    for (const [replica, each] of [...held])
      if (replica >= wanted || each.generation !== deployment?.generation)
        this.#release(id, held, each)
    for (let replica = 0; deployment && replica < wanted; replica += 1)
      if (!held.has(replica) && !isDone(state, id, replica))
        this.#begin(state, id, replica, deployment)
    if (held.size === 0) this.#held.delete(id)
  }

  #release(id: string, held: Map<number, Held>, each: Held): void {
    const { replica, phase } = each
    if (phase === 'ended') held.delete(replica)
    if (phase !== 'up') return
    each.phase = 'stopping'
    each.stopping = this.host
      .stop(instanceId(id, replica))
      .catch(this.#options.onError)
      .then(() => {
        held.delete(replica)
        // Another one may be wanted in its place by now.
        this.#reconcile(this.#options.store.state, id)
      })
  }

  #begin(state: State, id: string, replica: number, deployment: Immutable<Deployment>): void {
    const { modules, corrupt } = this.#options
    const { full, generation } = deployment
    const key = moduleKey(full.module_id)
    const module = state.installedModules.get(key)
    if (!module) return
    const held: Held = { replica, generation, phase: 'up', pid: undefined, restarts: 0 }
    this.#of(id).set(replica, held)
    const name = instanceId(id, replica)
    const wrong = corrupt.get(key)
    if (wrong !== undefined) {
      const failed = { type: 'failed', error: wrong, restarts: 0, retryInMs: undefined } as const
      this.#hear({ id: name, generation, ...failed })
      return
    }
    const { capabilities } = module.manifest
    const file = modules.file(full.module_id)
    this.host.start({ id: name, deployment: id, generation, full, module: file, capabilities })
  }

  #hear(event: InstanceEvent): void {
    const { id, generation } = event
    const { log } = this.#options
    const point = id.lastIndexOf('.')
    const [deployment, replica] = [id.slice(0, point), Number(id.slice(point + 1))]
    const which = { deployment, replica, generation }
    const held = this.#held.get(deployment)?.get(replica)
    if (held?.generation !== generation) return
    log.add(event.type === 'failed' ? 'warn' : 'info', id, sentenceOf(event))
    switch (event.type) {
      case 'started':
        Object.assign(held, { pid: event.pid, restarts: event.restarts })
        this.#record('recordStarted', { ...which, restarts: event.restarts })
        break
      case 'exited': {
        const { restarts } = held
        Object.assign(held, { phase: 'ended', pid: undefined })
        this.#record('recordExited', { ...which, restarts, exitCode: event.exitCode })
        break
      }
      case 'failed': {
        const { error, restarts, retryInMs } = event
        Object.assign(held, { pid: undefined, restarts })
        if (retryInMs === undefined) held.phase = 'ended'
        this.#record('recordExited', { ...which, restarts, error })
        break
      }
      case 'stopped':
        held.pid = undefined
    }
  }

  #record(...[command, instance]: Instance): void {
    const { store, onError } = this.#options
    const recording: Promise<unknown> = (
      command === 'recordStarted'
        ? store.execute(command, instance)
        : store.execute(command, instance)
    )
      .catch(onError)
      .finally(() => this.#recording.delete(recording))
    this.#recording.add(recording)
  }

  #of(deployment: string): Map<number, Held> {
    const found = this.#held.get(deployment)
    if (found) return found
    const made = new Map<number, Held>()
    this.#held.set(deployment, made)
    return made
  }
}

interface Seen {
  readonly deployment: string
  readonly replica: number
  readonly generation: number
  readonly restarts: number
}
type Instance =
  | [command: 'recordStarted', instance: Seen]
  | [command: 'recordExited', instance: Seen & { exitCode?: number; error?: string }]

/** Deployments of which something else may have to run. */
function affected(state: State, record: RegistryRecord): string[] {
  switch (record.type) {
    case 'undeployModule':
    case 'startDeployment':
    case 'stopDeployment':
    case 'scaleDeployment':
      return [record.payload.id]
    case 'updateModule':
      return [...deploymentsOf(state, record.payload.manifest.id)].map(([id]) => id)
    default:
      return []
  }
}

function sentenceOf(event: InstanceEvent): string {
  switch (event.type) {
    case 'started':
      return `started in process ${event.pid}`
    case 'exited':
      return `exited with ${event.exitCode}`
    case 'failed':
      return `failed: ${event.error}; ${
        event.retryInMs === undefined
          ? 'it is not started again'
          : `it is started again in ${event.retryInMs} ms`
      }`
    case 'stopped':
      return event.how === 'ended' ? 'stopped' : 'terminated'
  }
}
