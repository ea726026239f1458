// walmq topic: topics, and how long they keep messages.
import { Command } from 'commander'
import type { Data } from '../server/protocol.ts'
import {
  type ClientOptions,
  clientCommand,
  limitOrNone,
  wholeNumber,
  withClient,
} from './options.ts'
import { show } from './output.ts'

type Topic = Data['topic_describe']

interface RetentionOptions extends ClientOptions {
  readonly retentionMs?: number | null
  readonly retentionBytes?: number | null
  readonly keepUnacked?: boolean
}
interface CreateOptions extends RetentionOptions {
  readonly partitions?: number
  readonly maxMessageBytes?: number
}

export function topicCommand(): Command {
  const all = new Command('topic').description('Make, list, change and delete topics.')
  for (const command of [create(), list(), describe(), setRetention(), addPartitions(), remove()])
    all.addCommand(command)
  return all
}

const withRetention = (command: Command): Command =>
  command
    .option('--retention-ms <ms>', 'keep messages at least so long, or "none"', limitOrNone)
    .option(
      '--retention-bytes <bytes>',
      'keep at least so much a partition, or "none"',
      limitOrNone,
    )
    .option('--keep-unacked', 'never drop what a group has not acknowledged')
    .option('--no-keep-unacked', 'drop it, too')

const retentionOf = ({ retentionMs, retentionBytes, keepUnacked }: RetentionOptions) => ({
  retention_ms: retentionMs,
  retention_bytes: retentionBytes,
  keep_unacked: keepUnacked,
})

const create = (): Command =>
  withRetention(clientCommand('create').description('Make a topic.').argument('<topic>'))
    .option('--partitions <count>', '1 to 256', wholeNumber)
    .option('--max-message-bytes <bytes>', 'key and body', wholeNumber)
    .action((topic: string, options: CreateOptions) =>
      withClient(options, async (client) => {
        const { partitions, maxMessageBytes: max_message_bytes } = options
        const settings = { partitions, max_message_bytes, ...retentionOf(options) }
        const made = await client.request('topic_create', { topic, ...settings })
        await show(made, options.json, () => line(made))
      }),
    )

const list = (): Command =>
  clientCommand('list')
    .description('List all topics.')
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        const { topics } = await client.request('topic_list', {})
        await show(topics, options.json, () => topics.map(line).join('\n'))
      }),
    )

const describe = (): Command =>
  clientCommand('describe')
    .description('Tell all of a topic, by partition.')
    .argument('<topic>')
    .action((topic: string, options: ClientOptions) =>
      withClient(options, async (client) => {
        const found = await client.request('topic_describe', { topic })
        await show(found, options.json, () => [line(found), ...partitionLines(found)].join('\n'))
      }),
    )

const setRetention = (): Command =>
  withRetention(
    clientCommand('set-retention')
      .description('Change what is given, and leave the rest.')
      .argument('<topic>'),
  ).action((topic: string, options: RetentionOptions) =>
    withClient(options, async (client) => {
      const changed = await client.request('topic_set_retention', {
        topic,
        ...retentionOf(options),
      })
      await show(changed, options.json, () => line(changed))
    }),
  )

const addPartitions = (): Command =>
  clientCommand('add-partitions')
    .description('Give a topic more partitions. Keys may go to other partitions from then on.')
    .argument('<topic>')
    .argument('<count>', 'how many it has then', wholeNumber)
    .action((topic: string, count: number, options: ClientOptions) =>
      withClient(options, async (client) => {
        const changed = await client.request('topic_add_partitions', { topic, count })
        await show(changed, options.json, () => line(changed))
      }),
    )

const remove = (): Command =>
  clientCommand('delete')
    .description('Delete a topic, with its messages and its subscriptions.')
    .argument('<topic>')
    .action((topic: string, options: ClientOptions) =>
      withClient(options, async (client) => {
        const done = await client.request('topic_delete', { topic })
        await show(done, options.json, () => '')
      }),
    )

function line({ topic, partitions, log, ...settings }: Topic): string {
  const messages = log.reduce((sum, { start, end }) => sum + end - start, 0)
  const bytes = log.reduce((sum, each) => sum + each.bytes, 0)
  const { retention_ms: ms, retention_bytes: most, keep_unacked: keepUnacked } = settings
  const kept = [
    ...(ms === null ? [] : [`${ms} ms`]),
    ...(most === null ? [] : [`${most} bytes a partition`]),
    ...(keepUnacked ? ['what is not acknowledged'] : []),
  ]
  const keeps = kept.length === 0 ? 'everything' : kept.join(', ')
  return `${topic}\tpartitions ${partitions}\tmessages ${messages}\tbytes ${bytes}\tkeeps ${keeps}`
}

const partitionLines = ({ log }: Topic): string[] =>
  log.map(({ start, end, bytes }, partition) => {
    const offsets = start === end ? `none, next ${end}` : `${start} to ${end - 1}`
    return `  partition ${partition}\toffsets ${offsets}\tbytes ${bytes}`
  })
