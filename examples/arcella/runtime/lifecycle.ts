// The registry's records, published as events: each at least once, in their order, also those that were written
// while no one listened. A reader knows a repetition by its seq.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RegistryRecord, RegistryStore } from '../registry/definition.ts'
import { instanceId } from '../registry/ids.ts'
import type { Broker } from './broker.ts'
import type { LogFile } from './log-file.ts'

/** No deployment is called like this, so what modules publish has other keys. */
export const LIFECYCLE_KEY = 'arcella.lifecycle'

const [FIRST_WAIT_MS, LAST_WAIT_MS] = [100, 5000]

export interface LifecycleOptions {
  readonly store: RegistryStore
  readonly broker: Broker
  /** Keeps how far it came. If that is lost, everything is published again. */
  readonly path: string
  readonly log: LogFile
}

/** Until the signal. Each record of the registry is one mutation: what is published up to a seq is whole. */
export async function publishLifecycle(
  { store, broker, path, log }: LifecycleOptions,
  signal: AbortSignal,
): Promise<void> {
  const seq = published(path)
  const after = Math.max(store.recovery.base ?? 0, seq <= store.seq ? seq : 0)
  try {
    for await (const record of store.records({ after, follow: true, signal })) {
      const body = Buffer.from(JSON.stringify(eventOf(record)))
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LAST_WAIT_MS)) {
        try {
          await broker.publish(LIFECYCLE_KEY, body)
          break
        } catch (error) {
          if (wait === FIRST_WAIT_MS) log.add('warn', 'arcella', `events wait: ${error}`)
          await sleep(wait, undefined, { signal })
        }
      }
      // Not synced: it is enough that it outlives the process.
      writeFileSync(`${path}.new`, JSON.stringify({ seq: record.seq }), { mode: 0o600 })
      renameSync(`${path}.new`, path)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function published(path: string): number {
  try {
    const { seq }: { seq?: unknown } = JSON.parse(readFileSync(path, 'utf8'))
    return typeof seq === 'number' && Number.isInteger(seq) && seq >= 0 ? seq : 0
  } catch {
    return 0
  }
}

/** What happened to whom. Facts about a module's binary are for `module:list`. */
function eventOf({ seq, at, ...record }: RegistryRecord): object {
  const { type } = record
  const event = { event: type, seq, at }
  switch (type) {
    case 'installModule':
    case 'updateModule':
      return { ...event, module_id: record.payload.manifest.id }
    case 'removeModule':
      return { ...event, module_id: record.payload.id }
    case 'deployModule': {
      const { id, spec } = record.payload
      return { ...event, deployment_id: id, module_id: spec.module_id, replicas: spec.replicas }
    }
    case 'scaleDeployment': {
      const { id, replicas } = record.payload
      return { ...event, deployment_id: id, replicas }
    }
    case 'undeployModule':
    case 'startDeployment':
    case 'stopDeployment':
      return { ...event, deployment_id: record.payload.id }
    case 'instanceStarted': {
      const { deployment, replica, generation, restarts } = record.payload
      const instance_id = instanceId(deployment, replica)
      return { ...event, deployment_id: deployment, instance_id, generation, restarts }
    }
    case 'instanceExited': {
      const { deployment, replica, exitCode: exit_code, ...rest } = record.payload
      const instance_id = instanceId(deployment, replica)
      return { ...event, deployment_id: deployment, instance_id, exit_code, ...rest }
    }
  }
}
