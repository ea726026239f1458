// From template and spec to what is run, and what such a thing may not be.
import type { Immutable } from 'ministore-ts'
import {
  DEFAULTS,
  type DeploymentSpec,
  type DeploymentTemplate,
  type FullDeployment,
} from './deployment.ts'
import {
  groupNeedsWorker,
  mainHasOneReplica,
  mainNeedsAsync,
  trustedNeedsMain,
} from './refusals.ts'

/**
 * Overrides before template before default; the group is always the spec's. Reducers call it, so another
 * result is another history: the recorded digests of fixtures/ would not fit any more.
 */
export function resolve(
  template: Immutable<DeploymentTemplate> | null,
  { module_id, group, replicas, overrides }: Immutable<DeploymentSpec>,
): FullDeployment {
  const base = template ?? DEFAULTS
  return {
    module_id: { ...module_id },
    group,
    replicas,
    isolation: overrides.isolation ?? base.isolation,
    trusted: overrides.trusted ?? base.trusted,
    async: overrides.async ?? base.async,
    startup: { ...base.startup, ...overrides.startup },
    resources: { ...base.resources, ...overrides.resources },
  }
}

export function brokenRuleOfTemplate(template: Immutable<DeploymentTemplate>) {
  if (template.group !== undefined && template.isolation !== 'worker')
    return groupNeedsWorker(template.group)
  return brokenRuleOfBoth(template)
}

export function brokenRule(full: Immutable<FullDeployment>) {
  const broken = brokenRuleOfBoth(full)
  if (broken) return broken
  return full.isolation === 'main' && full.replicas !== 1
    ? mainHasOneReplica(full.replicas)
    : undefined
}

type Both = Pick<Immutable<FullDeployment>, 'isolation' | 'trusted' | 'async'>

function brokenRuleOfBoth({ isolation, trusted, async }: Both) {
  if (trusted && isolation !== 'main') return trustedNeedsMain()
  return isolation === 'main' && !async ? mainNeedsAsync() : undefined
}
