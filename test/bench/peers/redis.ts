// Redis Streams, each write on the disk before it is answered: appendonly, appendfsync always.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { load, Missing } from './load.ts'

interface Entry {
  readonly id: string
  readonly message: Readonly<Record<string, string>>
}
export interface RedisClient {
  connect(): Promise<unknown>
  destroy(): void
  xAdd(key: string, id: string, message: Record<string, string>): Promise<string>
  xGroupCreate(
    key: string,
    group: string,
    id: string,
    options: { MKSTREAM: true },
  ): Promise<unknown>
  xReadGroup(
    group: string,
    consumer: string,
    streams: { key: string; id: string },
    options: { COUNT: number; BLOCK: number },
  ): Promise<readonly { readonly messages: readonly Entry[] }[] | null>
  xAck(key: string, group: string, id: string): Promise<number>
}
interface Redis {
  createClient(options: { socket: { path: string } }): RedisClient & {
    on(event: 'error', listener: () => void): void
  }
}

export interface RedisServer {
  client(): Promise<RedisClient>
  stop(): Promise<void>
}

/** Throws Missing where there is no redis-server, as Debian's package of that name has it, or no client. */
export async function startRedis(directory: string): Promise<RedisServer> {
  const { createClient } = load<Redis>('@redis/client')
  const socket = join(directory, 'redis.sock')
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', '']
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
  const server: ChildProcess = spawn('redis-server', [...settings, ...durable], { stdio: 'ignore' })
  const failed = once(server, 'error').then(([error]) => {
    throw new Missing(`redis-server cannot be run: ${error}`)
  })
  const started = async () => {
    while (!existsSync(socket)) await setTimeout(20)
  }
  await Promise.race([failed, started()])
  const clients: RedisClient[] = []
  return {
    async client() {
      const client = createClient({ socket: { path: socket } })
      // Of the connection: whoever waits for an answer is told.
      client.on('error', () => undefined)
      await client.connect()
      clients.push(client)
      return client
    },
    async stop() {
      for (const client of clients) client.destroy()
      const exited = once(server, 'exit')
      server.kill()
      await exited
    },
  }
}
