// arcella ping, status, log:tail: how the daemon is.
import type { Command } from 'commander'
import { z } from 'zod'
import { tell, verb, type WithAsking, wholeNumber } from './asking.ts'
import { instanceRows, instances } from './instances.ts'
import { safe, table } from './output.ts'

export const pingCommand = (daemon: WithAsking): Command =>
  verb('ping', 'Ask whether the daemon answers.').action(() =>
    daemon((asking) => tell(asking, 'Ping')),
  )

const tail = z.object({ lines: z.array(z.string()) })

export const logTailCommand = (daemon: WithAsking): Command =>
  verb('log:tail', "Print the end of the log: the daemon's lines, and those of modules.")
    .option('-n <lines>', 'how many', wholeNumber, 100)
    .action(({ n }: { n: number }) =>
      daemon((asking) =>
        // As they are read, the newest last.
        tell(asking, 'log:tail', { n }, (data) =>
          tail.parse(data).lines.reverse().map(safe).join('\n'),
        ),
      ),
    )

const all = z.object({
  version: z.string(),
  pid: z.number(),
  start_time: z.string(),
  uptime: z.number(),
  worker_groups: z.array(z.object({ group: z.string(), pid: z.number(), instances: z.number() })),
  modules: z.number(),
})
const one = z.object({
  deployment_id: z.string(),
  status: z.string(),
  generation: z.number(),
  group: z.string(),
  isolation: z.string(),
  replicas: z.number(),
  running: z.number(),
  instances,
})

export const statusCommand = (daemon: WithAsking): Command =>
  verb('status', 'Tell how the daemon is, or how a deployment is.')
    .argument('[deployment]')
    .action((deployment_id: string | undefined) =>
      daemon((asking) =>
        deployment_id === undefined
          ? tell(asking, 'module:status', { deployment_id: null }, ofDaemon)
          : tell(asking, 'module:status', { deployment_id }, ofDeployment),
      ),
    )

function ofDaemon(data: unknown): string {
  const { version, pid, start_time, uptime, worker_groups, modules } = all.parse(data)
  const groups = worker_groups.map(({ group, pid, instances }) => [group, pid, instances])
  return [
    `arcella ${version} is active: process ${pid}, since ${start_time} (${uptime} s), modules ${modules}`,
    ...(groups.length > 0 ? [table(['GROUP', 'PROCESS', 'INSTANCES'], groups)] : []),
  ].join('\n')
}

function ofDeployment(data: unknown): string {
  const { deployment_id, status, instances, ...rest } = one.parse(data)
  const { group, isolation, replicas, running, generation } = rest
  return [
    `${deployment_id} is ${status.toLowerCase()}: ${running} of ${replicas} run`,
    `isolation ${isolation}, group ${safe(group)}, generation ${generation}`,
    ...(instances.length > 0 ? [instanceRows(instances)] : []),
  ].join('\n')
}
