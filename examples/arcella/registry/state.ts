// What the registry knows. Names come from outside: tables take every one of them as a key.
import { type Table, table } from 'ministore-ts/table'
import { z } from 'zod'
import type { DeploymentSpec, DeploymentTemplate, FullDeployment } from './deployment.ts'
import type { ComponentManifest } from './manifest.ts'

/** `wasi`: it imports WASI preview 1. `core`: it does not. */
export const moduleKind = z.enum(['core', 'wasi'])
export type ModuleKind = z.output<typeof moduleKind>

export interface InstalledModule {
  manifest: ComponentManifest
  kind: ModuleKind
  /** Of the file as it was installed, in hex. */
  sha256: string
  size: number
  template: DeploymentTemplate | null
  at: string
}

export interface Deployment {
  spec: DeploymentSpec
  /** What comes of the spec and the module's template. */
  full: FullDeployment
  desired: 'stopped' | 'running'
  /** One more with each update of the module: what runs of an older one must end. */
  generation: number
}

/** Of one replica. It is about the deployment's generation: those of older ones are forgotten. */
export interface Instance {
  deployment: string
  generation: number
  state: 'running' | 'exited' | 'failed'
  exitCode?: number | undefined
  error?: string | undefined
  /** How often it was started again, after it had failed. */
  restarts: number
}

export interface Registry {
  /** By `name@version`. */
  installedModules: Table<InstalledModule>
  /** By id. */
  deployments: Table<Deployment>
  /** By `<deployment>.<replica>`: of a deployment, none is beyond its replicas. */
  runningInstances: Table<Instance>
}

export const emptyRegistry = (): Registry => ({
  installedModules: table<InstalledModule>(),
  deployments: table<Deployment>(),
  runningInstances: table<Instance>(),
})
