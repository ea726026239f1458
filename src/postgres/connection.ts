// One connection: made when it is needed, thrown away at the first doubt. No call on it lasts forever.
import { Client, type ClientConfig, DatabaseError } from 'pg'
import { StoreError } from '../index.ts'
import { failure, type Lost, type Site, type Stage } from './failure.ts'
import type { Prepared } from './statements.ts'

export type Row = Readonly<Record<string, string | null>>

export interface Answer {
  readonly rows: readonly Row[]
  /** The server warned meanwhile: among others, that it did not wait for its standby. */
  readonly hasWarned: boolean
}

/** What all connections of a journal have in common. */
export interface Server extends Site {
  readonly config: ClientConfig
  /** How long one call may take, in milliseconds. */
  readonly timeout: number
}

export class Connection {
  readonly #server: Server
  readonly #greet: (client: Client) => Promise<unknown>
  #client: Client | undefined
  #hasWarned = false
  #isClosed = false
  #last: Promise<unknown> = Promise.resolve()
  /** Makes the call that is under way fail. */
  #giveUp: (error: Error) => void = () => {}

  /** `greet`: what is to be done with each new connection; where it fails, that is of no use. */
  constructor(server: Server, greet: (client: Client) => Promise<unknown>) {
    this.#server = server
    this.#greet = greet
  }

  /**
   * One at a time, in the order of the calls. Throws StoreError; `lost`: the code where it may have
   * happened.
   */
  run(
    statement: Prepared | string,
    values: readonly unknown[] = [],
    lost: Lost = 'unavailable',
  ): Promise<Answer> {
    const done = this.#last.then(() => this.#run(statement, values, lost))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#giveUp(new Error('the journal was closed'))
    await this.#last
    const client = this.#client
    this.#client = undefined
    if (client) await farewell(client)
  }

  async #run(
    statement: Prepared | string,
    values: readonly unknown[],
    lost: Lost,
  ): Promise<Answer> {
    if (this.#isClosed) throw closed(this.#server.name)
    const query = typeof statement === 'string' ? { text: statement } : statement
    const progress: { stage: Stage } = { stage: 'connecting' }
    const work = async (): Promise<Answer> => {
      const client = await this.#connected()
      progress.stage = 'sent'
      this.#hasWarned = false
      try {
        const { rows } = await client.query<Row>({ ...query, values: [...values] })
        return { rows, hasWarned: this.#hasWarned }
      } catch (error) {
        // Severities come in the server's language, so: after ERROR it goes on, after FATAL it is gone.
        if (error instanceof DatabaseError && (await isAlive(client))) progress.stage = 'refused'
        throw error
      }
    }
    try {
      return await this.#inTime(work())
    } catch (error) {
      if (progress.stage !== 'refused') this.#drop()
      if (error instanceof StoreError) throw error
      const reason = failure(this.#server, error, progress.stage, lost)
      throw this.#isClosed && reason.code !== 'unknown' ? closed(this.#server.name) : reason
    } finally {
      this.#giveUp = () => {}
    }
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const end = new Promise<never>((_, reject) => {
      this.#giveUp = reject
      const { timeout } = this.#server
      timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout)
    })
    try {
      return await Promise.race([work, end])
    } finally {
      clearTimeout(timer)
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client
    const client = new Client(this.#server.config)
    this.#client = client
    // Whatever is under way fails by itself; a connection that breaks while idle is not missed.
    const lose = () => {
      if (this.#client === client) this.#drop()
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notice', ({ code }) => {
      if (code === WARNING) this.#hasWarned = true
    })
    await client.connect()
    await this.#greet(client)
    return client
  }

  #drop(): void {
    this.#client?.connection.stream.destroy()
    this.#client = undefined
  }
}

/** SQLSTATE of a warning that has no better one, such as that of a wait for a standby that was cut short. */
const WARNING = '01000'

export const closed = (name: string): StoreError =>
  new StoreError('closed', `${name} is closed: open it again`, { path: name })

async function isAlive(client: Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  )
}

/** Takes leave of the server, but not for long. */
async function farewell(client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), 300)
  await client.end().finally(() => clearTimeout(timer))
}
