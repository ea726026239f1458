// What became of replicas. It is what the runtime saw, and comes later: what is of another generation,
// or of a replica that is no longer there, is not news.
import { type Immutable, mutationsFor } from 'ministore-ts'
import { z } from 'zod'
import { MAX_REPLICAS } from './deployment.ts'
import { deploymentId, instanceId } from './ids.ts'
import { staleInstance } from './refusals.ts'
import type { Registry } from './state.ts'

/** In UTF-16 code units. */
export const MAX_ERROR_LENGTH = 1000

const which = {
  deployment: deploymentId,
  replica: z
    .int()
    .min(0)
    .max(MAX_REPLICAS - 1),
  generation: z.int().positive(),
}
const restarts = z.int().min(0)
const exitCode = z.int().optional()

export const instanceMutations = mutationsFor<Registry>()({
  instanceStarted: {
    payload: z.strictObject({ ...which, restarts }),
    guard: (state, instance) => (mayRun(state, instance) ? undefined : stale(instance)),
    apply(draft, { deployment, replica, generation, restarts }) {
      const instance = { deployment, generation, state: 'running' as const, restarts }
      draft.runningInstances.set(instanceId(deployment, replica), instance)
    },
  },

  // `error`: it failed.
  instanceExited: {
    payload: z.strictObject({
      ...which,
      restarts,
      exitCode,
      error: z.string().max(MAX_ERROR_LENGTH).optional(),
    }),
    guard: (state, instance) => (isCurrent(state, instance) ? undefined : stale(instance)),
    apply(draft, { deployment, replica, generation, restarts, exitCode, error }) {
      draft.runningInstances.set(instanceId(deployment, replica), {
        deployment,
        generation,
        restarts,
        state: error === undefined ? 'exited' : 'failed',
        ...(exitCode !== undefined && { exitCode }),
        ...(error !== undefined && { error }),
      })
    },
  },
})

export interface Which {
  readonly deployment: string
  readonly replica: number
  readonly generation: number
}

export function isCurrent(
  { deployments }: Pick<Immutable<Registry>, 'deployments'>,
  { deployment, replica, generation }: Which,
): boolean {
  const found = deployments.get(deployment)
  return found?.generation === generation && replica < found.full.replicas
}

/** What starts while its deployment is being stopped is stopped, too. */
export const mayRun = (state: Pick<Immutable<Registry>, 'deployments'>, which: Which): boolean =>
  isCurrent(state, which) && state.deployments.get(which.deployment)?.desired === 'running'

const stale = ({ deployment, replica, generation }: Which) =>
  staleInstance(instanceId(deployment, replica), generation)

/** Those of the deployment from replica `from` on. `replicas`: how many it had. */
export function forgetInstances(
  { runningInstances }: Pick<Registry, 'runningInstances'>,
  deployment: string,
  replicas: number,
  from = 0,
): void {
  for (let replica = from; replica < replicas; replica += 1)
    runningInstances.delete(instanceId(deployment, replica))
}

export function forgetRunning(
  { runningInstances }: Pick<Registry, 'runningInstances'>,
  deployment: string,
  replicas: number,
): void {
  for (let replica = 0; replica < replicas; replica += 1) {
    const id = instanceId(deployment, replica)
    if (runningInstances.get(id)?.state === 'running') runningInstances.delete(id)
  }
}
