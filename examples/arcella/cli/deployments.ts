// arcella module:deploy, start, stop, scale, undeploy, deployment:list: what is to run.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { moduleIdInput, moduleKey } from '../registry/ids.ts'
import { tell, verb, type WithAsking, wholeNumber } from './asking.ts'
import { safe, table } from './output.ts'

const deployed = z.object({
  module_id: moduleIdInput,
  deployment_id: z.string(),
  warnings: z.array(z.object({ field: z.string(), message: z.string() })).default([]),
})

export const moduleDeployCommand = (daemon: WithAsking): Command =>
  verb('module:deploy', 'Deploy a module, and tell what Node cannot give it.')
    .argument('<file>', '<deployment>.deployment.toml')
    .action((file: string) =>
      daemon((asking) =>
        tell(asking, 'module:deploy', { file: resolve(file) }, (data) => {
          const { module_id, deployment_id, warnings } = deployed.parse(data)
          return [
            `Module ${moduleKey(module_id)} is deployed as ${deployment_id}`,
            ...warnings.map(({ field, message }) => safe(`warning: ${field}: ${message}`)),
          ].join('\n')
        }),
      ),
    )

const ofDeployment = (daemon: WithAsking, cmd: string, description: string): Command =>
  verb(cmd, description)
    .argument('<deployment>')
    .action((deployment_id: string) => daemon((asking) => tell(asking, cmd, { deployment_id })))

export const moduleStartCommand = (daemon: WithAsking): Command =>
  ofDeployment(daemon, 'module:start', 'Run a deployment, now and after each start of the daemon.')

export const moduleStopCommand = (daemon: WithAsking): Command =>
  ofDeployment(daemon, 'module:stop', 'Stop a deployment, and wait until nothing of it runs.')

export const moduleUndeployCommand = (daemon: WithAsking): Command =>
  ofDeployment(daemon, 'module:undeploy', 'Stop a deployment, and forget it.')

export const moduleScaleCommand = (daemon: WithAsking): Command =>
  verb('module:scale', 'Change how many replicas a deployment has.')
    .argument('<deployment>')
    .argument('<replicas>', 'how many it has then', wholeNumber)
    .action((deployment_id: string, replicas: number) =>
      daemon((asking) => tell(asking, 'module:scale', { deployment_id, replicas })),
    )

const list = z.array(
  z.object({
    deployment_id: z.string(),
    module_id: moduleIdInput,
    group: z.string(),
    isolation: z.string(),
    status: z.string(),
    replicas: z.number(),
    running: z.number(),
    generation: z.number(),
  }),
)

export const deploymentListCommand = (daemon: WithAsking): Command =>
  verb('deployment:list', 'List all deployments.').action(() =>
    daemon((asking) =>
      tell(asking, 'deployment:list', {}, (data) =>
        table(
          ['DEPLOYMENT', 'MODULE', 'STATUS', 'RUNNING', 'ISOLATION', 'GROUP', 'GENERATION'],
          list
            .parse(data)
            .map(({ deployment_id, module_id, status, running, replicas, ...rest }) => [
              ...[deployment_id, moduleKey(module_id), status, `${running}/${replicas}`],
              ...[rest.isolation, rest.group, rest.generation],
            ]),
        ),
      ),
    ),
  )
