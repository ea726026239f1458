// A connection to a walmq broker: made by the first publish, and made again by the next one if it was lost.
import { BrokerError, type Client, connect, socketPath } from '../../walmq/client/index.ts'

/** Published, and not answered yet. */
const MOST = 256

export class Broker {
  readonly #directory: string
  readonly #topic: string
  /** Connected, and its topic is there. */
  #ready: Promise<Client> | undefined
  #client: Client | undefined
  #waiting = 0
  #isClosed = false

  constructor(directory: string, topic: string) {
    this.#directory = directory
    this.#topic = topic
  }

  /** Resolves when it is durable there. What rejects may have been published, too. */
  async publish(key: string, body: Buffer): Promise<void> {
    if (this.#isClosed) throw new Error('the daemon is being stopped')
    if (this.#waiting >= MOST) throw new Error(`${MOST} messages are not answered yet`)
    this.#waiting += 1
    this.#ready ??= this.#connect()
    const ready = this.#ready
    try {
      await (await ready).publish(this.#topic, { key, body })
    } catch (error) {
      const isLost = error instanceof BrokerError && error.code === 'closed'
      if (isLost && this.#ready === ready) this.#ready = undefined
      throw error
    } finally {
      this.#waiting -= 1
    }
  }

  /** Waits for no answer: a broker that hangs does not keep the daemon from ending. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#client?.close()
  }

  async #connect(): Promise<Client> {
    try {
      const client = await connect({ socket: socketPath(this.#directory) })
      this.#client = client
      if (this.#isClosed) await client.close()
      await client.request('topic_create', { topic: this.#topic }).catch((error: unknown) => {
        if (!(error instanceof BrokerError && error.code === 'topic_exists')) throw error
      })
      return client
    } catch (error) {
      this.#ready = undefined
      throw error
    }
  }
}
