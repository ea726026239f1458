// What a user writes, read once and for all.
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import type { SharedOptions } from '../shared/index.ts'

/** Which journal, and where: either `servers` or `connection`. */
export type NatsOptions = NatsServers | NatsConnected

interface NatsJournalOptions extends SharedOptions {
  /** The journal's: `a-z`, `0-9`, `_`, `-`. */
  readonly name: string
  /** How many servers keep each record, when the journal is made and at least, afterwards. Default 3. */
  readonly replicas?: number | undefined
}

const PASSED = ['user', 'pass', 'token', 'authenticator', 'tls', 'inboxPrefix'] as const
type Passed = (typeof PASSED)[number]

/**
 * The journal makes its connection, which all journals of the process with the same servers and credentials share.
 * Credentials and TLS go to the NATS client as they are.
 */
export interface NatsServers
  extends NatsJournalOptions,
    Partial<{ [K in Passed]: NodeConnectionOptions[K] | undefined }> {
  /** `nats://host:4222`, or several of one cluster: name them all, others are not found by themselves. */
  readonly servers: string | readonly string[]
  readonly connection?: undefined
}

export interface NatsConnected extends NatsJournalOptions, Partial<Record<Passed, undefined>> {
  /** One that is there already, with any options. It is never closed here: close it after the stores. */
  readonly connection: NatsConnection
  readonly servers?: undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Settings {
  /** For messages: without user and password. */
  readonly title: string
  readonly name: string
  readonly replicas: number
  readonly addresses: readonly Address[]
  readonly connect: NodeConnectionOptions
  /** The user's: then there are no addresses. */
  readonly connection: NatsConnection | undefined
  /** How long one request may take, in milliseconds. */
  readonly patience: number
}

const MAX_PATIENCE = 3_000

/** Throws TypeError that names the option, never with what may be a password in it. */
export function readOptions(options: NatsOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    const example = "{ servers: 'nats://host:4222', name: 'orders' }"
    throw new TypeError(`natsJournal: needs options such as ${example}, not ${kindOf(options)}`)
  }
  const { name, replicas = 3, timeout = 10_000 } = options
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name))
    throw new TypeError(
      `natsJournal: the name ${JSON.stringify(name)} is not of 1 to 63 characters a-z, 0-9, _ and -, beginning with a letter or digit`,
    )
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5)
    throw new TypeError(`natsJournal: replicas is ${replicas}, and must be 1 to 5`)
  const patience = Math.max(100, Math.min(MAX_PATIENCE, timeout))
  return { ...wayOf(options), name, replicas, patience }
}

type Way = Pick<Settings, 'title' | 'addresses' | 'connect' | 'connection'>

function wayOf(options: NatsOptions): Way {
  const { name, servers, connection } = options
  if (connection === undefined) {
    if (servers === undefined && 'connection' in options && !('servers' in options))
      throw new TypeError('natsJournal: connection is undefined. Await connect() before')
    return throughServers(options as NatsServers)
  }
  const extra = ['servers' as const, ...PASSED].find((key) => options[key] !== undefined)
  if (extra !== undefined)
    throw new TypeError(`natsJournal: connection brings its own ${extra}. Pass one of the two`)
  if (!isConnection(connection)) {
    const what = `natsJournal: connection is ${kindOf(connection)}, not a connection of NATS`
    throw new TypeError(`${what}. Pass what connect() of @nats-io/transport-node resolves to`)
  }
  return {
    title: `nats://${connection.getServer()}#${name}`,
    ...{ addresses: [], connect: {}, connection },
  }
}

function throughServers(options: NatsServers): Way {
  const { user, pass, token, authenticator, inboxPrefix } = options
  for (const [option, value] of Object.entries({ user, pass, token, inboxPrefix }))
    if (value === '') throw new TypeError(`natsJournal: ${option} ${EMPTY}`)
  const urls = [options.servers].flat().map(readUrl)
  const [first] = urls
  if (!first) throw new TypeError('natsJournal: servers is empty')
  const addresses = urls.map(({ url }) => ({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 4222),
  }))
  const tls = options.tls ?? (urls.some(({ url }) => url.protocol === 'tls:') ? {} : undefined)
  const given = { user, pass, token, authenticator, inboxPrefix, tls }
  return {
    title: `nats://${addresses.map(showAddress).join(',')}#${options.name}`,
    ...{ addresses, connection: undefined },
    connect: { ...first.credentials, ...withoutUndefined(given) },
  }
}

/** Whichever copy of the client made it. */
const isConnection = (value: object): boolean =>
  ['request', 'requestMany', 'subscribe', 'status', 'closed', 'getServer'].every(
    (method) => typeof Reflect.get(Object(value), method) === 'function',
  )

const EMPTY = 'is an empty string. Is the variable set that should hold it?'

/** Shows no value. */
const kindOf = (value: unknown): string =>
  value === ''
    ? 'an empty string'
    : value === null || value === undefined
      ? `${value}`
      : typeof value

export const showAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

function readUrl(text: string): { url: URL; credentials: NodeConnectionOptions } {
  if (typeof text !== 'string' || text === '')
    throw new TypeError(
      `natsJournal: servers ${text === '' ? EMPTY : `holds ${kindOf(text)}, not an address`}`,
    )
  const full = text.includes('://') ? text : `nats://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (!url?.hostname || !['nats:', 'tls:'].includes(url.protocol))
    throw new TypeError('natsJournal: servers are addresses such as nats://host:4222')
  const user = decodeURIComponent(url.username)
  const pass = decodeURIComponent(url.password)
  // As NATS has it: one word before the @ is a token.
  if (!user) return { url, credentials: {} }
  return { url, credentials: pass ? { user, pass } : { token: user } }
}

/** The client takes a key that is there for one that was meant. */
function withoutUndefined(
  given: { [K in keyof NodeConnectionOptions]: NodeConnectionOptions[K] | undefined },
) {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as NodeConnectionOptions
}
