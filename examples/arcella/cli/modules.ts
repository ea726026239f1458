// arcella module:list, install, update, remove: what is installed.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { moduleIdInput, moduleKey } from '../registry/ids.ts'
import { tell, verb, type WithAsking } from './asking.ts'
import { table } from './output.ts'

const list = z.array(
  z.object({
    module_id: moduleIdInput,
    kind: z.string(),
    size: z.number(),
    description: z.string().optional(),
    corrupt: z.string().optional(),
  }),
)

export const moduleListCommand = (daemon: WithAsking): Command =>
  verb('module:list', 'List what is installed.').action(() =>
    daemon((asking) =>
      tell(asking, 'module:list', {}, (data) =>
        table(
          ['MODULE', 'KIND', 'BYTES', ''],
          list
            .parse(data)
            .map(({ module_id, kind, size, description, corrupt }) => [
              ...[moduleKey(module_id), kind, size, corrupt ?? description],
            ]),
        ),
      ),
    ),
  )

/** The daemon has a working directory of its own. */
const withPath = (daemon: WithAsking, cmd: string, description: string): Command =>
  verb(cmd, description)
    .argument('<path>', 'name.wasm, with name.toml beside it')
    .action((path: string) => daemon((asking) => tell(asking, cmd, { path: resolve(path) })))

export const moduleInstallCommand = (daemon: WithAsking): Command =>
  withPath(daemon, 'module:install', 'Install a module.')

export const moduleUpdateCommand = (daemon: WithAsking): Command =>
  withPath(daemon, 'module:update', 'Put other contents in the place of an installed module.')

export const moduleRemoveCommand = (daemon: WithAsking): Command =>
  verb('module:remove', 'Remove a module that is not deployed.')
    .argument('<module>', 'name@version')
    .action((module_id: string) => daemon((asking) => tell(asking, 'module:remove', { module_id })))
