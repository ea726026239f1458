// A TCP proxy on loopback whose network can be made to fail.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What becomes of bytes: `pass`; `hold`: they wait until it passes again; `lose_requests`,
 * `lose_answers`: they vanish, and nobody is told.
 */
export type Traffic = 'pass' | 'hold' | 'lose_requests' | 'lose_answers'

export interface TestProxy {
  readonly host: string
  readonly port: number
  traffic: Traffic
  /** Where new connections lead. */
  target: number
  /** Refuses new connections as long as it is true. */
  isDown: boolean
  /** How many connections there are. */
  readonly connections: number
  /** How many bytes came from clients so far. */
  readonly sent: number
  /** Breaks all connections that there are. */
  cut(): void
  close(): Promise<void>
}

export async function startProxy(target: number): Promise<TestProxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>()
  const held: (() => void)[] = []
  let traffic: Traffic = 'pass'
  let sent = 0
  const forward = (from: Socket, to: Socket, lost: Traffic) =>
    from.on('data', (bytes) => {
      if (lost === 'lose_requests') sent += bytes.length
      if (traffic === lost) return
      if (traffic === 'hold' || held.length > 0) held.push(() => to.write(bytes))
      else to.write(bytes)
    })
  const listener = createServer((client) => {
    if (proxy.isDown) {
      client.resetAndDestroy()
      return
    }
    const server = connect(proxy.target, '127.0.0.1')
    const pair = [client, server] as const
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end)
    forward(client, server, 'lose_requests')
    forward(server, client, 'lose_answers')
  })
  const proxy: TestProxy = {
    host: '127.0.0.1',
    port: 0,
    target,
    isDown: false,
    get traffic() {
      return traffic
    },
    set traffic(next) {
      traffic = next
      if (next === 'pass') for (const write of held.splice(0)) write()
    },
    get connections() {
      return pairs.size
    },
    get sent() {
      return sent
    },
    cut() {
      for (const sockets of pairs) for (const socket of sockets) socket.resetAndDestroy()
    },
    async close() {
      proxy.cut()
      listener.close()
      await once(listener, 'close')
    },
  }
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return Object.defineProperty(proxy, 'port', { value: (listener.address() as AddressInfo).port })
}
