// New records are announced to the other processes, on all channels together: inside an append it would cost more.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { escapeIdentifier, type PoolClient, type QueryConfig } from 'pg'
import type { Caller, Database } from './database.ts'
import { NOTIFY } from './statements.ts'

/** In milliseconds: how long a follower waits for a hint, and how often it looks if nothing can be heard. */
const POLL = 1000
const POLL_DEAF = 250

/** Hints of one journal. They can get lost, so a user of them also polls now and then. */
export interface Hints {
  /** How often there was something new. */
  readonly count: number
  /** Announces a record to all others. Never fails and never waits. */
  tell(): void
  /** Until there was something new since `count`, it is time to look anyway, or the signal aborts. */
  wait(count: number, signal: AbortSignal): Promise<void>
  close(): void
}

/** One connection listens for all journals of a database. */
export class Signals {
  readonly #database: Database
  readonly #caller: Caller
  readonly #closing = new AbortController()
  /** In each notification, so that this process knows its own. */
  readonly #self = randomUUID()
  readonly #members = new Map<string, Set<Member>>()
  readonly #heard = new Set<string>()
  readonly #toTell = new Set<string>()
  #telling: Promise<void> | undefined
  #canListen: boolean
  #client: PoolClient | undefined
  #listening: Promise<void> | undefined

  constructor(database: Database, timeout: number, canListen: boolean) {
    this.#database = database
    this.#canListen = canListen
    const { signal } = this.#closing
    this.#caller = { name: 'notify', redact: () => '', standby: undefined, timeout, signal }
  }

  /** Hints of the journal with this epoch. */
  join(epoch: string): Hints {
    const channel = `ministore_${epoch}`
    const member = new Member(
      () => this.#tell(channel, member),
      () => this.#isListeningTo(channel),
      () => this.#leave(channel, member),
    )
    const members = this.#members.get(channel) ?? new Set()
    this.#members.set(channel, members.add(member))
    return member
  }

  /** What was appended last is announced, if that takes no longer than `milliseconds`. */
  async close(milliseconds: number): Promise<void> {
    const { signal } = this.#closing
    await Promise.race([this.#telling, sleep(milliseconds, undefined, { signal })])
    this.#closing.abort()
    this.#drop()
  }

  /** If not, it begins to. */
  #isListeningTo(channel: string): boolean {
    const isListening = this.#heard.has(channel)
    if (!isListening) this.#listen()
    return isListening
  }

  #listen(): void {
    if (!this.#canListen || this.#closing.signal.aborted) return
    this.#listening ??= this.#catchUp()
      .catch(() => this.#drop())
      .finally(() => {
        this.#listening = undefined
      })
  }

  /** Until it listens on the channels that have members, and on no other. */
  async #catchUp(): Promise<void> {
    this.#client ??= await this.#connect()
    const client = this.#client
    while (client && this.#client === client) {
      const channel = [...this.#members.keys()].find((each) => !this.#heard.has(each))
      const left = [...this.#heard].find((each) => !this.#members.has(each))
      if (channel !== undefined) {
        // LISTEN takes no parameter; an epoch is a UUID, which is quoted anyway.
        await this.#send(client, `LISTEN ${escapeIdentifier(channel)}`)
        this.#heard.add(channel)
        // What came before it listened has been missed.
        this.#ring(channel)
      } else if (left !== undefined) {
        await this.#send(client, `UNLISTEN ${escapeIdentifier(left)}`)
        this.#heard.delete(left)
      } else return
    }
  }

  async #connect(): Promise<PoolClient | undefined> {
    const client = await this.#database.listener()
    if (!client) this.#canListen = false
    if (!client || this.#closing.signal.aborted) {
      client?.release(true)
      return undefined
    }
    const lose = () => {
      if (this.#client === client) this.#drop()
    }
    client.on('error', lose)
    client.on('end', lose)
    client.on('notification', ({ channel, payload }) => {
      // What this process appended it knows; reading it back at once would slow the next append down.
      if (payload !== this.#self) this.#ring(channel)
    })
    return client
  }

  /** Throws if the connection was dropped meanwhile. */
  async #send(client: PoolClient, text: string): Promise<void> {
    await client.query({ text, query_timeout: this.#caller.timeout } as QueryConfig)
    if (this.#client !== client) throw new Error('the connection was lost')
  }

  /** A session that listens is of no use to anyone else. */
  #drop(): void {
    const client = this.#client
    this.#client = undefined
    this.#heard.clear()
    client?.release(true)
  }

  #ring(channel: string, except?: Member): void {
    for (const member of this.#members.get(channel) ?? []) if (member !== except) member.ring()
  }

  #leave(channel: string, member: Member): void {
    const members = this.#members.get(channel)
    members?.delete(member)
    if (members?.size === 0) this.#members.delete(channel)
    if (this.#client) this.#listen()
  }

  #tell(channel: string, member: Member): void {
    this.#ring(channel, member)
    this.#toTell.add(channel)
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined
    })
  }

  /** What comes while it is being told is told together. */
  async #tellAll(): Promise<void> {
    while (this.#toTell.size > 0) {
      const channels = [...this.#toTell]
      this.#toTell.clear()
      const told = this.#database.run(this.#caller, NOTIFY, [channels, this.#self])
      await told.catch(() => undefined)
    }
  }
}

class Member implements Hints {
  readonly tell: () => void
  readonly close: () => void
  readonly #isListening: () => boolean
  readonly #waiting = new Set<() => void>()
  count = 0

  constructor(tell: () => void, isListening: () => boolean, leave: () => void) {
    this.tell = tell
    this.#isListening = isListening
    this.close = leave
  }

  ring(): void {
    this.count += 1
    for (const end of this.#waiting) end()
  }

  async wait(count: number, signal: AbortSignal): Promise<void> {
    const milliseconds = this.#isListening() ? POLL : POLL_DEAF
    if (this.count !== count || signal.aborted) return
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
}
