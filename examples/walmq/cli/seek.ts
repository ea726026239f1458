// walmq seek: move a group, back or forth.
import type { Command } from 'commander'
import { type ClientOptions, clientCommand, wholeNumber, withClient } from './options.ts'
import { show } from './output.ts'

interface SeekOptions extends ClientOptions {
  readonly group: string
  readonly partition: number | undefined
}
type Target = number | 'earliest' | 'latest'

export const seekCommand = (): Command =>
  clientCommand('seek')
    .description('Move a group: its consumers go on from there.')
    .argument('<topic>')
    .argument('<to>', 'an offset, earliest or latest', target)
    .requiredOption('--group <group>', 'the group')
    .option('--partition <partition>', 'one partition; default: each of them', wholeNumber)
    .action((topic: string, to: Target, options: SeekOptions) =>
      withClient(options, async (client) => {
        const { group, partition } = options
        const { partitions } = await client.request('topic_describe', { topic })
        const moved: { partition: number; next: number }[] = []
        for (const each of partition === undefined ? [...Array(partitions).keys()] : [partition]) {
          const { next } = await client.request('seek', { group, topic, partition: each, to })
          moved.push({ partition: each, next })
        }
        await show(moved, options.json, () =>
          moved.map(({ partition, next }) => `partition ${partition}\tnext ${next}`).join('\n'),
        )
      }),
    )

const target = (text: string): Target =>
  text === 'earliest' || text === 'latest' ? text : wholeNumber(text)
