// What can happen to modules. Their files come first, and go last: see modules/.
import { type Immutable, mutationsFor } from 'ministore-ts'
import { z } from 'zod'
import { deploymentTemplate } from './deployment.ts'
import { type ModuleId, moduleId, moduleKey } from './ids.ts'
import { forgetInstances } from './instances.ts'
import { componentManifest } from './manifest.ts'
import {
  deploymentBroken,
  moduleExists,
  moduleInUse,
  noSuchModule,
  requiresTee,
} from './refusals.ts'
import { brokenRule, brokenRuleOfTemplate, resolve } from './rules.ts'
import { type Deployment, moduleKind, type Registry } from './state.ts'

export const MAX_WASM_SIZE: number = 64 * 2 ** 20

/** Facts about a binary that compiles and is durable: the caller of `dispatch` makes sure of that. */
const module = z.strictObject({
  manifest: componentManifest,
  kind: moduleKind,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().min(0).max(MAX_WASM_SIZE),
  template: deploymentTemplate.nullable(),
})
export type ModuleFacts = z.output<typeof module>

export const moduleMutations = mutationsFor<Registry>()({
  installModule: {
    payload: module,
    guard({ installedModules }, { manifest, template }) {
      if (installedModules.has(moduleKey(manifest.id))) return moduleExists(manifest.id)
      return template ? brokenRuleOfTemplate(template) : undefined
    },
    apply: (draft, module, { at }) =>
      void draft.installedModules.set(moduleKey(module.manifest.id), { ...module, at }),
  },

  removeModule: {
    payload: z.strictObject({ id: moduleId }),
    guard(state, { id }) {
      if (!state.installedModules.has(moduleKey(id))) return noSuchModule(id)
      const deployments = [...deploymentsOf(state, id)].map(([deployment]) => deployment)
      return deployments.length > 0 ? moduleInUse(id, deployments) : undefined
    },
    apply: (draft, { id }) => void draft.installedModules.delete(moduleKey(id)),
  },

  // The same id with other contents. All that runs of it is of an older generation from here on.
  updateModule: {
    payload: module,
    guard(state, { manifest, template }) {
      const { id, capabilities } = manifest
      if (!state.installedModules.has(moduleKey(id))) return noSuchModule(id)
      const broken = template ? brokenRuleOfTemplate(template) : undefined
      if (broken) return broken
      for (const [deployment, { spec }] of deploymentsOf(state, id)) {
        const broken = capabilities.security.requires_tee
          ? requiresTee(id)
          : brokenRule(resolve(template, spec))
        if (broken) return deploymentBroken(deployment, broken)
      }
      return undefined
    },
    apply(draft, module, { at }) {
      const { id } = module.manifest
      draft.installedModules.set(moduleKey(id), { ...module, at })
      for (const [name, { full }] of [...deploymentsOf(draft, id)]) {
        forgetInstances(draft, name, full.replicas)
        draft.deployments.update(name, (deployment) => {
          deployment.full = resolve(module.template, deployment.spec)
          deployment.generation += 1
        })
      }
    },
  },
})

/** All that are of this module, whether they run or not. */
export function* deploymentsOf(
  { deployments }: Pick<Immutable<Registry>, 'deployments'>,
  id: Readonly<ModuleId>,
): Generator<readonly [string, Immutable<Deployment>]> {
  const key = moduleKey(id)
  for (const entry of deployments) if (moduleKey(entry[1].spec.module_id) === key) yield entry
}
