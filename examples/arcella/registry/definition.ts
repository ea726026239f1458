// The registry: one store. Mutations are facts, with the rules that they keep; commands decide, and say
// what came of it. It knows no files and no processes: what they are like comes in payloads.
import { commandsFor, defineStore, type JournalRecord, type StoreOf } from 'ministore-ts'
import { z } from 'zod'
import { type CompatibilityWarning, compatibilityWarnings } from './compatibility.ts'
import { deploymentSpec, replicas } from './deployment.ts'
import { deploymentMutations } from './deployments.ts'
import { deploymentId, instanceId, moduleKey } from './ids.ts'
import { instanceMutations, isCurrent, MAX_ERROR_LENGTH, mayRun } from './instances.ts'
import { deploymentsOf, moduleMutations } from './modules.ts'
import { noSuchDeployment } from './refusals.ts'
import { emptyRegistry, type Registry } from './state.ts'

const mutations = { ...moduleMutations, ...deploymentMutations, ...instanceMutations }
const one = z.strictObject({ id: deploymentId })

const commands = commandsFor<Registry, typeof mutations>()({
  /** With what Node cannot give of what it asks for. */
  deploy: {
    input: z.strictObject({ id: deploymentId, spec: deploymentSpec }),
    run(tx, { id, spec }) {
      tx.dispatch('deployModule', { id, spec })
      const { full } = tx.state.deployments.get(id) ?? {}
      const module = tx.state.installedModules.get(moduleKey(spec.module_id))
      const warnings: CompatibilityWarning[] =
        module && full ? compatibilityWarnings(module, full) : []
      return { warnings }
    },
  },

  /** What runs already is left as it is, and nothing is written. */
  start: {
    input: one,
    run(tx, { id }) {
      const deployment = tx.state.deployments.get(id)
      if (!deployment) return noSuchDeployment(id)
      const isNew = deployment.desired !== 'running'
      if (isNew) tx.dispatch('startDeployment', { id })
      return { isNew }
    },
  },

  stop: {
    input: one,
    run(tx, { id }) {
      const deployment = tx.state.deployments.get(id)
      if (!deployment) return noSuchDeployment(id)
      const isNew = deployment.desired !== 'stopped'
      if (isNew) tx.dispatch('stopDeployment', { id })
      return { isNew }
    },
  },

  scale: {
    input: z.strictObject({ id: deploymentId, replicas }),
    run(tx, { id, replicas }) {
      const deployment = tx.state.deployments.get(id)
      if (!deployment) return noSuchDeployment(id)
      const before = deployment.full.replicas
      if (replicas !== before) tx.dispatch('scaleDeployment', { id, replicas })
      return { before }
    },
  },

  /** The deployments that have a new generation. */
  update: {
    input: moduleMutations.updateModule.payload,
    run(tx, module) {
      tx.dispatch('updateModule', module)
      const affected = deploymentsOf(tx.state, module.manifest.id)
      return { deployments: [...affected].map(([id]) => id) }
    },
  },

  /** What the runtime saw. What is no news is ignored: it is of another generation, or of no replica. */
  recordStarted: {
    input: instanceMutations.instanceStarted.payload,
    run(tx, instance) {
      const isNews = mayRun(tx.state, instance)
      if (isNews) tx.dispatch('instanceStarted', instance)
      return { isNews }
    },
  },

  recordExited: {
    input: instanceMutations.instanceExited.payload.extend({ error: z.string().optional() }),
    run(tx, { error, ...instance }) {
      const isNews = isCurrent(tx.state, instance)
      const short = error?.slice(0, MAX_ERROR_LENGTH)
      if (isNews)
        tx.dispatch('instanceExited', { ...instance, ...(short !== undefined && { error: short }) })
      return { isNews }
    },
  },
})

export type RegistryStore = StoreOf<typeof registry>
export const registry = defineStore({
  name: 'arcella',
  state: emptyRegistry(),
  mutations,
  commands,
})

/** As the registry's subscribers and readers see it. */
export type RegistryRecord = JournalRecord<typeof registry>

/** A replica that has ended by itself is not run again; one that failed may be. */
export const isDone = (
  { runningInstances }: RegistryStore['state'],
  deployment: string,
  replica: number,
): boolean => runningInstances.get(instanceId(deployment, replica))?.state === 'exited'
