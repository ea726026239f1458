// arcella instance:list: what became of each replica.
import type { Command } from 'commander'
import { z } from 'zod'
import { tell, verb, type WithAsking } from './asking.ts'
import { table } from './output.ts'

export const instances = z.array(
  z.object({
    instance_id: z.string(),
    state: z.string(),
    restarts: z.number(),
    pid: z.number().optional(),
    exit_code: z.number().optional(),
    error: z.string().optional(),
  }),
)

export const instanceListCommand = (daemon: WithAsking): Command =>
  verb('instance:list', 'List the replicas of a deployment, or of all.')
    .argument('[deployment]')
    .action((deployment_id: string | undefined) =>
      daemon((asking) =>
        tell(asking, 'instance:list', { deployment_id }, (data) =>
          instanceRows(instances.parse(data)),
        ),
      ),
    )

export const instanceRows = (rows: z.output<typeof instances>): string =>
  table(
    ['INSTANCE', 'STATE', 'PROCESS', 'RESTARTS', ''],
    rows.map(({ instance_id, state, pid, restarts, exit_code, error }) => [
      ...[instance_id, state, pid, restarts],
      error ?? (exit_code === undefined ? '' : `exit code ${exit_code}`),
    ]),
  )
