// How a module is run: what its template recommends, what a deployment asks for, and what comes of both.
import { z } from 'zod'
import { type ModuleId, moduleId, moduleIdInput } from './ids.ts'

export const MAX_REPLICAS = 1000
/** What a memory of WebAssembly can have. */
export const MAX_MEMORY_MB = 4096

export const isolation = z.enum(['worker', 'main'])
export type Isolation = z.output<typeof isolation>

const exportName = z.string().min(1).max(256)
export const startup = z.strictObject({
  /** An exported function that is called again and again: a service. Without it, `_start` runs once. */
  entrypoint: exportName.optional(),
  /** Called before the module is stopped. */
  shutdown: exportName.optional(),
  /** How long one call may take. */
  timeout_seconds: z.number().positive().max(86_400).optional(),
})
export type Startup = z.output<typeof startup>

const neverZero = (name: string, most: number) =>
  z.int().min(1, `${name} is never 0: leave it out where there is no limit`).max(most).optional()
export const resources = z.strictObject({
  memory_mb: neverZero('memory_mb', MAX_MEMORY_MB),
  fuel: neverZero('fuel', Number.MAX_SAFE_INTEGER),
  cpu_shares: z.int().positive().optional(),
})
export type Resources = z.output<typeof resources>

/** The group's replicas share one child process. */
export const group = z
  .string()
  .min(1, 'the group is empty')
  .max(128)
  .regex(/^\P{Cc}*$/u, 'the group has control characters')

export const deploymentTemplate = z.strictObject({
  isolation,
  trusted: z.boolean(),
  async: z.boolean(),
  group: group.optional(),
  startup,
  resources,
})
export type DeploymentTemplate = z.output<typeof deploymentTemplate>

/** What a deployment without a template and without overrides has. */
export const DEFAULTS = {
  isolation: 'worker',
  trusted: false,
  async: false,
  startup: {},
  resources: {},
} as const satisfies DeploymentTemplate

export const replicas = z
  .int()
  .min(1, 'replicas must be at least 1')
  .max(MAX_REPLICAS, `replicas must be at most ${MAX_REPLICAS}`)

const overrides = z.strictObject({
  isolation: isolation.optional(),
  trusted: z.boolean().optional(),
  async: z.boolean().optional(),
  startup: startup.optional(),
  resources: resources.optional(),
})

export const deploymentSpec = z.strictObject({ module_id: moduleId, group, replicas, overrides })
export type DeploymentSpec = z.output<typeof deploymentSpec>

/** What is run. */
export interface FullDeployment {
  module_id: ModuleId
  group: string
  replicas: number
  isolation: Isolation
  trusted: boolean
  async: boolean
  startup: Startup
  resources: Resources
}

// ── As people write it ──────────────────────────────────────────────────────────────────────────

/** The table `[deployment]` beside a `[component]`. */
export const templateInput = deploymentTemplate.extend({
  isolation: isolation.default(DEFAULTS.isolation),
  trusted: z.boolean().default(DEFAULTS.trusted),
  async: z.boolean().default(DEFAULTS.async),
  startup: startup.default({}),
  resources: resources.default({}),
})

/** The table `[deployment]` of a `.deployment.toml`. */
export const specInput = deploymentSpec.extend({
  module_id: moduleIdInput,
  replicas: replicas.default(1),
  overrides: overrides.default({}),
})
