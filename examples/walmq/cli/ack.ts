// walmq ack: acknowledge for a group, without being one of its consumers.
import { type Command, InvalidArgumentError } from 'commander'
import { type ClientOptions, clientCommand, wholeNumber, withClient } from './options.ts'
import { show } from './output.ts'

interface AckOptions extends ClientOptions {
  readonly group: string
  readonly partition: number
}
type Range = [from: number, to: number]

export const ackCommand = (): Command =>
  clientCommand('ack')
    .description('Acknowledge messages for a group.')
    .argument('<topic>')
    .argument('<offsets...>', 'such as 7, or 0-41 with both ends', appendRange, [])
    .requiredOption('--group <group>', 'the group')
    .option('--partition <partition>', 'the partition', wholeNumber, 0)
    .action((topic: string, offsets: Range[], options: AckOptions) =>
      withClient(options, async (client) => {
        const { group, partition } = options
        const done = await client.request('ack', { group, topic, partition, offsets })
        await show(done, options.json, () => `next ${done.next}`)
      }),
    )

function appendRange(text: string, before: readonly Range[]): Range[] {
  const [, from = '', to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  const range: Range = [wholeNumber(from), wholeNumber(to)]
  if (range[0] > range[1]) throw new InvalidArgumentError('It ends before it begins.')
  return [...before, range]
}
