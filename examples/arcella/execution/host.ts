// Where instances run: in the processes of their groups, or in the daemon.

import { grantsOf, NotGranted } from './grants.ts'
import { GroupProcess } from './group-process.ts'
import type { GuestOptions } from './guest/guest.ts'
import { launchInDaemon } from './in-daemon.ts'
import { LIMITS } from './limits.ts'
import { Replica } from './replica.ts'
import type { Launch } from './run.ts'
import type { Host, HostOptions, InstanceSpec, Limits } from './types.ts'

const COMMAND = '_start'

export function openHost(options: HostOptions): Host {
  const limits: Limits = { ...LIMITS, ...options.limits }
  const replicas = new Map<string, Replica>()
  /** Those that something runs in, by group. */
  const groups = new Map<string, GroupProcess>()
  /** Those that are not gone yet. */
  const processes = new Set<GroupProcess>()
  let isClosed = false

  const launchInGroup: Launch = (instance, guest, hear) => {
    const { group } = instance.full
    const process = groups.get(group) ?? openGroup(group)
    return process.launch(instance, guest, hear)
  }

  function openGroup(group: string): GroupProcess {
    const process = new GroupProcess(group, () => {
      if (groups.get(group) === process) groups.delete(group)
      process.leave()
    })
    groups.set(group, process)
    processes.add(process)
    process.gone.finally(() => processes.delete(process)).catch(() => undefined)
    return process
  }

  function start(instance: InstanceSpec) {
    const { id, generation } = instance
    if (isClosed) throw new Error('the host is closed')
    if (replicas.has(id)) throw new Error(`${id} runs`)
    const replica = prepared(instance)
    if (typeof replica === 'string') {
      const failed = { id, generation, type: 'failed', restarts: 0, retryInMs: undefined } as const
      return options.onEvent({ ...failed, error: replica })
    }
    replicas.set(id, replica)
    replica.start()
  }

  /** Or why it can never be started. */
  function prepared(instance: InstanceSpec): Replica | string {
    try {
      const guest = guestOptions(instance, options, limits)
      const launch = instance.full.isolation === 'main' ? launchInDaemon : launchInGroup
      const onEnd = () => void replicas.delete(instance.id)
      return new Replica(instance, guest, { options, limits, launch, onEnd })
    } catch (error) {
      if (error instanceof NotGranted) return error.message
      throw error
    }
  }

  return {
    start,
    stop: async (id) => replicas.get(id)?.stop(),
    running: () => [...replicas.keys()],
    groups: () =>
      [...groups.values()].map(({ group, pid, size }) => ({ group, pid, instances: size })),
    async close() {
      isClosed = true
      await Promise.all([...replicas.values()].map((replica) => replica.stop()))
      await Promise.all([...processes].map(({ gone }) => gone))
    },
  }
}

function guestOptions(instance: InstanceSpec, options: HostOptions, limits: Limits): GuestOptions {
  const { startup, resources } = instance.full
  const { entrypoint, shutdown, timeout_seconds } = startup
  return {
    name: instance.full.module_id.name,
    entrypoint: entrypoint === COMMAND ? undefined : entrypoint,
    shutdown,
    grants: grantsOf(instance, options, limits),
    limits,
    tickLimitMs: timeout_seconds === undefined ? limits.timeoutMs : timeout_seconds * 1000,
    callLimitMs:
      resources.fuel === undefined ? undefined : Math.ceil(resources.fuel / limits.fuelPerMs),
  }
}
