// What a user writes, read once and for all.
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import type { SharedOptions } from '../shared/index.ts'

/** What goes to the NATS client as it is. */
type Passed = 'user' | 'pass' | 'token' | 'authenticator' | 'tls' | 'inboxPrefix'

/** Credentials and TLS go to the NATS client as they are. */
export interface NatsOptions
  extends SharedOptions,
    Partial<{ [K in Passed]: NodeConnectionOptions[K] | undefined }> {
  /** `nats://host:4222`, or several of one cluster: name them all, others are not found by themselves. */
  readonly servers: string | readonly string[]
  /** The journal's: `a-z`, `0-9`, `_`, `-`. */
  readonly name: string
  /** How many servers keep each record, when the journal is made and at least, afterwards. Default 3. */
  readonly replicas?: number | undefined
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
  /** How long one request may take, in milliseconds. */
  readonly patience: number
}

const MAX_PATIENCE = 3_000

/** Throws TypeError, never with what may be a password in it. */
export function readOptions(options: NatsOptions): Settings {
  const { name, replicas = 3, timeout = 10_000, ...rest } = options
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name))
    throw new TypeError(
      `natsJournal: the name ${JSON.stringify(name)} is not of 1 to 63 characters a-z, 0-9, _ and -, beginning with a letter or digit`,
    )
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5)
    throw new TypeError(`natsJournal: replicas is ${replicas}, and must be 1 to 5`)
  const urls = [rest.servers].flat().map(readUrl)
  const [first] = urls
  if (!first) throw new TypeError('natsJournal: servers is empty')
  const addresses = urls.map(({ url }) => ({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 4222),
  }))
  const { user, pass, token, authenticator, inboxPrefix } = rest
  const tls = rest.tls ?? (urls.some(({ url }) => url.protocol === 'tls:') ? {} : undefined)
  const given = { user, pass, token, authenticator, inboxPrefix, tls }
  return {
    title: `nats://${addresses.map(showAddress).join(',')}#${name}`,
    ...{ name, replicas, addresses },
    connect: { ...first.credentials, ...withoutUndefined(given) },
    patience: Math.max(100, Math.min(MAX_PATIENCE, timeout)),
  }
}

export const showAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

function readUrl(text: string): { url: URL; credentials: NodeConnectionOptions } {
  if (typeof text !== 'string' || text === '') {
    const what = text === '' ? 'is an empty string' : `holds ${text === null ? text : typeof text}`
    throw new TypeError(`natsJournal: servers ${what}. Is the variable set that should hold it?`)
  }
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
