// Serves a broker on a Unix socket, and on TCP if requested.
import { once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { listenAt, SocketError } from '../../sockets/unix-socket.ts'
import { openBroker } from '../broker/broker.ts'
import { BrokerError } from '../broker/errors.ts'
import type { Broker, BrokerOptions } from '../broker/types.ts'
import { socketPath } from '../client/socket-path.ts'
import { LIMITS, type Limits } from './limits.ts'
import { Session } from './session.ts'
import { ensureToken } from './token.ts'

export interface ServerOptions extends BrokerOptions {
  /** Port 0: any that is free. Host: 127.0.0.1, where nothing else is given. */
  readonly tcp?: { readonly host?: string | undefined; readonly port: number } | undefined
  readonly limits?: Partial<Limits> | undefined
}

export interface Server {
  readonly broker: Broker
  /** The path of the Unix socket. */
  readonly socket: string
  readonly tcp: { readonly host: string; readonly port: number } | undefined
  /** Answers what was asked for, then closes everything. */
  close(): Promise<void>
}

/** Throws BrokerError `locked` if another process has the directory, or answers on its socket. */
export async function startServer(
  directory: string,
  { tcp, limits: given, ...options }: ServerOptions = {},
): Promise<Server> {
  const { onError = console.error } = options
  const limits = { ...LIMITS, ...given }
  // The store's lock: the process that has it is the only server of this directory.
  const broker = await openBroker(directory, options)
  const sessions = new Set<Session>()
  const listeners: NetServer[] = []

  function listener(token?: string): NetServer {
    const own = new Set<Session>()
    // Half open: who has sent all requests and says so is still answered.
    const server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true },
      (socket) => {
        // It ends readers and waiters. Nothing else needs to know.
        socket.on('error', () => undefined)
        if (own.size >= limits.connections) return refuse(socket, limits)
        const connections = () => sessions.size
        const session = new Session(socket, { broker, limits, token, connections, onError })
        for (const set of [own, sessions]) set.add(session)
        session
          .run()
          .catch(onError)
          .finally(() => {
            for (const set of [own, sessions]) set.delete(session)
          })
      },
    )
    listeners.push(server)
    return server
  }

  async function close(): Promise<void> {
    const closed = listeners
      .filter(({ listening }) => listening)
      .map((server) => {
        const isClosed = once(server, 'close')
        server.close()
        return isClosed
      })
    const reason = new BrokerError('closed', 'the server was stopped')
    await Promise.all([...sessions].map((session) => session.close(reason)))
    await Promise.all(closed)
    // With it goes the lock: last, when the socket's path is free.
    await broker.close()
  }

  try {
    const socket = socketPath(directory)
    await listenAt(listener(), socket).catch((error: unknown) => {
      if (!(error instanceof SocketError)) throw error
      const { code, message, path } = error
      throw new BrokerError(code, message, { path, cause: error })
    })
    const address = tcp && (await listenOn(listener(await ensureToken(directory)), tcp))
    return { broker, socket, tcp: address, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listenOn(
  server: NetServer,
  { host = '127.0.0.1', port }: { readonly host?: string | undefined; readonly port: number },
): Promise<{ host: string; port: number }> {
  const isListening = once(server, 'listening')
  server.listen(port, host)
  await isListening
  const address = server.address()
  return { host, port: typeof address === 'object' && address ? address.port : port }
}

function refuse(socket: Socket, { connections, closeMs }: Limits): void {
  const message = `there are at most ${connections} connections`
  const answer = { id: null, ok: false, error: { code: 'too_many', message } }
  socket.end(`${JSON.stringify(answer)}\n`)
  socket.resume()
  setTimeout(() => socket.destroy(), closeMs).unref()
}
