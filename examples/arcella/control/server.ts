// The daemon: a runtime that listens at the socket `alme`.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { StoreError } from 'ministore-ts'
import { listenAt } from '../../sockets/unix-socket.ts'
import { layoutOf } from '../runtime/layout.ts'
import { openRuntime, type Runtime } from '../runtime/runtime.ts'
import { operationsOf } from './operations.ts'
import { Session } from './session.ts'

const MOST_CONNECTIONS = 64
/** For a peer that is refused to read why. */
const CLOSE_MS = 1000

export interface Daemon {
  readonly socket: string
  /** Resolves if the registry's disk failed. Then the daemon has to be restarted. */
  readonly failed: Promise<StoreError>
  /** Answers what is under way, ends all instances, gives the directory back. */
  close(): Promise<void>
}

/** Throws StoreError `locked` if another daemon has the directory. */
export async function startDaemon(base: string): Promise<Daemon> {
  let fail: (error: StoreError) => void = () => undefined
  const failed = new Promise<StoreError>((resolve) => {
    fail = resolve
  })
  const runtime = await openRuntime(base, { onStop: fail })
  const { socket } = layoutOf(base)
  const { server, sessions } = listener(runtime)
  async function close(): Promise<void> {
    const isClosed = server.listening && once(server, 'close')
    server.close()
    const ended = Promise.all([...sessions].map((session) => session.close()))
    // What waits for an instance to stop is answered by this.
    await Promise.all([ended, runtime.stopAll()])
    await isClosed
    // With it goes the lock: last, when the socket's path is free.
    await runtime.close()
  }
  try {
    await listenAt(server, socket)
    return { socket, failed, close }
  } catch (error) {
    await close()
    throw error
  }
}

function listener(runtime: Runtime) {
  const sessions = new Set<Session>()
  const onError = (error: unknown) => runtime.log.add('error', 'arcella', String(error))
  const operations = operationsOf(runtime)
  // Half open: who has sent all requests and says so is still answered.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // It ends the reader. Nothing else needs to know.
    socket.on('error', () => undefined)
    if (sessions.size >= MOST_CONNECTIONS) {
      const message = `There are at most ${MOST_CONNECTIONS} connections`
      socket.end(`${JSON.stringify({ success: false, message })}\n`).resume()
      setTimeout(() => socket.destroy(), CLOSE_MS).unref()
      return
    }
    const session = new Session(socket, { operations, onError })
    sessions.add(session)
    session
      .run()
      .catch(onError)
      .finally(() => sessions.delete(session))
  })
  return { server, sessions }
}
