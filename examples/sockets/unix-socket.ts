// Listens at the path of a Unix socket: replaces the socket of a dead server, and never that of a live one.
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'

/** What an address of the system has room for. */
const MAX_PATH_BYTES = 103

/** The path can't be that of a socket (`invalid`), or another server answers there (`locked`). */
export class SocketError extends Error {
  override readonly name = 'SocketError'
  readonly code: 'invalid' | 'locked'
  readonly path: string
  constructor(code: 'invalid' | 'locked', path: string, message: string) {
    super(message)
    this.code = code
    this.path = path
  }
}

/** Call it in the one process that has the directory's lock. Throws SocketError. */
export async function listenAt(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    const message = `${path} is too long for a socket, which has at most ${MAX_PATH_BYTES} bytes`
    throw new SocketError('invalid', path, message)
  }
  await makeRoom(path)
  const isListening = once(server, 'listening')
  // The socket is made in listen(), at once: no one can connect before its mode is right.
  const mask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(mask)
  }
  await isListening
}

async function makeRoom(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return
  if (!found.isSocket()) throw new SocketError('invalid', path, `${path} is not a socket`)
  if (await isLive(path)) throw new SocketError('locked', path, `a server answers at ${path}`)
  await unlink(path)
}

async function isLive(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false
    throw error
  } finally {
    socket.destroy()
  }
}
