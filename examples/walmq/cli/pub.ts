// walmq pub: messages from the command line, or one for each line of standard input.
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import { type ClientOptions, clientCommand, wholeNumber, withClient } from './options.ts'
import { print } from './output.ts'

interface PubOptions extends ClientOptions {
  readonly key: string | undefined
  readonly partition: number | undefined
}

/** Published at the same time, in their order. */
const AT_ONCE = 100

export const pubCommand = (): Command =>
  clientCommand('pub')
    .description('Publish each message, or each line of standard input where none is given.')
    .argument('<topic>')
    .argument('[messages...]')
    .option('--key <key>', 'messages of one key stay in order')
    .option('--partition <partition>', 'the partition to write to', wholeNumber)
    .addHelpText(
      'after',
      `
Prints topic/partition@offset of each message once it is durable.

Examples:
  $ walmq pub logs "hello" "world"
  $ tail -f app.log | walmq pub logs --key app
`,
    )
    .action((topic: string, messages: string[], options: PubOptions) =>
      withClient(options, async (client) => {
        const lines = messages.length > 0 ? messages : createInterface({ input: process.stdin })
        const publishing: Promise<string>[] = []
        for await (const text of lines) {
          publishing.push(publish(client, topic, text, options))
          // Told where it fails, and not taken for an error that no one waits for.
          publishing.at(-1)?.catch(() => undefined)
          if (publishing.length > AT_ONCE) await tell(publishing.splice(0, 1))
        }
        await tell(publishing)
      }),
    )

async function publish(
  client: Client,
  topic: string,
  text: string,
  { key, partition, json }: PubOptions,
): Promise<string> {
  const done = await client.publish(topic, { key, partition, body: Buffer.from(text) })
  return json ? JSON.stringify({ topic, ...done }) : `${topic}/${done.partition}@${done.offset}`
}

async function tell(published: readonly Promise<string>[]): Promise<void> {
  for (const each of published) await print(`${await each}\n`)
}
