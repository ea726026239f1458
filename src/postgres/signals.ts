// Who has something new says so, on a connection of its own: inside an append it would cost more than that.
import { type Client, escapeIdentifier } from 'pg'
import { Connection, type Server } from './connection.ts'
import { greet } from './schema.ts'

/** Hints only: whoever relies on them looks now and then all the same. */
export class Signals {
  readonly #channel: string
  readonly #connection: Connection
  readonly #waiting = new Set<() => void>()
  #count = 0
  #isListening = false
  #isTelling = false
  #hasMore = false

  constructor(server: Server, epoch: string) {
    this.#channel = `ministore_${epoch}`
    this.#connection = new Connection(server, async (client) => {
      await greet(client, server, 'unavailable')
      let own: number | undefined
      client.on('notification', ({ processId }) => {
        // What this process appended it knows; reading it back at once would slow the next append down.
        if (processId !== own) this.#ring()
      })
      client.once('end', () => {
        this.#isListening = false
      })
      // LISTEN takes no parameter; an epoch is a UUID, which is quoted all the same.
      own = await pidOf(client)
      await client.query(`SET synchronous_commit = off; LISTEN ${escapeIdentifier(this.#channel)}`)
      this.#isListening = true
      // What came before it listened has been missed.
      this.#ring()
    })
  }

  /** How often there was something new. */
  get count(): number {
    return this.#count
  }

  /** Never fails and never waits. What comes while it is being told is told together. */
  tell(): void {
    this.#hasMore = true
    if (!this.#isTelling) void this.#tell()
  }

  /** Until there was something new since `count`, `milliseconds` have passed, or the signal aborts. */
  async wait(count: number, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (!this.#isListening) void this.#connection.run('SELECT 1').catch(() => undefined)
    if (this.#count !== count || signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, milliseconds)
      this.#waiting.add(end)
      signal.addEventListener('abort', end)
    })
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #ring(): void {
    this.#count += 1
    for (const end of this.#waiting) end()
  }

  async #tell(): Promise<void> {
    this.#isTelling = true
    while (this.#hasMore) {
      this.#hasMore = false
      const said = this.#connection.run("SELECT pg_notify($1, '')", [this.#channel])
      await said.catch(() => undefined)
    }
    this.#isTelling = false
  }
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
  return rows[0].pid
}
