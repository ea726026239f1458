// What can happen to deployments.
import { mutationsFor } from 'ministore-ts'
import { z } from 'zod'
import { deploymentSpec, replicas } from './deployment.ts'
import { deploymentId, moduleKey } from './ids.ts'
import { forgetInstances, forgetRunning } from './instances.ts'
import { deploymentExists, noSuchDeployment, noSuchModule, requiresTee } from './refusals.ts'
import { brokenRule, resolve } from './rules.ts'
import type { Registry } from './state.ts'

const one = z.strictObject({ id: deploymentId })

export const deploymentMutations = mutationsFor<Registry>()({
  deployModule: {
    payload: z.strictObject({ id: deploymentId, spec: deploymentSpec }),
    guard({ installedModules, deployments }, { id, spec }) {
      const module = installedModules.get(moduleKey(spec.module_id))
      if (!module) return noSuchModule(spec.module_id)
      if (deployments.has(id)) return deploymentExists(id)
      if (module.manifest.capabilities.security.requires_tee) return requiresTee(spec.module_id)
      return brokenRule(resolve(module.template, spec))
    },
    apply(draft, { id, spec }) {
      const template = draft.installedModules.get(moduleKey(spec.module_id))?.template ?? null
      const full = resolve(template, spec)
      draft.deployments.set(id, { spec, full, desired: 'stopped', generation: 1 })
    },
  },

  undeployModule: {
    payload: one,
    guard: ({ deployments }, { id }) => (deployments.has(id) ? undefined : noSuchDeployment(id)),
    apply(draft, { id }) {
      forgetInstances(draft, id, draft.deployments.get(id)?.full.replicas ?? 0)
      draft.deployments.delete(id)
    },
  },

  // Commands that ran once may run again.
  startDeployment: {
    payload: one,
    guard: ({ deployments }, { id }) => (deployments.has(id) ? undefined : noSuchDeployment(id)),
    apply(draft, { id }) {
      const deployment = draft.deployments.get(id)
      if (!deployment || deployment.desired === 'running') return
      forgetInstances(draft, id, deployment.full.replicas)
      deployment.desired = 'running'
    },
  },

  // Nothing of it runs from here on. What has ended by itself can still be seen.
  stopDeployment: {
    payload: one,
    guard: ({ deployments }, { id }) => (deployments.has(id) ? undefined : noSuchDeployment(id)),
    apply(draft, { id }) {
      const deployment = draft.deployments.get(id)
      if (!deployment) return
      forgetRunning(draft, id, deployment.full.replicas)
      deployment.desired = 'stopped'
    },
  },

  scaleDeployment: {
    payload: z.strictObject({ id: deploymentId, replicas }),
    guard({ deployments }, { id, replicas }) {
      const deployment = deployments.get(id)
      if (!deployment) return noSuchDeployment(id)
      return brokenRule({ ...deployment.full, replicas })
    },
    apply(draft, { id, replicas }) {
      const deployment = draft.deployments.get(id)
      if (!deployment) return
      forgetInstances(draft, id, deployment.full.replicas, replicas)
      deployment.spec.replicas = replicas
      deployment.full.replicas = replicas
    },
  },
})
