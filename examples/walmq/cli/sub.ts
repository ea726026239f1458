// walmq sub: what a group is given, one message a line; acknowledged once it is printed.
import { type Command, Option } from 'commander'
import type { Gap } from '../broker/types.ts'
import type { ClientDelivery } from '../client/subscription.ts'
import { type ClientOptions, clientCommand, wholeNumber, withClient } from './options.ts'
import { print, safe } from './output.ts'

interface SubOptions extends ClientOptions {
  readonly group: string
  readonly count: number | undefined
  readonly from: 'earliest' | 'latest'
  readonly ack: boolean
}

export const subCommand = (): Command =>
  clientCommand('sub')
    .description('Print messages as they come, as a member of a group.')
    .argument('<topic>')
    .requiredOption('--group <group>', 'its members share the messages, and what is acknowledged')
    .option('--count <n>', 'stop after so many', wholeNumber)
    .addOption(
      new Option('--from <where>', 'where a new group begins')
        .choices(['earliest', 'latest'])
        .default('earliest'),
    )
    .option('--no-ack', 'acknowledge nothing: all of it is delivered again later')
    .addHelpText(
      'after',
      `
Ends after --count messages, or at SIGINT. With --json: offset, key, time and the body in base64.
`,
    )
    .action((topic: string, options: SubOptions) =>
      withClient(options, async (client) => {
        const { group, from, count = Infinity } = options
        // What is not printed is not taken: others of the group may have it.
        const most = Math.min(count, 100)
        if (most === 0) return
        const subscription = await client.subscribe(topic, { group, from, max_in_flight: most })
        process.once('SIGINT', () => {
          subscription.close().catch(() => undefined)
        })
        let printed = 0
        // Several at once share a sync; no more are on their way than are delivered ahead.
        const acks: Promise<void>[] = []
        for await (const item of subscription) {
          if (item.type === 'gap') {
            tellGap(item)
            continue
          }
          const isRead = await print(options.json ? `${json(item)}\n` : text(item))
          if (!isRead) break
          if (options.ack) acks.push(item.ack())
          if (acks.length > 100) await Promise.all(acks.splice(0))
          printed += 1
          if (printed >= count) break
        }
        await Promise.all(acks)
      }),
    )

function tellGap({ topic, partition, from, to }: Gap): void {
  const what = `offsets ${from} to ${to} of ${topic}/${partition} are gone`
  console.error(`walmq: ${what}: retention removed them`)
}

function json({ topic, partition, offset, ts, key, body, redelivered }: ClientDelivery) {
  const body_b64 = body.toString('base64')
  return JSON.stringify({ topic, partition, offset, ts, key: key ?? null, body_b64, redelivered })
}

/** The very bytes; to a terminal, without those that it would obey. */
const text = ({ body }: ClientDelivery): string | Uint8Array =>
  process.stdout.isTTY ? `${safe(body.toString())}\n` : Buffer.concat([body, Buffer.from('\n')])
