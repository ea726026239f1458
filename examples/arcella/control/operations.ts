// What each command does with the runtime, and how it is answered.
import { moduleKey } from '../registry/ids.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type Args, type Command, MAX_LINE_BYTES } from './protocol.ts'

export const VERSION = '0.1.0'

export interface Done {
  readonly message: string
  readonly data?: unknown
}
export type Operations = { readonly [C in Command]: (args: Args[C]) => Done | Promise<Done> }

export const operationsOf = (runtime: Runtime): Operations => ({
  Ping: () => ({ message: 'pong' }),

  'log:tail'({ n }) {
    const lines = fitting(runtime.log.tail(n))
    return { message: `Last ${lines.length} lines`, data: { lines } }
  },

  'module:status'({ deployment_id: id }) {
    if (typeof id === 'string') return statusOf(runtime, id)
    const data = {
      version: VERSION,
      pid: process.pid,
      start_time: runtime.startTime.toISOString(),
      uptime: Math.floor((Date.now() - runtime.startTime.getTime()) / 1000),
      worker_groups: runtime.workerGroups(),
      modules: runtime.modules().length,
    }
    return { message: 'Arcella runtime is active', data }
  },

  'module:list': () => ({ message: 'Module list', data: runtime.modules() }),

  async 'module:install'({ path }) {
    const id = await runtime.install(path)
    return { message: `Module ${moduleKey(id)} is installed`, data: { module_id: id } }
  },
  async 'module:update'({ path }) {
    const { id, deployments } = await runtime.update(path)
    return { message: `Module ${moduleKey(id)} is updated`, data: { module_id: id, deployments } }
  },
  async 'module:remove'({ module_id }) {
    await runtime.remove(module_id)
    return { message: `Module ${moduleKey(module_id)} is removed`, data: { module_id } }
  },

  async 'module:deploy'({ file }) {
    const { id, moduleId, warnings } = await runtime.deploy(file)
    return {
      message: `Module ${moduleKey(moduleId)} is deployed as ${id}`,
      // Where everything is as it was asked for, there are no warnings.
      data: {
        module_id: moduleId,
        deployment_id: id,
        ...(warnings.length > 0 && { warnings }),
      },
    }
  },
  async 'module:start'({ deployment_id }) {
    await runtime.start(deployment_id)
    return {
      message: `Deployment ${deployment_id} is started`,
      data: { deployment_id, status: 'Started' },
    }
  },
  async 'module:stop'({ deployment_id }) {
    await runtime.stop(deployment_id)
    return {
      message: `Deployment ${deployment_id} is stopped`,
      data: { deployment_id, status: 'Stopped' },
    }
  },
  async 'module:scale'({ deployment_id, replicas }) {
    const before = await runtime.scale(deployment_id, replicas)
    return {
      message: `Deployment ${deployment_id} has ${replicas} replicas`,
      data: { deployment_id, replicas, before },
    }
  },
  async 'module:undeploy'({ deployment_id }) {
    await runtime.undeploy(deployment_id)
    return { message: `Deployment ${deployment_id} is undeployed`, data: { deployment_id } }
  },

  'deployment:list': () => ({ message: 'Deployment list', data: runtime.deployments() }),
  'instance:list': ({ deployment_id }) => ({
    message: 'Instance list',
    data: runtime.instances(deployment_id ?? undefined),
  }),
})

function statusOf(runtime: Runtime, id: string): Done {
  const instances = runtime.instances(id)
  const deployment = runtime.deployments().find(({ deployment_id }) => deployment_id === id)
  return {
    message: `Deployment ${id} is ${deployment?.status.toLowerCase()}`,
    data: { ...deployment, instances },
  }
}

/** As many of the newest as one line has room for. */
function fitting(lines: readonly string[]): string[] {
  // For everything around them.
  let left = MAX_LINE_BYTES - 128
  const end = lines.findIndex((line) => {
    left -= Buffer.byteLength(JSON.stringify(line)) + 1
    return left < 0
  })
  return lines.slice(0, end < 0 ? lines.length : end)
}
