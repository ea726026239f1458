// walmq groups: who reads what, and how far they are.
import { Command } from 'commander'
import type { Data } from '../server/protocol.ts'
import { type ClientOptions, clientCommand, withClient } from './options.ts'
import { show } from './output.ts'

type Group = Data['groups']['groups'][number]

export const groupsCommand = (): Command =>
  new Command('groups')
    .description('List and delete consumer groups.')
    .addCommand(list(), { isDefault: true })
    .addCommand(remove())

const list = (): Command =>
  clientCommand('list')
    .description('List all groups, with what they have not acknowledged yet (lag).')
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        const { groups } = await client.request('groups', {})
        await show(groups, options.json, () => groups.flatMap(lines).join('\n'))
      }),
    )

const remove = (): Command =>
  clientCommand('delete')
    .description('Delete a group that has no consumers now, and what it acknowledged.')
    .argument('<group>')
    .action((group: string, options: ClientOptions) =>
      withClient(options, async (client) => {
        const done = await client.request('group_delete', { group })
        await show(done, options.json, () => '')
      }),
    )

function lines({ group, subscriptions }: Group): string[] {
  if (subscriptions.length === 0) return [`${group}\tno topics`]
  return subscriptions.map(({ topic, consumers, cursors }) => {
    const lag = cursors.reduce((sum, cursor) => sum + cursor.lag, 0)
    const next = cursors.map((cursor) => cursor.next).join(',')
    return `${group}\t${topic}\tconsumers ${consumers}\tnext ${next}\tlag ${lag}`
  })
}
