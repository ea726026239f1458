// walmq stats, retention and compact: about the broker as a whole.
import type { Command } from 'commander'
import { type ClientOptions, clientCommand, withClient } from './options.ts'
import { show } from './output.ts'

export const statsCommand = (): Command =>
  clientCommand('stats')
    .description('Count what the broker has.')
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        const stats = await client.request('stats', {})
        const { metadata, ...counts } = stats
        const rows = Object.entries({ ...counts, metadata_seq: metadata.seq })
        await show(stats, options.json, () =>
          rows.map(([what, count]) => `${what}\t${count}`).join('\n'),
        )
      }),
    )

export const retentionCommand = (): Command =>
  clientCommand('retention')
    .description('Remove now what retention does not keep.')
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        const { removed } = await client.request('retention', {})
        await show(removed, options.json, () =>
          removed
            .map(({ topic, partition, log_start, bytes }) => {
              return `${topic}/${partition}\tbegins at ${log_start}\tfreed ${bytes} bytes`
            })
            .join('\n'),
        )
      }),
    )

export const compactCommand = (): Command =>
  clientCommand('compact')
    .description('Compact the metadata journal now.')
    .action((options: ClientOptions) =>
      withClient(options, async (client) => {
        const done = await client.request('compact', {})
        await show(done, options.json, () => '')
      }),
    )
