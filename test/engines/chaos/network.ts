// Every process reaches every server through a proxy of its own, so that any of them can be cut off.
import type { Random } from 'ministore-ts/testing'
import { startProxy, type TestProxy, type Traffic } from '../../servers/proxy.ts'

export class Network {
  /** By client, then by server. */
  readonly #proxies: readonly (readonly TestProxy[])[]

  readonly #random: Random

  private constructor(proxies: readonly (readonly TestProxy[])[], random: Random) {
    this.#proxies = proxies
    this.#random = random
  }

  static async make(clients: number, ports: readonly number[], random: Random): Promise<Network> {
    const all = Array.from({ length: clients }, () => Promise.all(ports.map(startProxy)))
    return new Network(await Promise.all(all), random)
  }

  /** Where the servers are for a client. */
  ports(client: number): number[] {
    return this.#proxies[client]?.map(({ port }) => port) ?? []
  }

  /** All that led to one server leads to another from now on. */
  lead(server: number, port: number): void {
    for (const row of this.#proxies) {
      const proxy = row[server]
      if (proxy) proxy.target = port
    }
  }

  cut(): void {
    for (const proxy of this.some()) proxy.cut()
  }

  /** Lets `traffic` happen to some, and returns what ends it. */
  disturb(traffic: Traffic): () => void {
    const some = this.some()
    for (const proxy of some) proxy.traffic = traffic
    return () => {
      for (const proxy of some) {
        // What was lost would be missing in the middle of what comes: no network does that to a connection.
        if (traffic !== 'hold') proxy.cut()
        proxy.traffic = 'pass'
      }
    }
  }

  /** All proxies; or those of one client, or those to one server. */
  some(): readonly TestProxy[] {
    const all = this.#proxies.flat()
    const dice = this.#random.next()
    if (dice < 0.4) return all
    if (dice < 0.7) return this.#random.pick(this.#proxies)
    const server = this.#random.below(this.#proxies[0]?.length ?? 1)
    return this.#proxies.flatMap((row) => row[server] ?? [])
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.flat().map((proxy) => proxy.close()))
  }
}
