// What the registry and the host know together, in the words of the protocol.
import type { Immutable } from 'ministore-ts'
import type { RegistryStore } from '../registry/definition.ts'
import { instanceId, type ModuleId, moduleKey } from '../registry/ids.ts'
import { noSuchDeployment } from '../registry/refusals.ts'
import type { Instance, ModuleKind } from '../registry/state.ts'
import type { Reconciler } from './reconciler.ts'

type State = RegistryStore['state']
type Finds = Pick<Reconciler, 'find'>

export interface WorkerGroup {
  readonly group: string
  readonly pid: number
  readonly instances: number
}

export interface ModuleView {
  readonly module_id: Readonly<ModuleId>
  readonly kind: ModuleKind
  readonly size: number
  readonly sha256: string
  readonly description?: string | undefined
  /** What is wrong with its file. */
  readonly corrupt?: string | undefined
}

export interface DeploymentView {
  readonly deployment_id: string
  readonly module_id: Readonly<ModuleId>
  readonly group: string
  readonly isolation: 'worker' | 'main'
  readonly replicas: number
  /** Of them, those that run. */
  readonly running: number
  readonly generation: number
  readonly status: 'Started' | 'Stopped'
}

/** `starting`: not heard of yet. `restarting`: it failed, and is about to be started again. */
export type InstanceState = 'starting' | 'running' | 'restarting' | 'stopping' | 'exited' | 'failed'

export interface InstanceView {
  readonly instance_id: string
  readonly deployment_id: string
  readonly generation: number
  readonly state: InstanceState
  readonly restarts: number
  readonly pid?: number | undefined
  readonly exit_code?: number | undefined
  readonly error?: string | undefined
}

export const modules = (
  { installedModules }: State,
  corrupt: ReadonlyMap<string, string>,
): ModuleView[] =>
  [...installedModules.values()].map(({ manifest, kind, size, sha256 }) => {
    const { id: module_id, description } = manifest
    const wrong = corrupt.get(moduleKey(module_id))
    const view = { module_id, kind, size, sha256 }
    return { ...view, ...(description && { description }), ...(wrong && { corrupt: wrong }) }
  })

export const deployments = (state: State, reconciler: Finds): DeploymentView[] =>
  [...state.deployments].map(([deployment_id, { full, desired, generation }]) => {
    const { module_id, group, isolation, replicas } = full
    const running = replicasOf(replicas).filter((replica) => {
      const recorded = state.runningInstances.get(instanceId(deployment_id, replica))
      return stateOf(recorded, reconciler.find(deployment_id, replica)) === 'running'
    }).length
    const status = desired === 'running' ? 'Started' : 'Stopped'
    return { deployment_id, module_id, group, isolation, replicas, running, generation, status }
  })

export function instances(state: State, reconciler: Finds, deployment?: string): InstanceView[] {
  if (deployment === undefined)
    return [...state.deployments.keys()].flatMap((id) => instances(state, reconciler, id))
  const found = state.deployments.get(deployment)
  if (!found) throw noSuchDeployment(deployment)
  return replicasOf(found.full.replicas).flatMap((replica) => {
    const instance_id = instanceId(deployment, replica)
    const recorded = state.runningInstances.get(instance_id)
    const held = reconciler.find(deployment, replica)
    if (!recorded && !held) return []
    const { restarts = 0, exitCode: exit_code, error } = recorded ?? {}
    return {
      instance_id,
      deployment_id: deployment,
      generation: found.generation,
      state: stateOf(recorded, held),
      restarts,
      ...(held?.pid !== undefined && { pid: held.pid }),
      ...(exit_code !== undefined && { exit_code }),
      ...(error !== undefined && { error }),
    }
  })
}

function stateOf(
  recorded: Immutable<Instance> | undefined,
  held: ReturnType<Reconciler['find']>,
): InstanceState {
  if (held?.phase === 'stopping') return 'stopping'
  // What is recorded counts; until it is, the last record is of an attempt before.
  const isOld = held !== undefined && recorded?.restarts !== held.restarts
  if (recorded?.state === 'failed' && (held?.phase === 'up' || isOld)) return 'restarting'
  if (held?.phase !== 'up') return recorded?.state ?? 'starting'
  return recorded?.state === 'running' && held.pid !== undefined ? 'running' : 'starting'
}

const replicasOf = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
