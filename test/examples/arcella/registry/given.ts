// Histories that scenarios begin with.
import type { MutationInput } from 'ministore-ts'
import { scenarios } from 'ministore-ts/testing'
import { registry } from '../../../../examples/arcella/registry/definition.ts'
import type {
  DeploymentSpec,
  DeploymentTemplate,
} from '../../../../examples/arcella/registry/deployment.ts'
import type { Capabilities } from '../../../../examples/arcella/registry/manifest.ts'
import type { ModuleFacts } from '../../../../examples/arcella/registry/modules.ts'

export const { given } = scenarios(registry)
export type Fact = MutationInput<typeof registry>

export const at = '2000-01-01T00:00:00.000Z'
/** Names that every plain object has already; all of them are valid. */
export const hostileNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

export const nothing: Capabilities = {
  ...{ wasi: [], filesystem: [], network: [], environment: [] },
  ...{ resources: {}, security: { requires_tee: false, allowed_syscalls: [] } },
}
export const worker: DeploymentTemplate = {
  ...{ isolation: 'worker', trusted: false, async: false, startup: {}, resources: {} },
}
export const main: DeploymentTemplate = { ...worker, isolation: 'main', async: true }

export const id = { name: 'logger', version: '1.2.3' }

export const facts = (
  template: DeploymentTemplate | null = null,
  capabilities: Partial<Capabilities> = {},
): ModuleFacts => ({
  manifest: { id, exports: {}, imports: {}, capabilities: { ...nothing, ...capabilities } },
  ...{ kind: 'core', sha256: 'a'.repeat(64), size: 8, template },
})
export const installed = (...args: Parameters<typeof facts>): Fact => ({
  type: 'installModule',
  payload: facts(...args),
})

export const spec = (more: Partial<DeploymentSpec> = {}): DeploymentSpec => ({
  ...{ module_id: id, group: 'g', replicas: 1, overrides: {} },
  ...more,
})
export const deployed = (name = 'web', more: Partial<DeploymentSpec> = {}): Fact => ({
  type: 'deployModule',
  payload: { id: name, spec: spec(more) },
})
export const startedDeployment = (name = 'web'): Fact => ({
  type: 'startDeployment',
  payload: { id: name },
})
export const started = (replica: number, generation = 1, deployment = 'web'): Fact => ({
  type: 'instanceStarted',
  payload: { deployment, replica, generation, restarts: 0 },
})
export const exited = (replica: number, generation = 1): Fact => ({
  type: 'instanceExited',
  payload: { deployment: 'web', replica, generation, restarts: 0, exitCode: 0 },
})
