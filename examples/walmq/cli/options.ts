// Options that many verbs have, and how their values are read.
import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Client, connect } from '../client/client.ts'
import { socketPath } from '../client/socket-path.ts'

export interface ClientOptions {
  readonly dir: string
  readonly json: boolean
}

export const dirOption = (): Option =>
  new Option('--dir <directory>', "the broker's directory").default('./walmq-data').env('WALMQ_DIR')

/** A verb that asks a running server. */
export const clientCommand = (name: string): Command =>
  new Command(name).addOption(dirOption()).option('--json', 'print JSON', false)

export async function withClient<R>(
  { dir }: ClientOptions,
  use: (client: Client) => Promise<R>,
): Promise<R> {
  const client = await connect({ socket: socketPath(dir) })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is no whole number.')
}

/** `null`: forever, of any size. */
export const limitOrNone = (text: string): number | null =>
  text === 'none' ? null : wholeNumber(text)

export const keyFileOption = (): Option =>
  new Option(
    '--encryption-key-file <file>',
    'bodies are encrypted with its 32 bytes, or 64 hex digits',
  )

export async function readKey(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined
  const bytes = await readFile(path)
  if (bytes.length === 32) return bytes
  const text = bytes.toString('latin1').trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  throw new Error(`${path} has neither 32 bytes nor 64 hex digits`)
}
