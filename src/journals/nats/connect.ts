// Makes a connection. The client's own reconnecting is off: it would keep what was published while it was
// disconnected, and send it later, when its writer has long been told something else. So a connection
// that broke is gone with all that was in it, and the next request makes another.
import { createConnection } from 'node:net'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { ConnectionFailure } from './failure.ts'
import { type Address, type Settings, showAddress } from './options.ts'

const OLDEST = [2, 12] as const

/** Throws ConnectionFailure, or what the client throws. The signal ends the search for a server. */
export async function connectTo(settings: Settings, signal: AbortSignal): Promise<NatsConnection> {
  const { host, port } = await findServer(settings, signal)
  const connection = await connect({
    ...settings.connect,
    servers: [showAddress({ host, port })],
    name: 'ministore',
    reconnect: false,
    ignoreClusterUpdates: true,
    timeout: settings.patience,
    pingInterval: 2_000,
    maxPingOut: 2,
    noAsyncTraces: true,
  })
  try {
    assertVersion(connection.info)
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** Throws ConnectionFailure `config` if the server is too old. */
export function assertVersion(info: NatsConnection['info']): void {
  const version = info?.version ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return
  const why = 'versions below 2.12 have no atomic batches, and miss conflicts'
  throw new ConnectionFailure(
    'config',
    `its NATS server is version ${version}, but 2.12 is needed: ${why}`,
  )
}

/**
 * The first server that says anything. The client would wait for one that takes connections and is
 * silent, such as a paused one, and leave the socket open when it gave up.
 */
async function findServer(
  { addresses, connect: { tls }, patience }: Settings,
  ended: AbortSignal,
): Promise<Address> {
  const stop = AbortSignal.any([ended, AbortSignal.timeout(patience)])
  const done = new AbortController()
  const signal = AbortSignal.any([stop, done.signal])
  try {
    return await Promise.any(addresses.map((it) => listening(it, !tls?.handshakeFirst, signal)))
  } catch (cause) {
    const reasons = cause instanceof AggregateError ? cause.errors.map(String) : [String(cause)]
    throw new ConnectionFailure('unavailable', `no server can be reached: ${reasons.join('; ')}`)
  } finally {
    done.abort()
  }
}

/** Resolves when the server has sent something, or at least taken the connection. */
function listening(address: Address, speaksFirst: boolean, signal: AbortSignal): Promise<Address> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(address.port, address.host)
    const end = (error?: Error) => {
      signal.removeEventListener('abort', give)
      socket.destroy()
      if (error) reject(error)
      else resolve(address)
    }
    const give = () => end(new Error(`${showAddress(address)} is silent`))
    socket.once(speaksFirst ? 'data' : 'connect', () => end())
    socket.on('error', end)
    socket.once('close', () => end(new Error(`${showAddress(address)} hung up`)))
    signal.addEventListener('abort', give)
  })
}
