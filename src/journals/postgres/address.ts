// What the user gave as a connection → a pool, or what `pg` makes one of, and what messages may show of it.
import { Client, type Pool, type PoolConfig } from 'pg'

/** A connection string, the options that `pg` takes (TLS and `max` included), or a pool of the program's own. */
export type PostgresConnection = string | PoolConfig | Pool

export interface Address {
  /** `max` counts all connections of it, the listening one included. */
  readonly config: PoolConfig
  /** The program's own, which is never ended here. */
  readonly pool?: Pool | undefined
  /** Equal for connections that mean the same. */
  readonly key: unknown
  /** `postgres://host:port/database`, without user, password or parameters. */
  readonly shown: string
  redact(text: string): string
}

/** A URL or options: refused if they name no server. Throws TypeError. Nothing is connected. */
export function readAddress(connection: PostgresConnection): Address {
  if (isPool(connection)) return addressOf(connection)
  assertNamesServer(connection)
  const options = typeof connection === 'string' ? { connectionString: connection } : connection
  const secrets = new Set<string>()
  const { password } = options
  const config: PoolConfig = {
    ...{ ...options, pipeline: false, keepAlive: true, fallback_application_name: 'ministore' },
    ...(typeof password === 'function' && {
      password: async () => {
        const secret = await password()
        secrets.add(secret)
        return secret
      },
    }),
  }
  return { config, key: keyOf(options), ...shownAs(config, secrets) }
}

/** `pg-pool` hides the password from a spread. */
function addressOf(pool: Pool): Address {
  const { options } = pool
  const config: PoolConfig = { ...options, password: options.password }
  if (!process.env['PGHOST']) assertNamesServer(config)
  if ((config as { pipeline?: unknown }).pipeline)
    throw new TypeError('connection: the pool has pipeline: true. Give the journal one without it')
  return { config, pool, key: pool, ...shownAs(config, new Set()) }
}

function shownAs(
  config: PoolConfig,
  secrets: Set<string>,
): { shown: string; redact(text: string): string } {
  const { host, port, database, password } = probe(config)
  if (typeof password === 'string' && password !== '')
    secrets.add(password).add(encodeURIComponent(password))
  const at = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  return {
    shown: `postgres://${at}:${port}/${encodeURIComponent(database ?? '')}`,
    redact: (text) => [...secrets].reduce((shown, secret) => shown.replaceAll(secret, '***'), text),
  }
}

/** By its methods: it may come from another copy of `pg`. */
const isPool = (connection: unknown): connection is Pool =>
  typeof connection === 'object' &&
  connection !== null &&
  'totalCount' in connection &&
  'connect' in connection &&
  'options' in connection

const functions = new WeakMap<object, number>()
let counted = 0
function numberOf(value: object): number {
  const number = functions.get(value) ?? ++counted
  functions.set(value, number)
  return number
}

/** Two literals with the same content mean the same database. Options that are no JSON mean what they are. */
function keyOf(options: PoolConfig): unknown {
  try {
    return JSON.stringify(options, (_, value: unknown) =>
      typeof value === 'function' ? `function ${numberOf(value)}` : value,
    )
  } catch {
    return options
  }
}

/** `pg` takes anything that is missing from the environment, or as localhost. */
function assertNamesServer(connection: unknown): void {
  const form = 'Give postgres://user:password@host:5432/database, options with a host, or a pg.Pool'
  const refused = (what: string) => new TypeError(`connection: ${what}. ${form}`)
  if (connection === undefined || connection === null || connection === '')
    throw refused(
      `is ${connection === '' ? 'an empty string' : connection}. Is the variable set that should hold it?`,
    )
  if (typeof connection === 'string') {
    if (!/^(postgres(ql)?:\/\/|socket:|\/)/.test(connection))
      throw refused('is not a URL of postgres://')
    if (/^\w+:\/\/([^/?#]*@)?(:\d*)?([/?#]|$)/.test(connection) && !/[?&]host=./.test(connection))
      throw refused('the URL has no host')
    return
  }
  if (typeof connection !== 'object') throw refused(`is a ${typeof connection}`)
  const { query, host, connectionString, stream } = connection as Record<string, unknown>
  if (typeof query === 'function')
    throw refused('is a client of pg, which can do one thing at a time')
  if (connectionString !== undefined && connectionString !== null)
    assertNamesServer(connectionString)
  // A function makes the stream to a server that it knows, as the connectors of clouds do.
  else if ((typeof host !== 'string' || host === '') && typeof stream !== 'function')
    throw refused('the options have no host')
}

function probe(config: PoolConfig): Client {
  try {
    // Only a client that connects may make a stream.
    const { stream, ...rest } = config
    if (!isMisread(config.connectionString ?? '')) return new Client(rest)
  } catch {
    // What it says may hold the password.
  }
  throw new TypeError(
    'connection: is not what pg takes: postgres://user:password@host:5432/database, where @ : / ? # in ' +
      'a password are percent-encoded, or options',
  )
}

/** A password with a / ? or # in it would be taken for a host or a database, which messages show. */
function isMisread(url: string): boolean {
  const [, authority = '', path = '', rest = ''] =
    /^\w+:\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(url) ?? []
  return path.includes('@') || (rest.includes('@') && !authority.includes('@'))
}
