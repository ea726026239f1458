// The path of a Unix socket: what a dead server left is replaced, what a living one has is not.
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { join } from 'node:path'
import { BrokerError } from '../broker/errors.ts'

/** What an address of the system has room for. */
const MAX_PATH_BYTES = 103

export const socketPath = (directory: string): string => join(directory, 'walmq.sock')

/** For the one process that has the directory's lock. */
export async function listenAt(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    const message = `${path} is too long for a socket, which has at most ${MAX_PATH_BYTES} bytes`
    throw new BrokerError('invalid', message, { path })
  }
  await makeRoom(path)
  const isListening = once(server, 'listening')
  // The socket is made in listen(), at once: nobody can connect before its mode is right.
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
  if (!found.isSocket()) throw new BrokerError('invalid', `${path} is no socket`, { path })
  if (await isLive(path)) throw new BrokerError('locked', `a server answers at ${path}`, { path })
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
