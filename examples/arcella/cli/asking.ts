// What all verbs have in common that ask a daemon.
import { Command, InvalidArgumentError } from 'commander'
import { type Client, connect } from '../control/client.ts'
import type { Answer } from '../control/protocol.ts'
import { layoutOf } from '../runtime/layout.ts'
import { print, safe } from './output.ts'

/** The daemon works, and its answer is no. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** Who asks, and how answers are shown: one connection for one verb, or for a whole shell. */
export interface Asking {
  readonly isJson: boolean
  ask(cmd: string, args?: object): Promise<Answer>
}

export interface AskingOptions {
  readonly dir: string
  readonly json: boolean
}

export function asking(client: Client, isJson: boolean): Asking {
  return {
    isJson,
    ask: (cmd, args) => client.request(cmd, args),
  }
}

export async function withDaemon<R>(
  { dir, json }: AskingOptions,
  use: (asking: Asking, client: Client) => Promise<R>,
): Promise<R> {
  const client = await connect(layoutOf(dir).socket)
  try {
    return await use(asking(client, json), client)
  } finally {
    client.close()
  }
}

/** Where a verb gets its daemon from. */
export type WithAsking = (use: (asking: Asking) => Promise<void>) => Promise<void>

/** Asks, and shows the answer: the daemon's own line of JSON, or its message with `text` of its data below. */
export async function tell(
  { ask, isJson }: Asking,
  cmd: string,
  args?: object,
  text?: (data: unknown) => string,
): Promise<void> {
  const answer = await ask(cmd, args)
  if (isJson) await print(JSON.stringify(answer))
  else if (answer.success) await print(text ? text(answer.data) : safe(answer.message))
  if (!answer.success) throw new Refused(answer.message)
}

export const verb = (name: string, description: string): Command =>
  new Command(name).description(description)

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is no whole number.')
}
