// Why the registry says no. The codes and details are for programs; the sentences are what ALME shows.
import { Rejection } from 'ministore-ts'
import { type ModuleId, moduleKey } from './ids.ts'

/** Where `reject` throws, this is a value: rules look at what other rules say. */
const refusal = <const Code extends string, Details>(
  code: Code,
  details: Details,
  message: string,
): Rejection<Code, Details> => new Rejection(code, details, message)

export const moduleExists = (id: Readonly<ModuleId>) =>
  refusal('module_exists', { module_id: id }, `Module ${moduleKey(id)} is already installed`)

export const noSuchModule = (id: Readonly<ModuleId>) =>
  refusal('no_such_module', { module_id: id }, `Module ${moduleKey(id)} is not installed`)

export const moduleInUse = (id: Readonly<ModuleId>, deployments: readonly string[]) => {
  const [first = '', ...others] = deployments
  const rest = others.length === 0 ? '' : ` and ${others.length} more`
  return refusal(
    'module_in_use',
    { module_id: id, deployments: deployments.slice(0, 100) },
    `Module ${moduleKey(id)} is deployed as ${first}${rest}: undeploy it first`,
  )
}

export const deploymentExists = (id: string) =>
  refusal('deployment_exists', { deployment_id: id }, `There is a deployment ${id} already`)

export const noSuchDeployment = (id: string) =>
  refusal('no_such_deployment', { deployment_id: id }, `There is no deployment ${id}`)

export const staleInstance = (id: string, generation: number) =>
  refusal(
    'stale_instance',
    { instance_id: id, generation },
    `There is no ${id} of generation ${generation} any more`,
  )

// ── Rules of templates and deployments ──────────────────────────────────────────────────────────

export const trustedNeedsMain = () =>
  refusal('trusted_needs_main', {}, 'trusted = true requires isolation = "main"')

export const mainNeedsAsync = () =>
  refusal('main_needs_async', {}, 'isolation = "main" requires async = true')

export const mainHasOneReplica = (replicas: number) =>
  refusal(
    'main_has_one_replica',
    { replicas },
    `isolation = "main" requires replicas = 1, not ${replicas}`,
  )

export const groupNeedsWorker = (group: string) =>
  refusal('group_needs_worker', { group }, 'a template has a group only with isolation = "worker"')

export const requiresTee = (id: Readonly<ModuleId>) =>
  refusal(
    'requires_tee',
    { module_id: id },
    `Module ${moduleKey(id)} requires a trusted execution environment (requires_tee), which this host does not have`,
  )

/** An update that would break a rule for a deployment that is there. */
export const deploymentBroken = (id: string, { code, message }: Rejection) =>
  refusal(
    'deployment_broken',
    { deployment_id: id, code },
    `With this module, deployment ${id} would not be valid: ${message}`,
  )

// ── As sentences ────────────────────────────────────────────────────────────────────────────────

/** Of a Rejection; what a schema refused is said with its place. */
export function sentenceOf({ code, details, message }: Rejection): string {
  if (code !== 'invalid' || typeof details !== 'object' || details === null) return message
  return 'issues' in details && Array.isArray(details.issues)
    ? describeIssues(details.issues)
    : message
}

export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Of a key of a record. */
  readonly issues?: readonly Issue[]
}

/** The messages of arcella.md speak for themselves; those of zod need their place. */
export const describeIssues = (issues: readonly Issue[]): string =>
  issues.map(describeIssue).join('; ')

export function describeIssue({ path, message, issues }: Issue): string {
  const said = issues?.[0]?.message ?? message
  const place = path.map(String).join('.')
  return place === '' || said.startsWith('Invalid module ID') ? said : `${place}: ${said}`
}
